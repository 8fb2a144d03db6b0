/* SPDX-License-Identifier: MIT */
/* Games in 64 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "guest/drivers/kxo/game/agent.h"
#include "guest/drivers/kxo/game/record.h"

static void test_text(void **state)
{
	static const uint8_t cells[] = {2, 13, 0, 14, 1}; /* row by row */
	char text[XO_MOVES_TEXT];
	struct xo_board b;
	uint64_t record = 0;

	for (unsigned int i = 0; i < 5; i++)
		record = xo_record_add(record, i, cells[i]);
	assert_int_equal(record, 0x111111111111e0d2);
	assert_int_equal(xo_record_text(record, text), 33);
	assert_string_equal(text, "Moves: C0 -> B3 -> A0 -> C3 -> B0");
	assert_int_equal(xo_record_replay(record, &b), XO_X_WON);
	assert_int_equal(b.stones[XO_X], 0x0007);
	assert_int_equal(b.stones[XO_O], 0x6000);
}

/* Whatever is played comes back, at any time of the game. */
static void test_games(void **state)
{
	static struct xo_search s;
	unsigned int full = 0;

	s.random = 5;
	for (unsigned int game = 0; game < 20000; game++) {
		struct xo_board b = {{0, 0}}, again;
		uint8_t played[XO_CELLS], cells[XO_CELLS];
		uint64_t record = 0;
		unsigned int n = 0;

		while (xo_result(&b) == XO_RUNNING) {
			played[n] = (uint8_t)xo_pick(&s, xo_free(&b));
			record = xo_record_add(record, n, played[n]);
			xo_play(&b, played[n++]);
			assert_int_equal(xo_record_moves(record, cells), n);
			assert_memory_equal(cells, played, n);
		}
		assert_int_equal(xo_record_replay(record, &again), xo_result(&b));
		assert_memory_equal(&again, &b, sizeof(b));
		full += n == XO_CELLS;
	}
	assert_true(full > 0); /* such a record has no cell twice */
}

static void test_longest_text(void **state)
{
	char text[XO_MOVES_TEXT + 1];

	memset(text, '~', sizeof(text));
	assert_true(xo_record_text(0xfedcba9876543210, text) < XO_MOVES_TEXT);
	assert_int_equal(text[XO_MOVES_TEXT], '~');
	assert_string_equal(text + strlen(text) - 6, " -> D3");
}

/* Any 64 bits are moves on free cells; what is no whole game is said to run. */
static void test_any(void **state)
{
	static struct xo_search s;
	uint8_t cells[XO_CELLS];
	struct xo_board b;

	s.random = 9;
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t record = xo_random(&s);
		unsigned int n = xo_record_moves(record, cells), seen = 0;

		assert_in_range(n, 1, XO_CELLS);
		for (unsigned int j = 0; j < n; j++) {
			assert_int_equal(seen >> cells[j] & 1, 0);
			seen |= 1u << cells[j];
		}
		xo_record_replay(record, &b);
	}
	/* X has three in a row, and the game goes on. */
	assert_int_equal(xo_record_replay(0xfffffffffff25140, &b), XO_RUNNING);
	assert_int_equal(xo_record_replay(0, &b), XO_RUNNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_games),
		cmocka_unit_test(test_longest_text),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
