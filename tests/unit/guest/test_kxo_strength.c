/* SPDX-License-Identifier: MIT */
/*
 * How well the agents play. X, who begins, can force a win on this board: so negamax as X must win
 * against each and any play, which is tried out in full; and as O it must not lose to chance unless
 * chance plays like that from its first move to its last: a perfect player says whether it did.
 *
 * And 10,000 games use no more memory than one: the agents have none but the caller's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "guest/drivers/kxo/game/agent.h"

static struct xo_search search;

static enum xo_result play(enum xo_agent x, enum xo_agent o)
{
	struct xo_board b = {{0, 0}};

	while (xo_result(&b) == XO_RUNNING) {
		int cell = xo_choose(xo_to_move(&b) == XO_X ? x : o, &b, &search);

		assert_true(cell >= 0 && xo_free(&b) >> cell & 1);
		xo_play(&b, (unsigned int)cell);
	}
	return xo_result(&b);
}

/* Wins in percent against chance, as X and as O in turns. */
static unsigned int percent(enum xo_agent agent, unsigned int games)
{
	unsigned int won = 0;

	search.random = 11;
	for (unsigned int i = 0; i < games; i++)
		won += i % 2 ? play(XO_RANDOM, agent) == XO_O_WON
			     : play(agent, XO_RANDOM) == XO_X_WON;
	return 100 * won / games;
}

static void test_mcts(void **state)
{
	assert_true(percent(XO_MCTS, 200) >= 95);
}

static void test_td(void **state)
{
	assert_true(percent(XO_TD, 2000) >= 95);
}

/* All that O can do against negamax. */
static unsigned int against_all(const struct xo_board *b)
{
	unsigned int games = 0;
	struct xo_board own = *b, next;

	xo_play(&own, (unsigned int)xo_choose(XO_NEGAMAX, &own, &search));
	assert_int_not_equal(xo_result(&own), XO_DRAW);
	if (xo_result(&own) == XO_X_WON)
		return 1;
	for (unsigned int cell = 0; cell < XO_CELLS; cell++) {
		if (!(xo_free(&own) >> cell & 1))
			continue;
		next = own;
		xo_play(&next, cell);
		assert_int_equal(xo_result(&next), XO_RUNNING);
		games += against_all(&next);
	}
	return games;
}

static void test_negamax_first(void **state)
{
	const struct xo_board empty = {{0, 0}};

	assert_true(against_all(&empty) > 100);
}

/* --- a perfect player, which only asks whether X can force a win ------------------------- */

#define KNOWN (1u << 20)

struct known {
	uint32_t cells;
	enum { UNKNOWN, YES, NO } forced;
};

static bool wins_at_once(const struct xo_board *b)
{
	for (unsigned int cell = 0; cell < XO_CELLS; cell++) {
		struct xo_board next = *b;

		if (!(xo_free(b) >> cell & 1))
			continue;
		xo_play(&next, cell);
		if (xo_has_line(next.stones[xo_to_move(b)]))
			return true;
	}
	return false;
}

static bool forced(struct known *known, const struct xo_board *b)
{
	struct known *k = &known[xo_pack(b) * 0x9e3779b1u >> 12];
	bool for_x = xo_to_move(b) == XO_X, yes = !for_x;

	if (k->forced != UNKNOWN && k->cells == xo_pack(b))
		return k->forced == YES;
	if (wins_at_once(b)) {
		yes = for_x;
	} else if (!xo_free(b)) {
		yes = false;
	} else {
		for (unsigned int cell = 0; cell < XO_CELLS && yes != for_x; cell++) {
			struct xo_board next = *b;

			if (!(xo_free(b) >> cell & 1))
				continue;
			xo_play(&next, cell);
			yes = forced(known, &next);
		}
	}
	*k = (struct known){xo_pack(b), yes ? YES : NO};
	return yes;
}

/* Whatever cell X begins with, and even if it is not negamax's. */
static void test_first_move_wins(void **state)
{
	struct known *known = calloc(KNOWN, sizeof(*known));

	assert_non_null(known);
	for (unsigned int cell = 0; cell < XO_CELLS; cell++) {
		struct xo_board b = {{0, 0}};

		xo_play(&b, cell);
		assert_true(forced(known, &b));
	}
	free(known);
}

static void test_negamax_second(void **state)
{
	struct known *known = calloc(KNOWN, sizeof(*known));
	unsigned int let_go = 0;

	assert_non_null(known);
	search.random = 3;
	for (unsigned int game = 0; game < 300; game++) {
		struct xo_board b = {{0, 0}};
		bool could_lose = true;

		while (xo_result(&b) == XO_RUNNING) {
			bool chance = xo_to_move(&b) == XO_X;

			if (!chance && !forced(known, &b))
				could_lose = false;
			xo_play(&b, (unsigned int)xo_choose(chance ? XO_RANDOM : XO_NEGAMAX, &b,
							    &search));
		}
		assert_true(could_lose || xo_result(&b) != XO_X_WON);
		let_go += !could_lose;
	}
	free(known);
	assert_true(let_go > 270);
}

static void test_many_games(void **state)
{
	search.random = 1;
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_not_equal(play(i % 2 ? XO_TD : XO_RANDOM, i % 3 ? XO_TD : XO_RANDOM),
				     XO_RUNNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mcts),          cmocka_unit_test(test_td),
		cmocka_unit_test(test_negamax_first), cmocka_unit_test(test_negamax_second),
		cmocka_unit_test(test_many_games),    cmocka_unit_test(test_first_move_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
