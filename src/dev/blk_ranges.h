/* SPDX-License-Identifier: MIT */
/* The ranges of a DISCARD or WRITE_ZEROES request. Internal to the disk. Pure: any thread. */
#ifndef DEV_BLK_RANGES_H
#define DEV_BLK_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#define BLK_RANGES_MAX  16u        /* of one request */
#define BLK_DISCARD_MAX (1u << 22) /* sectors of one range: 2 GiB */
#define BLK_ZERO_MAX    (1u << 16) /* 32 MiB: a host without a better way writes them all */

struct blk_range {
	uint64_t sector;
	uint32_t n_sectors;
	bool unmap;
};

/* Takes the n (1 to BLK_RANGES_MAX) ranges of `type` (BLK_T_DISCARD or BLK_T_WRITE_ZEROES) from
 * `bytes`, BLK_RANGE_SIZE each, for a disk of `capacity` sectors. BLK_S_OK and all of `out`; or the
 * status of a request that is refused as a whole (5.2.6.2): BLK_S_UNSUPP, BLK_S_IOERR. */
unsigned blk_ranges_parse(uint32_t type, const uint8_t *bytes, unsigned n, uint64_t capacity,
			  struct blk_range *out);

#endif
