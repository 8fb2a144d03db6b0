/* SPDX-License-Identifier: MIT */
/*
 * Incoming MSI Controllers (RISC-V AIA 1.0, chapter 3): an interrupt file for the S mode of each
 * hart, where messages arrive as numbers from 1 to IMSIC_IDS. A message is a store of the number to
 * the hart's page, by a device or by another hart; the hart itself works on its file with CSRs.
 *
 * Any thread. Where a hart's wire leads to, it may not call back.
 */
#ifndef HW_IMSIC_H
#define HW_IMSIC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/irq.h"
#include "bus/msi.h"

struct bus;
struct imsic;

#define IMSIC_IDS       255u /* the numbers are 1 to this */
#define IMSIC_PAGE      0x1000u
#define IMSIC_MAX_HARTS 8u

struct imsic_config {
	struct bus *bus;
	uint64_t base; /* a page for each hart */
	unsigned n_harts;
	const struct irq *outputs; /* n_harts wires, high while the file has something; copied */
};

/* 0, -EINVAL, -ENOMEM or what bus_add() says. */
int imsic_new(const struct imsic_config *cfg, struct imsic **out);
/* No message is under way any more. NULL is allowed. */
void imsic_free(struct imsic *s);

/* Takes messages to any address; those that meet no hart's page are lost. */
struct msi_sink imsic_sink(struct imsic *s);

/* As of struct cpu_imsic_ops (cpu/cpu.h), with the struct imsic as `arg`. */
uint64_t imsic_change(void *arg, unsigned hart, unsigned reg, uint64_t clear, uint64_t set);
uint32_t imsic_top(void *arg, unsigned hart, bool claim);

#endif
