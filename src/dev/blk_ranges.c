/* SPDX-License-Identifier: MIT */
/* All ranges are looked at before the first is executed, so that a refused request did nothing. */
#include "dev/blk_ranges.h"

#include "base/endian.h"
#include "dev/blk_spec.h"

unsigned blk_ranges_parse(uint32_t type, const uint8_t *bytes, unsigned n, uint64_t capacity,
			  struct blk_range *out)
{
	uint32_t flags_known = type == BLK_T_WRITE_ZEROES ? BLK_RANGE_F_UNMAP : 0;
	uint32_t max = type == BLK_T_WRITE_ZEROES ? BLK_ZERO_MAX : BLK_DISCARD_MAX;
	unsigned status = BLK_S_OK;

	for (unsigned i = 0; i < n; i++, bytes += BLK_RANGE_SIZE) {
		uint64_t sector = le64_load(bytes);
		uint32_t len = le32_load(bytes + 8);
		uint32_t flags = le32_load(bytes + 12);

		if (flags & ~flags_known)
			return BLK_S_UNSUPP;
		if (len > max || sector > capacity || len > capacity - sector)
			status = BLK_S_IOERR;
		out[i] = (struct blk_range){sector, len, flags & BLK_RANGE_F_UNMAP};
	}
	return status;
}
