/* SPDX-License-Identifier: MIT */
/* Files made by hand, with a check sum computed in another way; every field in turn wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/err.h"
#include "boot/fip.h"

#define PARAM2   0x1600u /* behind 0x200 bytes of BLCP and 0x400 of BL2 */
#define DDR      0x2600u
#define SMALL    0x2800u
#define MONITOR  0x2c00u
#define LOADER   0x3000u
#define SIZE     0x3400u /* with 0x200 bytes that belong to nothing */
#define RUN      0x8fe00000u
#define NO_SMALL (SIZE - 0x400u)

/* By long division of the message by the polynomial, a bit at a time. */
static uint32_t divide(const uint8_t *p, size_t len)
{
	uint32_t rest = 0;

	for (size_t bit = 0; bit < 8 * (len + 2); bit++) {
		unsigned next = bit / 8 < len ? p[bit / 8] >> (7 - bit % 8) & 1u : 0;

		rest = rest << 1 | next;
		if (rest & 0x10000u)
			rest ^= 0x11021u;
	}
	return 0xcafe0000u | rest;
}

static void put_row(uint8_t *row, const uint8_t *file, uint32_t at, uint32_t size, uint32_t run)
{
	le32_store(row, divide(file + at, size));
	le32_store(row + 4, at);
	le32_store(row + 8, size);
	le32_store(row + 12, run);
}

static void sum_pages(uint8_t *file)
{
	le32_store(file + 0x0c, divide(file + 0x10, 0x7f0));
	le32_store(file + PARAM2 + 8, divide(file + PARAM2 + 12, 0x1000 - 12));
}

static void make(uint8_t file[SIZE])
{
	for (unsigned i = 0; i < SIZE; i++)
		file[i] = (uint8_t)(i * 7 + (i >> 8));
	memset(file, 0, 0x1000);
	memcpy(file, "CVBL01\n", 8);
	le32_store(file + 0xc0, divide(file + 0x1000, 0x200));
	le32_store(file + 0xc4, 0x200);
	le32_store(file + 0xc8, 0x05200200);
	le32_store(file + 0xd4, divide(file + 0x1200, 0x400));
	le32_store(file + 0xd8, 0x400);
	le32_store(file + 0xe0, PARAM2);
	memset(file + PARAM2, 0, 0x1000);
	memcpy(file + PARAM2, "CVLD02\n", 8);
	put_row(file + PARAM2 + 0x10, file, DDR, 0x200, 0);
	put_row(file + PARAM2 + 0x20, file, SMALL, 0x400, RUN);
	put_row(file + PARAM2 + 0x30, file, MONITOR, 0x400, 0x80000000);
	le32_store(file + PARAM2 + 0x44, LOADER);
	le32_store(file + LOADER + 4, 0x414d3342); /* "B3MA" */
	le32_store(file + LOADER + 0x0c, 0x200);
	le64_store(file + LOADER + 0x10, 0x80200000);
	le32_store(file + LOADER + 8, divide(file + LOADER + 12, 0x200 - 12));
	sum_pages(file);
}

/* The same without firmware for the small core. */
static void make_without(uint8_t file[SIZE])
{
	make(file);
	memset(file + PARAM2 + 0x20, 0, 16);
	memmove(file + SMALL, file + MONITOR, SIZE - MONITOR);
	le32_store(file + PARAM2 + 0x34, MONITOR - 0x400);
	le32_store(file + PARAM2 + 0x44, LOADER - 0x400);
	sum_pages(file);
}

static void parse_well(const uint8_t *file, size_t len, struct fip *f)
{
	struct err e = {0};

	if (fip_parse(file, len, f, &e) || fip_check(f, &e))
		fail_msg("%s", e.text);
}

static void expect_part(const struct fip *f, enum fip_id id, uint32_t at, uint32_t size,
			uint32_t run)
{
	assert_int_equal(f->part[id].at, at);
	assert_int_equal(f->part[id].size, size);
	assert_int_equal(f->part[id].run, run);
}

static void test_parse(void **state)
{
	uint8_t file[SIZE];
	struct fip f;

	(void)state;
	assert_int_equal(divide((const uint8_t *)"123456789", 9), 0xcafe31c3);
	make(file);
	parse_well(file, SIZE, &f);
	expect_part(&f, FIP_PARAM1, 0, 0x1000, 0);
	expect_part(&f, FIP_BLCP, 0x1000, 0x200, 0x05200200);
	expect_part(&f, FIP_BL2, 0x1200, 0x400, 0);
	expect_part(&f, FIP_PARAM2, PARAM2, 0x1000, 0);
	expect_part(&f, FIP_DDR_PARAM, DDR, 0x200, 0);
	expect_part(&f, FIP_BLCP_2ND, SMALL, 0x400, RUN);
	expect_part(&f, FIP_MONITOR, MONITOR, 0x400, 0x80000000);
	expect_part(&f, FIP_LOADER_2ND, LOADER, 0x200, 0x80200000);
	assert_string_equal(fip_part_name(FIP_BLCP_2ND), "BLCP_2ND");
}

/* Each part is cut off in turn, and never is a byte read that is not there. */
static void test_truncated(void **state)
{
	uint8_t file[SIZE];
	struct fip f;

	(void)state;
	make(file);
	for (size_t len = 0; len < LOADER + 0x200; len += len < 16 || len > LOADER ? 1 : 61) {
		uint8_t *cut = malloc(len ? len : 1);
		struct err e = {0};

		memcpy(cut, file, len);
		assert_int_equal(fip_parse(cut, len, &f, &e), -74);
		assert_true(e.text[0]);
		free(cut);
	}
	parse_well(file, LOADER + 0x200, &f);
}

static void expect_refused(const uint8_t *file, const char *word)
{
	struct err e = {0};
	struct fip f;
	int ret = fip_parse(file, SIZE, &f, &e);

	if (!ret)
		ret = fip_check(&f, &e);
	assert_int_equal(ret, -74);
	if (!strstr(e.text, word))
		fail_msg("\"%s\" does not say \"%s\"", e.text, word);
}

static void test_check_sums(void **state)
{
	static const struct {
		unsigned at;
		const char *name;
	} parts[] = {
		{0x10, "PARAM1"},
		{0x7ff, "PARAM1"},
		{0x11ff, "BLCP "},
		{0x1200, "BL2"},
		{PARAM2 + 0xfff, "PARAM2"},
		{DDR, "DDR_PARAM"},
		{SMALL + 0x3ff, "BLCP_2ND"},
		{MONITOR, "MONITOR"},
		{LOADER + 0x1ff, "LOADER_2ND"},
	};
	uint8_t file[SIZE];
	char words[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		make(file);
		file[parts[i].at] ^= 0x10;
		snprintf(words, sizeof(words), "the check sum of %s", parts[i].name);
		expect_refused(file, words);
	}
}

/* A word in the parameters that says what cannot be. */
static void test_fields(void **state)
{
	static const struct {
		unsigned at;
		uint32_t value;
		const char *word;
	} fields[] = {
		{0, 0x12345678, "no fip.bin"},
		{0xc4, 0xffffffff, "BLCP would be"},
		{0xd8, 0xfffff000, "BL2 would be"},
		{0xe0, 0xfffffff0, "PARAM2 would be"},
		{0xe0, 0, "where PARAM2 would be"},
		{0xe0, PARAM2 + 512, "where PARAM2 would be"},
		{PARAM2 + 0x18, 0xffffffff, "DDR_PARAM would be"},
		{PARAM2 + 0x24, SIZE + 1, "BLCP_2ND would be"},
		{PARAM2 + 0x28, SIZE, "BLCP_2ND would be"},
		{PARAM2 + 0x24, DDR, "overlaps"},
		{PARAM2 + 0x34, 0, "overlaps"},
		{PARAM2 + 0x44, SIZE, "LOADER_2ND would be"},
		{PARAM2 + 0x44, 0xfffffff0, "LOADER_2ND would be"},
		{PARAM2 + 0x44, MONITOR, "where LOADER_2ND would be"},
		{LOADER + 0x0c, 31, "where LOADER_2ND would be"},
		{LOADER + 0x0c, 0x10000, "LOADER_2ND would be"},
	};
	uint8_t file[SIZE];

	(void)state;
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		make(file);
		le32_store(file + fields[i].at, fields[i].value);
		expect_refused(file, fields[i].word);
	}
}

static void test_too_long(void **state)
{
	uint8_t *file = calloc(1, FIP_MAX + 1);
	struct err e = {0};
	uint8_t *out;
	size_t len;
	struct fip f;

	(void)state;
	make(file);
	assert_int_equal(fip_parse(file, FIP_MAX + 1, &f, &e), -27);
	parse_well(file, SIZE, &f);
	assert_int_equal(fip_exchange(file, SIZE, &f, file, FIP_MAX - 0x2000, RUN, &out, &len, &e),
			 -27);
	free(file);
}

/* What was there before is there, but for the firmware and where things are. */
static void expect_exchanged(const uint8_t *old, const struct fip *of, const uint8_t *new,
			     size_t new_len, const uint8_t *firmware, size_t len)
{
	uint32_t size = (uint32_t)(len + 511) / 512 * 512;
	const struct fip_part *small;
	struct fip f;

	parse_well(new, new_len, &f);
	small = &f.part[FIP_BLCP_2ND];
	expect_part(&f, FIP_BLCP_2ND, SMALL, size, 0x83f40000);
	assert_memory_equal(new + small->at, firmware, len);
	for (size_t i = len; i < size; i++)
		assert_int_equal(new[small->at + i], 0);
	for (unsigned id = 0; id < FIP_N_PARTS; id++) {
		const struct fip_part *a = &of->part[id], *b = &f.part[id];

		if (id == FIP_BLCP_2ND || id == FIP_PARAM2)
			continue;
		assert_int_equal(a->size, b->size);
		assert_int_equal(a->run, b->run);
		assert_int_equal(b->at % 512, 0);
		assert_memory_equal(old + a->at, new + b->at, a->size);
	}
}

static void test_exchange(void **state)
{
	static const size_t lens[] = {1, 511, 512, 0x400, 0x401, 0x5000};
	uint8_t file[SIZE], firmware[0x5000], *out;
	struct err e = {0};
	struct fip f;
	size_t len;

	(void)state;
	memset(firmware, 0x5a, sizeof(firmware));
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		make(file);
		parse_well(file, SIZE, &f);
		assert_int_equal(
			fip_exchange(file, SIZE, &f, firmware, lens[i], 0x83f40000, &out, &len, &e),
			0);
		expect_exchanged(file, &f, out, len, firmware, lens[i]);
		/* What belongs to nothing stays at the end. */
		assert_memory_equal(out + len - 0x200, file + SIZE - 0x200, 0x200);
		free(out);
		make_without(file);
		parse_well(file, NO_SMALL, &f);
		assert_int_equal(f.part[FIP_BLCP_2ND].size, 0);
		assert_int_equal(fip_exchange(file, NO_SMALL, &f, firmware, lens[i], 0x83f40000,
					      &out, &len, &e),
				 0);
		expect_exchanged(file, &f, out, len, firmware, lens[i]);
		free(out);
	}
}

/* The same firmware again: the same file. */
static void test_exchange_same(void **state)
{
	uint8_t file[SIZE], *out;
	struct err e = {0};
	struct fip f;
	size_t len;

	(void)state;
	make(file);
	parse_well(file, SIZE, &f);
	assert_int_equal(fip_exchange(file, SIZE, &f, file + SMALL, 0x400, RUN, &out, &len, &e), 0);
	assert_int_equal(len, SIZE);
	assert_memory_equal(out, file, SIZE);
	free(out);
}

/* The firmware in front of the second page, which could not follow. */
static void test_exchange_misplaced(void **state)
{
	uint8_t file[SIZE], *out;
	struct err e = {0};
	struct fip f;
	size_t len;

	(void)state;
	make(file);
	put_row(file + PARAM2 + 0x20, file, 0x1200, 0x400, RUN);
	le32_store(file + 0xd8, 0);
	sum_pages(file);
	parse_well(file, SIZE, &f);
	assert_int_equal(fip_exchange(file, SIZE, &f, file, 1, RUN, &out, &len, &e), -74);
	assert_non_null(strstr(e.text, "PARAM2 stands behind"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),         cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_check_sums),    cmocka_unit_test(test_fields),
		cmocka_unit_test(test_too_long),      cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_exchange_same), cmocka_unit_test(test_exchange_misplaced),
	};

	return cmocka_run_group_tests_name("fip", tests, NULL, NULL);
}
