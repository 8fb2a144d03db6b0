/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an image file, unpacked on the way if need be, without a copy of the file in memory.
 *
 * One thread at a time. All errors are start-up errors: 0 or -errno with the text in e, which
 * names the option and the file.
 */
#ifndef BOOT_IMAGE_SOURCE_H
#define BOOT_IMAGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct unpack_type;
struct unpacker;

#define IMAGE_HEAD_MAX 1024

struct image_source {
	const char *option; /* "--kernel", for messages */
	const char *path;
	uint64_t size; /* of the file */
	/* The first bytes, unpacked; head_len < IMAGE_HEAD_MAX only when there are no more. */
	uint8_t head[IMAGE_HEAD_MAX];
	size_t head_len;
	int fd;                    /* private */
	struct unpacker *unpacker; /* NULL: the file as it is; else private */
};

/* Opens a regular file that is not empty and reads its head. option and path are kept. */
int image_source_open(struct image_source *s, const char *option, const char *path, struct err *e);
/* Also after a failed open. */
void image_source_close(struct image_source *s);

/* From here on the source is what the stream at `offset` of the file unpacks to; reads its head.
 * Once. */
int image_source_unpack(struct image_source *s, const struct unpack_type *type, uint64_t offset,
			struct err *e);

/* Reads len bytes from `offset` on; *got is less than len only when the image ends there. A packed
 * source cannot go back, except into its head: -ESPIPE. */
int image_source_read(struct image_source *s, uint64_t offset, void *buf, size_t len, size_t *got,
		      struct err *e);

#endif
