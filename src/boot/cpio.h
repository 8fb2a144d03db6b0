/* SPDX-License-Identifier: MIT */
/*
 * Builds a cpio archive ("newc", Documentation/driver-api/early-userspace/buffer-format.rst) in
 * memory, to be appended to an initial RAM disk. The same calls give the same bytes. One thread.
 */
#ifndef BOOT_CPIO_H
#define BOOT_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct cpio;
struct err;

int cpio_new(struct cpio **out);
/* NULL is allowed. */
void cpio_free(struct cpio *c);

/* Adds the host's file as the regular file `guest_path` (absolute, no "." or ".." in it), owned by
 * root, executable when it is so on the host, its time 0. Missing directories above it are made,
 * but for /bin, /sbin, /lib, /usr/bin and /usr/sbin, which may be links in the guest.
 * A file added later under the same path replaces it. 0, or -errno with the text in e, which names
 * --file and both paths. */
int cpio_add_file(struct cpio *c, const char *host_path, const char *guest_path, struct err *e);

/* The same from memory; `mode` is the permission bits. */
int cpio_add_data(struct cpio *c, const char *guest_path, unsigned mode, const void *data,
		  size_t len, struct err *e);

/* Ends the archive. *data belongs to c; nothing may be added afterwards. 0 or -ENOMEM. */
int cpio_finish(struct cpio *c, const void **data, size_t *len);

#endif
