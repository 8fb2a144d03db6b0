/* SPDX-License-Identifier: MIT */
/*
 * Unpacks a gzip or zstd stream piece by piece. Knows no file: bytes go in and come out. One thread
 * at a time.
 *
 * gzip: RFC 1952. zstd: RFC 8878; of several frames the first counts.
 */
#ifndef BOOT_UNPACK_H
#define BOOT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpack_piece {
	const uint8_t *in; /* what is to be unpacked; both are moved on by what was used */
	size_t in_len;
	uint8_t *out; /* where to, likewise */
	size_t out_len;
};

struct unpack_type {
	const char *name; /* also in an EFI_ZBOOT header */
	const char *magic;
	size_t magic_len;
	/* 0 with *state to be freed by `free`, or -ENOMEM. */
	int (*new)(void **state);
	/* Unpacks until the input or the room is used up, or the stream ends, its check sum right:
	 * then *ended is set. -EINVAL with the reason in *why if it is damaged. */
	int (*step)(void *state, struct unpack_piece *p, bool *ended, const char **why);
	void (*free)(void *state);
};

extern const struct unpack_type unpack_types[];
extern const unsigned unpack_n_types;

#endif
