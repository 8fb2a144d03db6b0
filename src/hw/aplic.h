/* SPDX-License-Identifier: MIT */
/*
 * The Advanced Platform-Level Interrupt Controller (RISC-V AIA 1.0, chapter 4): one domain, for S
 * mode, that turns wires into messages to the harts' interrupt files. It delivers in no other way
 * (domaincfg.DM is always 1), and where the files are cannot be changed.
 *
 * Sources may be raised from any thread.
 */
#ifndef HW_APLIC_H
#define HW_APLIC_H

#include <stdint.h>

#include "bus/irq.h"
#include "bus/msi.h"

struct aplic;
struct bus;

#define APLIC_SIZE        0x4000u
#define APLIC_MAX_SOURCES 127u

struct aplic_config {
	struct bus *bus;
	uint64_t base;      /* of APLIC_SIZE bytes */
	unsigned n_sources; /* numbered from 1 */
	unsigned n_harts;
	struct msi_sink sink;
	uint64_t files; /* hart n is at this address + n * 0x1000 */
};

/* 0, -EINVAL, -ENOMEM or what bus_add() says. */
int aplic_new(const struct aplic_config *cfg, struct aplic **out);
/* No source may be raised any more. NULL is allowed. */
void aplic_free(struct aplic *a);

/* The wire into source 1 to n_sources. */
struct irq aplic_irq(struct aplic *a, unsigned source);

#endif
