/* SPDX-License-Identifier: MIT */
/*
 * A device tree blob of the user's (Devicetree Specification 0.4, chapter 5), completed with what
 * only this run can know. One thread.
 */
#ifndef BOOT_FDT_FILE_H
#define BOOT_FDT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct fdt_file_request {
	const char *path;
	size_t size_max; /* bytes of the completed tree */
	uint64_t ram_base, ram_size;
	bool set_memory; /* the tree's memory becomes this RAM, instead of being checked */
	/* What is written into /chosen. */
	const char *bootargs;              /* NULL: the file's stay */
	uint64_t initrd_start, initrd_end; /* equal: there is none */
	const uint8_t *rng_seed;
	size_t rng_seed_len;
};

/*
 * Reads the blob and writes bootargs, linux,initrd-start, linux,initrd-end and rng-seed into its
 * /chosen, which is made if it is missing; without an initial RAM disk the two initrd properties
 * are removed. Everything else stays as it is.
 *
 * *out is malloc'd and the caller's. 0, or -errno with the text in e (which says --dtb): not to be
 * read, no blob, truncated, damaged, too large, or with a memory node that names more than the RAM
 * there is.
 */
int fdt_file_load(const struct fdt_file_request *r, void **out, size_t *len, struct err *e);

#endif
