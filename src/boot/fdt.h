/* SPDX-License-Identifier: MIT */
/*
 * Writes a flattened device tree from its root to its leaves (Devicetree Specification 0.4). The
 * first error is kept and makes the rest do nothing, so that only fdtb_finish() has to be
 * checked. One thread.
 *
 *	struct fdt_builder b;
 *
 *	fdtb_init(&b);
 *	fdtb_begin(&b, "%s", ""); // the root has no name
 *	fdtb_u32(&b, "#address-cells", 2);
 *	fdtb_begin(&b, "rtc@%" PRIx64, base);
 *	...
 *	fdtb_end(&b);
 *	fdtb_end(&b);
 *	err = fdtb_finish(&b, &dtb, &size);
 */
#ifndef BOOT_FDT_H
#define BOOT_FDT_H

#include <stddef.h>
#include <stdint.h>

struct fdt_builder {
	void *buf;      /* private */
	size_t size;    /* private */
	unsigned depth; /* private: open nodes */
	int err;        /* the first error, -errno */
};

void fdtb_init(struct fdt_builder *b);

/* A node, named as in printf (at most 63 characters), and its end. The properties of a node come
 * before its children. */
void fdtb_begin(struct fdt_builder *b, const char *name, ...) __attribute__((format(printf, 2, 3)));
void fdtb_end(struct fdt_builder *b);

void fdtb_empty(struct fdt_builder *b, const char *name);
void fdtb_u32(struct fdt_builder *b, const char *name, uint32_t v);
void fdtb_u64(struct fdt_builder *b, const char *name, uint64_t v);
void fdtb_string(struct fdt_builder *b, const char *name, const char *s);
void fdtb_bytes(struct fdt_builder *b, const char *name, const void *p, size_t len);
/* n strings, each with its NUL. */
void fdtb_strings(struct fdt_builder *b, const char *name, const char *const *s, unsigned n);
/* n cells of 32 bits, at most 256. */
void fdtb_cells(struct fdt_builder *b, const char *name, const uint32_t *cells, unsigned n);
/* "reg" with one address and one size of two cells each. */
void fdtb_reg(struct fdt_builder *b, uint64_t base, uint64_t size);

/* Ends the tree. *dtb is malloc'd and the caller's; *size its bytes, with some KiB for boot loaders
 * to add to it. -EINVAL: nodes that do not balance or a name too long; -ENOMEM. The builder is free
 * of memory afterwards, either way. */
int fdtb_finish(struct fdt_builder *b, void **dtb, size_t *size);

#endif
