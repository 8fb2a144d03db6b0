/* SPDX-License-Identifier: MIT */
/*
 * The archive of --file, --modules and a small core's firmware that is added to the initial RAM
 * disk. Main thread.
 */
#ifndef CMD_RUN_INITRD_H
#define CMD_RUN_INITRD_H

#include <stddef.h>

#define RUN_INITRD_FIRMWARE "/lib/firmware/duo-c906l.elf" /* the name that duo_rproc looks for */

struct err;
struct run_options;

/* `firmware`: a file that the guest has as RUN_INITRD_FIRMWARE, unless --file puts another one
 * there; or NULL. *data is malloc'd and the caller's. 0, or -errno with the message in e. */
int run_initrd_pack(const struct run_options *o, const char *firmware, void **data, size_t *len,
		    struct err *e);

#endif
