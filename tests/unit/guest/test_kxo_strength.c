/* SPDX-License-Identifier: MIT */
/*
 * How well the agents play. X, who begins, can force a win on this board: so negamax as X must win
 * against each and any play, which is tried out in full. As O it can lose only where a perfect
 * player in its place would: it never makes a move after which X can force a win that X could not
 * force before. That is tried out in full too, against all that X can do, well or badly.
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

/* --- all that X can do against negamax as O ------------------------------------------------- */

#define MET \
	(1u << 16) /* several times as many as there are; 0 is none of them, since X has begun */

struct walk {
	struct known *known;
	uint32_t *met; /* positions where O is to move */
	unsigned int positions, lost;
};

/* Whether it is for the first time. */
static bool meet(struct walk *w, uint32_t cells)
{
	uint32_t i = cells * 0x9e3779b1u >> 16;

	while (w->met[i] && w->met[i] != cells)
		i = (i + 1) % MET;
	if (w->met[i])
		return false;
	assert_true(++w->positions < MET / 2);
	w->met[i] = cells;
	return true;
}

/* X is to move, in each way. Where O can still hold the game, it can after negamax's move. */
static void answer_all(struct walk *w, const struct xo_board *b)
{
	for (unsigned int cell = 0; cell < XO_CELLS; cell++) {
		struct xo_board next = *b;
		bool lost;

		if (!(xo_free(b) >> cell & 1))
			continue;
		xo_play(&next, cell);
		if (xo_result(&next) != XO_RUNNING || !meet(w, xo_pack(&next)))
			continue;
		lost = forced(w->known, &next);
		w->lost += lost;
		xo_play(&next, (unsigned int)xo_choose(XO_NEGAMAX, &next, &search));
		if (xo_result(&next) != XO_RUNNING)
			continue;
		assert_true(lost || !forced(w->known, &next));
		answer_all(w, &next);
	}
}

static void test_negamax_second(void **state)
{
	const struct xo_board empty = {{0, 0}};
	struct walk w = {.known = calloc(KNOWN, sizeof(*w.known)),
			 .met = calloc(MET, sizeof(*w.met))};

	assert_true(w.known && w.met);
	answer_all(&w, &empty);
	/* Few are lost but those after the first move; else this would say little. */
	assert_true(w.positions > 5000 && w.lost < w.positions / 5);
	free(w.known);
	free(w.met);
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
