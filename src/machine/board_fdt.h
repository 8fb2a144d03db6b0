/* SPDX-License-Identifier: MIT */
/*
 * What the device trees of all boards have alike: /chosen with what only this run can know, the
 * memory, and a node for a device; or the user's own tree (--dtb), completed. On the thread that
 * builds the machine.
 */
#ifndef MACHINE_BOARD_FDT_H
#define MACHINE_BOARD_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct fdt_builder;
struct machine;

/* What only this run can know. */
struct board_fdt {
	uint64_t ram_base, ram_size;
	const char *bootargs;              /* or NULL */
	uint64_t initrd_start, initrd_end; /* equal: none */
	uint8_t rng_seed[32];
};

/* Fills it in for a machine. 0, or -errno with the message in e. */
int board_fdt_init(struct board_fdt *b, const struct machine *m, uint64_t initrd_start,
		   uint64_t initrd_end, struct err *e);

/* Makes m->dtb out of --dtb, of at most size_max bytes; set_memory: see boot/fdt_file.h. 0, or
 * -errno with the message in e. */
int board_fdt_load(const struct board_fdt *b, struct machine *m, size_t size_max, bool set_memory,
		   struct err *e);

/* Begins /aliases with serial0, `console`, the path of the UART's node; the caller ends it. */
void board_fdt_aliases(struct fdt_builder *t, const char *console);
/* Writes /chosen and /memory. */
void board_fdt_chosen(struct fdt_builder *t, const struct board_fdt *b, const char *console);

/* Begins a node `name@base` with its compatible strings and its one register window, of two cells
 * each. */
void board_fdt_device(struct fdt_builder *t, const char *name, uint64_t base, uint64_t size,
		      const char *compatible, size_t compatible_len);

#define BOARD_FDT_DEVICE(t, name, base, size, compatible) \
	board_fdt_device(t, name, base, size, compatible, sizeof(compatible))

#endif
