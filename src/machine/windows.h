/* SPDX-License-Identifier: MIT */
/* Parts of the physical address space, as a short list: the memory that a core is confined to. Pure
 * functions over the caller's memory: any thread. */
#ifndef MACHINE_WINDOWS_H
#define MACHINE_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOWS_MAX  16u
#define WINDOWS_PAGE 0x1000u

/* Zeroed is empty. */
struct windows {
	unsigned n;
	struct {
		uint64_t start, end; /* the end is not part of it */
	} range[WINDOWS_MAX];
};

/* 0; -EINVAL: empty; -ENOSPC: there are WINDOWS_MAX already. */
int windows_add(struct windows *w, uint64_t start, uint64_t end);

/* What /reserved-memory of a device tree keeps away from the kernel, as far as there is room. The
 * tree is sound: one of fdt_file_load() or of our own. */
void windows_add_reserved(struct windows *w, const void *dtb);

/* Whether a byte of the page is in one of them. */
bool windows_have_page(const struct windows *w, uint64_t addr);

#endif
