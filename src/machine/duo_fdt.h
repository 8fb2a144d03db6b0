/* SPDX-License-Identifier: MIT */
/* The device tree of the Duo boards, with what Linux 6.12 has drivers for. */
#ifndef MACHINE_DUO_FDT_H
#define MACHINE_DUO_FDT_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct duo_fdt_config {
	const char *model;                 /* the machine's name */
	uint64_t mem;                      /* bytes from DUO_RAM_BASE */
	const char *bootargs;              /* or NULL */
	uint64_t initrd_start, initrd_end; /* equal: none */
	uint8_t rng_seed[32];
};

/* *out is malloc'd and the caller's. 0, or -errno with the message in e. */
int duo_fdt_build(const struct duo_fdt_config *cfg, void **out, size_t *len, struct err *e);

#endif
