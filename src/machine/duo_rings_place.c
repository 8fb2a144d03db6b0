/* SPDX-License-Identifier: MIT */
/*
 * Linux clears a ring before it uses it. So behind the available ring, up to the used ring, and
 * behind that one, there is nothing, unless the other side takes the ring for another one.
 */
#include "machine/duo_rings_place.h"

#include <stdbool.h>

#include "base/bits.h"
#include "machine/duo_link.h"
#include "mem/gmem.h"
#include "rpmsg/proto.h"

#define PAGE    4096u
#define F_WRITE 2u

uint64_t rings_avail_at(uint32_t num)
{
	return RINGS_DESC_SIZE * num;
}

uint64_t rings_used_at(uint32_t num, uint32_t align)
{
	return align_up(rings_avail_at(num) + 6 + UINT64_C(2) * num, align);
}

uint64_t rings_length(uint32_t num)
{
	return rings_used_at(num, LINK_ALIGN) + 6 + UINT64_C(8) * num;
}

/* The index of an available or used ring at this offset into the one at base. */
static uint16_t index_at(const struct gmem *mem, uint64_t base, uint64_t offset)
{
	const uint8_t *p = gmem_map(mem, base + offset, 4);

	return p ? rpmsg_load16(p + 2) : 0;
}

/* ---- finding ---- */

static uint64_t buffer_of(const uint8_t *desc)
{
	return rpmsg_load32(desc) | (uint64_t)rpmsg_load32(desc + 4) << 32;
}

/* A descriptor of a buffer that Linux receives into. */
static bool is_buffer(const uint8_t *desc)
{
	return rpmsg_load32(desc + 8) == RPMSG_BUFFER_SIZE && rpmsg_load16(desc + 12) == F_WRITE;
}

/* While Linux is filling in descriptors there are fewer than the ring has; then this is a part of
 * the next one. */
static bool given_is_possible(const struct gmem *mem, uint64_t base, uint32_t num)
{
	uint16_t avail = index_at(mem, base, rings_avail_at(num));
	uint16_t used = index_at(mem, base, rings_used_at(num, LINK_ALIGN));

	return avail && (uint16_t)(avail - used) <= num;
}

uint32_t rings_num_at(const struct gmem *mem, uint64_t base)
{
	const uint8_t *desc = gmem_map(mem, base, RINGS_DESC_SIZE * RINGS_NUM_MAX);
	uint32_t n = 0;
	uint64_t first;

	if (!desc || !is_buffer(desc))
		return 0;
	first = buffer_of(desc);
	while (n < RINGS_NUM_MAX && is_buffer(desc + RINGS_DESC_SIZE * n) &&
	       buffer_of(desc + RINGS_DESC_SIZE * n) == first + UINT64_C(1) * n * RPMSG_BUFFER_SIZE)
		n++;
	if (n < 2 || n & (n - 1) || !gmem_map(mem, first, UINT64_C(1) * n * RPMSG_BUFFER_SIZE))
		return 0;
	return given_is_possible(mem, base, n) ? n : 0;
}

uint64_t rings_find(const struct gmem *mem, uint64_t base, uint64_t size, uint32_t *num)
{
	for (uint64_t at = base; at < base + size; at += PAGE) {
		*num = rings_num_at(mem, at);
		if (*num)
			return at;
	}
	return 0;
}

/* ---- what is where nothing should be ---- */

uint32_t rings_other_align(const struct gmem *mem, uint64_t base, uint32_t num)
{
	for (uint32_t align = 4; align < LINK_ALIGN; align *= 2) {
		uint64_t at = rings_used_at(num, align);

		if (at + 4 <= rings_used_at(num, LINK_ALIGN) && index_at(mem, base, at))
			return align;
	}
	return 0;
}

/* The used ring of fewer entries is where the available one is. Linux has put 0, 1, 2, 3 there;
 * words of the other, numbers and lengths, have an upper half that is 0. */
static bool avail_is_overwritten(const struct gmem *mem, uint64_t base, uint32_t num)
{
	const uint8_t *avail = gmem_map(mem, base + rings_avail_at(num), 4 + UINT64_C(2) * num);

	return avail && rpmsg_load16(avail + 2) < num && rpmsg_load16(avail + 6) == 0 &&
	       rpmsg_load16(avail + 10) == 0;
}

uint32_t rings_other_num(const struct gmem *mem, uint64_t base, uint32_t num)
{
	const uint64_t end = rings_length(num);

	if (num > LINK_FEWER && rings_used_at(LINK_FEWER, LINK_ALIGN) == rings_avail_at(num) &&
	    avail_is_overwritten(mem, base, num))
		return LINK_FEWER;
	for (uint32_t other = LINK_NUM; other <= RINGS_NUM_MAX; other *= 2) {
		uint64_t at = rings_used_at(other, LINK_ALIGN);

		if (at >= end && index_at(mem, base, at))
			return other;
	}
	return 0;
}

unsigned rings_unwritten(const struct gmem *mem, uint64_t base, uint32_t num)
{
	const uint8_t *used = gmem_map(mem, base + rings_used_at(num, LINK_ALIGN),
				       4 + UINT64_C(8) * num);
	uint16_t index = used ? rpmsg_load16(used + 2) : 0;
	unsigned n = 0;

	/* Later rounds have overwritten all. */
	for (unsigned i = 0; i < index && index <= num; i++)
		n += rpmsg_load32(used + 4 + (size_t)8 * i + 4) < RPMSG_HEADER_SIZE;
	return n;
}
