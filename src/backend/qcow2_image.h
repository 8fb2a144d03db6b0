/* SPDX-License-Identifier: MIT */
/* What an open qcow2 image is. Internal to qcow2.c and qcow2_open.c. */
#ifndef BACKEND_QCOW2_IMAGE_H
#define BACKEND_QCOW2_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"

/* Bits of an L2 entry */
#define QCOW2_COPIED     BIT(63)
#define QCOW2_COMPRESSED BIT(62)
#define QCOW2_OFFSET     0x00fffffffffffe00ull /* of L1 entries too */
#define QCOW2_ZERO       BIT(0)                /* version 3 */

/* One file of a chain: an image, or, as the last one, a raw file, which has no tables. */
struct qcow2 {
	int fd;
	bool owns_fd;
	uint64_t size; /* bytes of the disk */
	unsigned version, cluster_bits;
	uint64_t n_tables;
	uint64_t **tables; /* L2, by L1 index, in host order; NULL: nothing is allocated there */
	struct qcow2 *backing;
};

#endif
