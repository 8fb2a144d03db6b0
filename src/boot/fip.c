/* SPDX-License-Identifier: MIT */
/*
 * The layout is that of the vendor's fiptool.py and boot loader. Both pages of parameters have 4096
 * bytes, little-endian:
 *
 *	PARAM1, at 0: "CVBL01\n\0"; 0x0c its sum, over 0x10 to 0x800; 0xc0 sum and size of BLCP,
 *	and where that runs; 0xd4 sum and size of BL2; 0xe0 where PARAM2 is. BLCP and BL2 follow it.
 *	PARAM2: "CVLD02\n\0"; 0x08 its sum, over all behind that; then sum, place, size and address
 *	of DDR_PARAM (without an address), BLCP_2ND, MONITOR; 0x44 the place of LOADER_2ND.
 *	LOADER_2ND begins with a header: 0x04 magic, 0x08 its sum, over all behind that, 0x0c size,
 *	0x10 address.
 */
#include "boot/fip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"

#define PARAM_SIZE     4096u
#define PARAM1_MAGIC   "CVBL01\n"
#define PARAM2_MAGIC   "CVLD02\n"
#define PARAM1_SUMMED  0x800u /* signatures follow */
#define LOADER_HEADER  32u
#define SUM_MARK       0xcafe0000u
#define PARAM2_SUM     0x08u
#define PARAM2_PARTS   0x10u /* 16 bytes each: sum, place, size, address */
#define PARAM2_LOADER  0x44u
#define PARAM2_ROW(id) (PARAM2_PARTS + 16u * ((id)-FIP_DDR_PARAM))

static const char *const names[FIP_N_PARTS] = {
	[FIP_PARAM1] = "PARAM1",
	[FIP_BLCP] = "BLCP",
	[FIP_BL2] = "BL2",
	[FIP_PARAM2] = "PARAM2",
	[FIP_DDR_PARAM] = "DDR_PARAM",
	[FIP_BLCP_2ND] = "BLCP_2ND",
	[FIP_MONITOR] = "MONITOR",
	[FIP_LOADER_2ND] = "LOADER_2ND",
};

const char *fip_part_name(enum fip_id id)
{
	return names[id];
}

bool fip_part_is_bad(const struct fip_part *p)
{
	return p->size && p->sum != p->real;
}

/* CRC-16/XMODEM: polynomial 0x1021, from 0, the highest bit first. */
static uint32_t sum_of(const uint8_t *p, size_t len)
{
	unsigned crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned)p[i] << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc & 0x8000u ? 0x11021u : 0);
	}
	return SUM_MARK | crc;
}

/* ---- what is there ---- */

static int outside(enum fip_id id, const struct fip_part *p, size_t len, struct err *e)
{
	return err_set(e, -EBADMSG,
		       "%s would be %#x bytes at %#x, but the file has %#zx: it is cut off, or "
		       "damaged",
		       names[id], p->size, p->at, len);
}

static bool is_inside(const struct fip_part *p, size_t len)
{
	return p->at <= len && p->size <= len - p->at;
}

/* A part of which place, size and sum are known. */
static int add(struct fip *f, enum fip_id id, const uint8_t *data, size_t len, struct fip_part p,
	       struct err *e)
{
	if (!is_inside(&p, len))
		return outside(id, &p, len, e);
	p.real = sum_of(data + p.at, p.size);
	f->part[id] = p;
	return 0;
}

static int find_param1(const uint8_t *data, size_t len, struct fip *f, struct err *e)
{
	struct fip_part *p = &f->part[FIP_PARAM1];
	uint32_t at = PARAM_SIZE;
	int ret;

	*p = (struct fip_part){.size = PARAM_SIZE};
	if (len < sizeof(PARAM1_MAGIC) || memcmp(data, PARAM1_MAGIC, sizeof(PARAM1_MAGIC)))
		return err_set(e, -EBADMSG, "it is no fip.bin: its first word is not CVBL01");
	if (!is_inside(p, len))
		return outside(FIP_PARAM1, p, len, e);
	p->sum = le32_load(data + 0x0c);
	p->real = sum_of(data + 0x10, PARAM1_SUMMED - 0x10);
	ret = add(f, FIP_BLCP, data, len,
		  (struct fip_part){.at = at,
				    .sum = le32_load(data + 0xc0),
				    .size = le32_load(data + 0xc4),
				    .run = le32_load(data + 0xc8)},
		  e);
	if (ret)
		return ret;
	at += f->part[FIP_BLCP].size;
	return add(f, FIP_BL2, data, len,
		   (struct fip_part){
			   .at = at, .sum = le32_load(data + 0xd4), .size = le32_load(data + 0xd8)},
		   e);
}

static int find_loader(const uint8_t *data, size_t len, struct fip *f, uint32_t at, struct err *e)
{
	static const char magics[][5] = {"BL33", "B3MA", "B3Z4"}; /* plain, LZMA, LZ4 */
	struct fip_part p = {.at = at, .size = LOADER_HEADER};
	bool known = false;

	if (!at)
		return 0;
	if (!is_inside(&p, len))
		return outside(FIP_LOADER_2ND, &p, len, e);
	for (unsigned i = 0; i < ARRAY_SIZE(magics); i++)
		known |= !memcmp(data + at + 4, magics[i], 4);
	p.sum = le32_load(data + at + 0x08);
	p.size = le32_load(data + at + 0x0c);
	p.run = le32_load(data + at + 0x10);
	if (!known || p.size < LOADER_HEADER)
		return err_set(e, -EBADMSG, "at %#x, where LOADER_2ND would be, is none", at);
	if (!is_inside(&p, len))
		return outside(FIP_LOADER_2ND, &p, len, e);
	p.real = sum_of(data + at + 0x0c, p.size - 0x0c);
	f->part[FIP_LOADER_2ND] = p;
	return 0;
}

static int find_param2(const uint8_t *data, size_t len, struct fip *f, struct err *e)
{
	struct fip_part *p = &f->part[FIP_PARAM2];
	const uint8_t *page;
	int ret = 0;

	*p = (struct fip_part){.at = le32_load(data + 0xe0), .size = PARAM_SIZE};
	if (!is_inside(p, len))
		return outside(FIP_PARAM2, p, len, e);
	page = data + p->at;
	if (memcmp(page, PARAM2_MAGIC, sizeof(PARAM2_MAGIC)))
		return err_set(e, -EBADMSG, "at %#x, where PARAM2 would be, its word CVLD02 is not",
			       p->at);
	p->sum = le32_load(page + PARAM2_SUM);
	p->real = sum_of(page + PARAM2_SUM + 4, PARAM_SIZE - PARAM2_SUM - 4);
	for (unsigned id = FIP_DDR_PARAM; id <= FIP_MONITOR && !ret; id++) {
		const uint8_t *row = page + PARAM2_ROW(id);

		ret = add(f, id, data, len,
			  (struct fip_part){.sum = le32_load(row),
					    .at = le32_load(row + 4),
					    .size = le32_load(row + 8),
					    .run = id == FIP_DDR_PARAM ? 0 : le32_load(row + 12)},
			  e);
	}
	return ret ? ret : find_loader(data, len, f, le32_load(page + PARAM2_LOADER), e);
}

static int check_overlaps(const struct fip *f, struct err *e)
{
	for (unsigned i = 0; i < FIP_N_PARTS; i++) {
		for (unsigned j = 0; j < FIP_N_PARTS; j++) {
			const struct fip_part *a = &f->part[i], *b = &f->part[j];

			if (i != j && a->size && b->size && b->at >= a->at &&
			    b->at - a->at < a->size)
				return err_set(e, -EBADMSG, "%s at %#x overlaps %s at %#x",
					       names[j], b->at, names[i], a->at);
		}
	}
	return 0;
}

int fip_parse(const uint8_t *data, size_t len, struct fip *out, struct err *e)
{
	int ret;

	*out = (struct fip){0};
	if (len > FIP_MAX)
		return err_set(e, -EFBIG, "it is no fip.bin: it has more than %u MiB",
			       FIP_MAX >> 20);
	ret = find_param1(data, len, out, e);
	if (!ret)
		ret = find_param2(data, len, out, e);
	return ret ? ret : check_overlaps(out, e);
}

int fip_check(const struct fip *f, struct err *e)
{
	for (unsigned i = 0; i < FIP_N_PARTS; i++)
		if (fip_part_is_bad(&f->part[i]))
			return err_set(e, -EBADMSG,
				       "the check sum of %s is %#010x and should be %#010x",
				       names[i], f->part[i].sum, f->part[i].real);
	return 0;
}

/* ---- another firmware ---- */

static size_t round_up(size_t n)
{
	return (n + FIP_ALIGN - 1) / FIP_ALIGN * FIP_ALIGN;
}

/* The bytes of the file that the new firmware replaces: the old one and what fills its last block,
 * or none, in front of the parts that the vendor's tool puts behind it. */
static void find_hole(const struct fip *f, size_t len, size_t *start, size_t *end)
{
	const struct fip_part *old = &f->part[FIP_BLCP_2ND];
	size_t next = len;

	for (unsigned i = 0; i < FIP_N_PARTS; i++) {
		const struct fip_part *p = &f->part[i];
		bool behind = old->size ? p->at > old->at : i > FIP_BLCP_2ND;

		if (p->size && behind && p->at < next)
			next = p->at;
	}
	*start = old->size ? old->at : next;
	*end = old->size ? *start + round_up(old->size) : next;
	if (*end > next)
		*end = next;
}

/* Writes the parameters of the new file, whose parts from `end` of the old one on have moved. */
static void write_param2(uint8_t *out, const struct fip *f, size_t end, size_t moved,
			 const struct fip_part *firmware)
{
	uint8_t *page = out + f->part[FIP_PARAM2].at;
	uint8_t *row = page + PARAM2_ROW(FIP_BLCP_2ND);

	for (unsigned id = FIP_DDR_PARAM; id < FIP_N_PARTS; id++) {
		const struct fip_part *p = &f->part[id];
		unsigned at = id == FIP_LOADER_2ND ? PARAM2_LOADER : PARAM2_ROW(id) + 4;

		if (p->size && p->at >= end)
			le32_store(page + at, (uint32_t)(p->at + moved));
	}
	le32_store(row, firmware->sum);
	le32_store(row + 4, firmware->at);
	le32_store(row + 8, firmware->size);
	le32_store(row + 12, firmware->run);
	le32_store(page + PARAM2_SUM, sum_of(page + PARAM2_SUM + 4, PARAM_SIZE - PARAM2_SUM - 4));
}

int fip_exchange(const uint8_t *data, size_t len, const struct fip *f, const void *firmware,
		 size_t firmware_len, uint32_t run, uint8_t **out, size_t *out_len, struct err *e)
{
	struct fip_part part = {.run = run};
	size_t start, end, size = round_up(firmware_len);

	find_hole(f, len, &start, &end);
	for (unsigned i = 0; i <= FIP_PARAM2; i++)
		if (f->part[i].size && f->part[i].at >= start)
			return err_set(e, -EBADMSG,
				       "%s stands behind the small core's firmware, where no tool "
				       "puts it",
				       names[i]);
	if (firmware_len > FIP_MAX || round_up(start) + size + (len - end) > FIP_MAX)
		return err_set(e, -EFBIG, "the file would have more than %u MiB", FIP_MAX >> 20);
	part.at = (uint32_t)round_up(start);
	part.size = (uint32_t)size;
	*out_len = part.at + size + (len - end);
	*out = calloc(1, *out_len);
	if (!*out)
		return err_set(e, -ENOMEM, "out of memory");
	memcpy(*out, data, start);
	memcpy(*out + part.at, firmware, firmware_len);
	memcpy(*out + part.at + size, data + end, len - end);
	part.sum = sum_of(*out + part.at, size);
	write_param2(*out, f, end, part.at + size - end, &part);
	return 0;
}
