/* SPDX-License-Identifier: MIT */
/*
 * Places an initial RAM disk in guest memory. Linux takes several archives one behind the other,
 * packed or not, each beginning at a multiple of 4 bytes; this is how files are added to one.
 * One thread, while nothing runs.
 */
#ifndef BOOT_INITRD_H
#define BOOT_INITRD_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct gmem;

#define INITRD_ALIGN 0x1000u

/* A file, or with path NULL the caller's memory. */
struct initrd_piece {
	const char *path;
	const void *data;
	size_t len;
};

/* Puts the pieces, in order, at the first multiple of INITRD_ALIGN from `from` on and below `to`;
 * both lie in one RAM region (to may be its end). [*start, *end) is what they occupy. Files may be
 * pipes. 0, or -errno with the text in e (which says --initrd): missing, unreadable, empty, too
 * large. */
int initrd_load(const struct gmem *m, uint64_t from, uint64_t to, const struct initrd_piece *pieces,
		unsigned n, uint64_t *start, uint64_t *end, struct err *e);

#endif
