/* SPDX-License-Identifier: MIT */
/* The decoder: known encodings, every row of the table, every halfword. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "cpu/rv64/insn.h"

struct expect {
	uint32_t bits;
	uint16_t id;
	uint8_t rd, rs1, rs2;
	int32_t imm;
};

/* Encodings as GNU as makes them. */
static const struct expect short_ones[] = {
	{0x0844, RV64_addi, 9, 2, 0, 20},        {0x2564, RV64_fld, 9, 10, 0, 200},
	{0x42f0, RV64_lw, 12, 13, 0, 68},        {0x67d8, RV64_ld, 14, 15, 0, 136},
	{0xa480, RV64_fsd, 0, 9, 8, 8},          {0xc1a8, RV64_sw, 0, 11, 10, 64},
	{0xe2f0, RV64_sd, 0, 13, 12, 192},       {0x0001, RV64_addi, 0, 0, 0, 0},
	{0x1fe5, RV64_addi, 31, 31, 0, -7},      {0x28f9, RV64_addiw, 17, 17, 0, 30},
	{0x5281, RV64_addi, 5, 0, 0, -32},       {0x7141, RV64_addi, 2, 2, 0, -496},
	{0x7a81, RV64_lui, 21, 21, 0, -0x20000}, {0x9005, RV64_srli, 8, 8, 0, 33},
	{0x849d, RV64_srai, 9, 9, 0, 7},         {0x9975, RV64_andi, 10, 10, 0, -3},
	{0x8d91, RV64_sub, 11, 11, 12, 0},       {0x8eb9, RV64_xor, 13, 13, 14, 0},
	{0x8fc1, RV64_or, 15, 15, 8, 0},         {0x8ce9, RV64_and, 9, 9, 10, 0},
	{0x9d91, RV64_subw, 11, 11, 12, 0},      {0x9eb9, RV64_addw, 13, 13, 14, 0},
	{0xb101, RV64_jal, 0, 0, 0, -1024},      {0xd381, RV64_beq, 0, 15, 0, -256},
	{0xec7d, RV64_bne, 0, 8, 0, 254},        {0x1dfe, RV64_slli, 27, 27, 0, 63},
	{0x3ffe, RV64_fld, 31, 2, 0, 504},       {0x50fe, RV64_lw, 1, 2, 0, 252},
	{0x6f22, RV64_ld, 30, 2, 0, 8},          {0x8e82, RV64_jalr, 0, 29, 0, 0},
	{0x8192, RV64_add, 3, 0, 4, 0},          {0x9002, RV64_ebreak, 0, 0, 0, 0},
	{0x9e02, RV64_jalr, 1, 28, 0, 0},        {0x9d66, RV64_add, 26, 26, 25, 0},
	{0xa202, RV64_fsd, 0, 2, 0, 256},        {0xc17e, RV64_sw, 0, 2, 31, 128},
	{0xff4a, RV64_sd, 0, 2, 18, 440},
};

static void check(const struct expect *e, unsigned len)
{
	struct rv64_insn in;

	rv64_decode(e->bits, &in);
	assert_int_equal(in.id, e->id);
	assert_int_equal(in.len, len);
	assert_int_equal(in.bits, e->bits);
	assert_int_equal(in.rd, e->rd);
	assert_int_equal(in.rs1, e->rs1);
	assert_int_equal(in.rs2, e->rs2);
	assert_int_equal(in.imm, e->imm);
}

static void compressed(void **state)
{
	bool seen[64] = {false};

	for (unsigned i = 0; i < ARRAY_SIZE(short_ones); i++) {
		check(&short_ones[i], 2);
		for (unsigned k = 0; k < rv64_n_cinsns; k++)
			if ((short_ones[i].bits & rv64_cinsn_info[k].mask) ==
			    rv64_cinsn_info[k].match)
				seen[k] = true;
	}
	for (unsigned k = 0; k < rv64_n_cinsns; k++)
		assert_true(seen[k]);
}

static void compressed_reserved(void **state)
{
	static const uint16_t reserved[] = {
		0x0000,         /* all zeros */
		0x0004,         /* addi4spn of 0 */
		0x8000,         /* quadrant 0, 100 */
		0x2001,         /* addiw to x0 */
		0x6101,         /* addi16sp of 0 */
		0x6081,         /* lui of 0 */
		0x9c41, 0x9c61, /* quadrant 1 */
		0x4002, 0x6002, /* lwsp and ldsp to x0 */
		0x8002,         /* jr x0 */
	};
	struct rv64_insn in;

	for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++) {
		rv64_decode(reserved[i], &in);
		assert_int_equal(in.id, RV64_ILLEGAL_INSN);
		assert_int_equal(in.len, 2);
	}
	/* The upper half is of no concern. */
	rv64_decode(0xffff0001, &in);
	assert_int_equal(in.bits, 1);
	assert_int_equal(in.id, RV64_addi);
}

/* Extremes of each immediate. */
static void immediates(void **state)
{
	static const struct expect long_ones[] = {
		{0x80000513, RV64_addi, 10, 0, 0, -2048},
		{0x7ff50593, RV64_addi, 11, 10, 31, 2047},
		{0x03f59593, RV64_slli, 11, 11, 31, 63},
		{0x43f5d593, RV64_srai, 11, 11, 31, 63},
		{0x01f5d59b, RV64_srliw, 11, 11, 31, 31},
		{0x80b53023, RV64_sd, 0, 10, 11, -2048},
		{0x7eb53fa3, RV64_sd, 31, 10, 11, 2047},
		{0x80b50063, RV64_beq, 0, 10, 11, -4096},
		{0x7eb51fe3, RV64_bne, 31, 10, 11, 4094},
		{0x800000ef, RV64_jal, 1, 0, 0, -0x100000},
		{0x7ffff06f, RV64_jal, 0, 31, 31, 0xffffe},
		{0x80000537, RV64_lui, 10, 0, 0, INT32_MIN},
		{0xfffff517, RV64_auipc, 10, 31, 31, -4096},
		{0xc0102573, RV64_csrrs, 10, 0, 1, 0xc01},
	};
	struct rv64_insn in;

	for (unsigned i = 0; i < ARRAY_SIZE(long_ones); i++)
		check(&long_ones[i], 4);
	rv64_decode(0xf2b57543 | 7 << 12, &in);
	assert_int_equal(in.id, RV64_fmadd_d);
	assert_int_equal(in.rs3, 30);
	assert_int_equal(in.rm, 7);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Whatever stands in its operands, a row decodes to itself or to one that stands before it and is
 * more special. */
static void every_row(void **state)
{
	uint32_t seed = 1;

	for (unsigned id = 0; id < RV64_ILLEGAL_INSN; id++) {
		const struct rv64_insn_info *info = &rv64_insn_info[id];
		unsigned hits = 0;

		assert_int_equal(info->match & ~info->mask, 0);
		assert_int_equal(info->mask & 0x7f, 0x7f);
		for (unsigned i = 0; i < 1000; i++) {
			uint32_t bits = info->match | (next_random(&seed) & ~info->mask);
			struct rv64_insn in;

			rv64_decode(bits, &in);
			if (in.id == id) {
				hits++;
				continue;
			}
			assert_true(in.id < id);
			assert_int_equal(bits & rv64_insn_info[in.id].mask,
					 rv64_insn_info[in.id].match);
			assert_int_equal(rv64_insn_info[in.id].mask & info->mask, info->mask);
		}
		assert_true(hits > 900);
	}
}

/* Total: anything decodes to something whose fields are in range. */
static void everything(void **state)
{
	uint32_t seed = 7;

	for (uint32_t i = 0; i < 0x40000; i++) {
		uint32_t bits = i < 0x10000 ? i : next_random(&seed);
		struct rv64_insn in;

		rv64_decode(bits, &in);
		assert_true(in.id < RV64_N_INSNS);
		assert_int_equal(in.len, (bits & 3) == 3 ? 4 : 2);
		assert_true(in.rd < 32 && in.rs1 < 32 && in.rs2 < 32 && in.rs3 < 32 && in.rm < 8);
		assert_non_null(rv64_insn_info[in.id].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compressed), cmocka_unit_test(compressed_reserved),
		cmocka_unit_test(immediates), cmocka_unit_test(every_row),
		cmocka_unit_test(everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
