/* SPDX-License-Identifier: MIT */
/* A thin layer over libfdt's sequential writer: it doubles the buffer whenever that is full and
 * tries again, and keeps the first error. */
#include "boot/fdt.h"

#include <endian.h>
#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 4096
#define MAX_SIZE   (1u << 20) /* far more than any machine's tree */
#define MAX_CELLS  256
#define SLACK      4096

static void note(struct fdt_builder *b, int fdt_err)
{
	if (fdt_err && !b->err)
		b->err = -EINVAL;
}

/* After a libfdt call said `fdt_err`: true when it is to be tried again in a larger buffer. */
static bool again(struct fdt_builder *b, int fdt_err)
{
	size_t size = b->size * 2;
	void *buf;

	if (fdt_err != -FDT_ERR_NOSPACE) {
		note(b, fdt_err);
		return false;
	}
	buf = size <= MAX_SIZE ? malloc(size) : NULL;
	if (!buf || fdt_resize(b->buf, buf, (int)size)) {
		free(buf);
		b->err = -ENOMEM;
		return false;
	}
	free(b->buf);
	b->buf = buf;
	b->size = size;
	return true;
}

void fdtb_init(struct fdt_builder *b)
{
	*b = (struct fdt_builder){.buf = malloc(FIRST_SIZE), .size = FIRST_SIZE};
	if (!b->buf) {
		b->err = -ENOMEM;
		return;
	}
	note(b, fdt_create(b->buf, FIRST_SIZE));
	note(b, fdt_finish_reservemap(b->buf));
}

void fdtb_begin(struct fdt_builder *b, const char *name, ...)
{
	char text[64];
	va_list ap;
	int n;

	va_start(ap, name);
	n = vsnprintf(text, sizeof(text), name, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		note(b, -FDT_ERR_BADVALUE);
	while (!b->err && again(b, fdt_begin_node(b->buf, text)))
		continue;
	b->depth++;
}

void fdtb_end(struct fdt_builder *b)
{
	/* libfdt itself does not count. */
	if (b->depth)
		b->depth--;
	else
		note(b, -FDT_ERR_BADSTATE);
	while (!b->err && again(b, fdt_end_node(b->buf)))
		continue;
}

void fdtb_bytes(struct fdt_builder *b, const char *name, const void *p, size_t len)
{
	while (!b->err && again(b, fdt_property(b->buf, name, p, (int)len)))
		continue;
}

void fdtb_empty(struct fdt_builder *b, const char *name)
{
	fdtb_bytes(b, name, "", 0);
}

void fdtb_u32(struct fdt_builder *b, const char *name, uint32_t v)
{
	v = htobe32(v);
	fdtb_bytes(b, name, &v, sizeof(v));
}

void fdtb_u64(struct fdt_builder *b, const char *name, uint64_t v)
{
	v = htobe64(v);
	fdtb_bytes(b, name, &v, sizeof(v));
}

void fdtb_string(struct fdt_builder *b, const char *name, const char *s)
{
	fdtb_bytes(b, name, s, strlen(s) + 1);
}

void fdtb_strings(struct fdt_builder *b, const char *name, const char *const *s, unsigned n)
{
	char text[1024];
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(s[i]) + 1;

		if (len > sizeof(text) - at) {
			note(b, -FDT_ERR_BADVALUE);
			return;
		}
		memcpy(text + at, s[i], len);
		at += len;
	}
	fdtb_bytes(b, name, text, at);
}

void fdtb_cells(struct fdt_builder *b, const char *name, const uint32_t *cells, unsigned n)
{
	uint32_t be[MAX_CELLS];

	if (n > MAX_CELLS) {
		note(b, -FDT_ERR_BADVALUE);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		be[i] = htobe32(cells[i]);
	fdtb_bytes(b, name, be, n * sizeof(be[0]));
}

void fdtb_reg(struct fdt_builder *b, uint64_t base, uint64_t size)
{
	const uint64_t be[2] = {htobe64(base), htobe64(size)};

	fdtb_bytes(b, "reg", be, sizeof(be));
}

/* Boot loaders add to a tree where it lies, some without a look at the room: U-Boot overruns a tree
 * that ends with its last byte. */
static void add_slack(struct fdt_builder *b)
{
	size_t size = fdt_totalsize(b->buf) + SLACK;
	void *buf = calloc(1, size);

	if (!buf) {
		b->err = -ENOMEM;
		return;
	}
	note(b, fdt_open_into(b->buf, buf, (int)size));
	free(b->buf);
	b->buf = buf;
}

int fdtb_finish(struct fdt_builder *b, void **dtb, size_t *size)
{
	if (b->depth)
		note(b, -FDT_ERR_BADSTATE);
	while (!b->err && again(b, fdt_finish(b->buf)))
		continue;
	if (!b->err)
		add_slack(b);
	if (b->err) {
		free(b->buf);
		b->buf = NULL;
		return b->err;
	}
	*size = fdt_totalsize(b->buf);
	*dtb = b->buf;
	b->buf = NULL;
	return 0;
}
