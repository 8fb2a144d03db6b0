/* SPDX-License-Identifier: MIT */
/* The device tree of the Duo boards, with what Linux 6.12 has drivers for. */
#ifndef MACHINE_DUO_FDT_H
#define MACHINE_DUO_FDT_H

#include <stddef.h>
#include <stdint.h>

#include "machine/board_fdt.h"

struct err;
struct fdt_builder;
struct wires;

struct duo_region {
	uint64_t base, size;
};

struct duo_fdt_config {
	struct board_fdt run;
	/* Memory that Linux leaves alone: the small core's, for rings, for shared buffers, and for
	 * those of RPMsg. */
	struct duo_region rtos, vrings, buffers, pool;
	const char *model; /* the machine's name */
	const struct wires *wires;
};

/* *out is malloc'd and the caller's. 0, or -errno with the message in e. */
int duo_fdt_build(const struct duo_fdt_config *cfg, void **out, size_t *len, struct err *e);

/* A node's interrupt at the PLIC. */
void duo_fdt_interrupt(struct fdt_builder *t, unsigned irq);

#endif
