/* SPDX-License-Identifier: MIT */
/*
 * The board of kxo, against rules that are written down here in another way: a line is three cells
 * (row, column) with equal steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "guest/drivers/kxo/game/board.h"

static bool slow_has_line(unsigned int stones)
{
	static const int steps[4][2] = {{0, 1}, {1, 0}, {1, 1}, {1, -1}};

	for (int cell = 0; cell < XO_CELLS; cell++)
		for (int i = 0; i < 4; i++) {
			int n = 0;

			for (int j = 0; j < 3; j++) {
				int row = cell / XO_SIDE + j * steps[i][0];
				int column = cell % XO_SIDE + j * steps[i][1];

				if (row >= XO_SIDE || column < 0 || column >= XO_SIDE)
					break;
				n += (int)(stones >> (XO_SIDE * row + column) & 1);
			}
			if (n == 3)
				return true;
		}
	return false;
}

static void test_lines(void **state)
{
	for (unsigned int stones = 0; stones <= XO_ALL; stones++)
		assert_int_equal(xo_has_line(stones), slow_has_line(stones));
}

static void test_sets(void **state)
{
	for (unsigned int set = 0; set <= XO_ALL; set++) {
		assert_int_equal(xo_count(set), __builtin_popcount(set));
		if (set)
			assert_int_equal(xo_first((uint16_t)set), __builtin_ctz(set));
	}
}

/* All boards of a game's first seven moves, along each way. */
static void try_all(const struct xo_board *b, unsigned int plies)
{
	enum xo_result result = xo_result(b);
	struct xo_board back = {{1, 2}};

	assert_true(xo_unpack(xo_pack(b), &back));
	assert_memory_equal(&back, b, sizeof(back));
	assert_int_equal(xo_to_move(b), xo_ply(b) % 2 ? XO_O : XO_X);
	if (result == XO_X_WON)
		assert_int_equal(xo_to_move(b), XO_O);
	if (result == XO_O_WON)
		assert_int_equal(xo_to_move(b), XO_X);
	if (!plies || result != XO_RUNNING)
		return;
	for (unsigned int cell = 0; cell < XO_CELLS; cell++) {
		struct xo_board next = *b;

		if (!(xo_free(b) >> cell & 1))
			continue;
		xo_play(&next, cell);
		assert_int_equal(xo_ply(&next), xo_ply(b) + 1);
		try_all(&next, plies - 1);
	}
}

static void test_pack(void **state)
{
	const struct xo_board empty = {{0, 0}};

	assert_int_equal(xo_pack(&empty), 0);
	try_all(&empty, 5);
}

static void test_pack_form(void **state)
{
	/* X on A0 and D3, O on B0. */
	const struct xo_board b = {{1u << 0 | 1u << 15, 1u << 1}};

	assert_int_equal(xo_pack(&b), 0x40000009u);
}

static void test_unpack_refuses(void **state)
{
	static const uint32_t bad[] = {
		0x00000003,             /* a cell of no kind */
		0xc0000000, 0x00000002, /* O has begun */
		0x00000005,             /* X twice */
		0x0000aa15,             /* X has three in a row, and O has moved behind */
		0x00015a2a,             /* O has three, and X has moved behind */
	};
	const struct xo_board before = {{5, 8}};
	struct xo_board b = before;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(xo_unpack(bad[i], &b));
		assert_memory_equal(&b, &before, sizeof(b));
	}
}

static void test_result(void **state)
{
	const struct xo_board draw = {{0x3c3a, 0xc3c5}};
	const struct xo_board won = {{0x0007, 0x0030}}, lost = {{0x0013, 0x8888}};

	assert_int_equal(xo_result(&draw), XO_DRAW);
	assert_int_equal(xo_result(&won), XO_X_WON);
	assert_int_equal(xo_result(&lost), XO_O_WON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),          cmocka_unit_test(test_sets),
		cmocka_unit_test(test_pack),           cmocka_unit_test(test_pack_form),
		cmocka_unit_test(test_unpack_refuses), cmocka_unit_test(test_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
