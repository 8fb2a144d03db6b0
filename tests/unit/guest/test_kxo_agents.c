/* SPDX-License-Identifier: MIT */
/*
 * What holds for each agent: its moves can be played, the same seed gives the same ones, it takes
 * what wins at once and prevents what loses at once (but by chance), it comes by its caller often
 * enough, counted and not timed, and it stops when it is told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "guest/drivers/kxo/game/agent.h"

/* A search with walls, which nobody may touch. */
static struct {
	uint64_t before[8];
	struct xo_search search;
	uint64_t behind[8];
} room;

static void clear_room(uint64_t seed)
{
	memset(&room, 0xa5, sizeof(room));
	room.search = (struct xo_search){.random = seed};
}

static void check_walls(void)
{
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(room.before[i] == 0xa5a5a5a5a5a5a5a5);
		assert_true(room.behind[i] == 0xa5a5a5a5a5a5a5a5);
	}
}

static int choose(enum xo_agent agent, const struct xo_board *b)
{
	int cell = xo_choose(agent, b, &room.search);

	check_walls();
	assert_in_range(cell, 0, XO_CELLS - 1);
	assert_true(xo_free(b) >> cell & 1);
	return cell;
}

/* Each agent against chance, from either side; *s is a list of what they played. */
static unsigned int play(enum xo_agent agent, uint64_t seed, uint8_t *moves)
{
	unsigned int n = 0;

	clear_room(seed);
	for (int side = 0; side < 2; side++) {
		struct xo_board b = {{0, 0}};

		while (xo_result(&b) == XO_RUNNING) {
			bool ours = xo_to_move(&b) == (enum xo_player)side;

			moves[n] = (uint8_t)choose(ours ? agent : XO_RANDOM, &b);
			xo_play(&b, moves[n++]);
		}
	}
	return n;
}

static void test_repeatable(void **state)
{
	for (unsigned int agent = 0; agent < XO_AGENTS; agent++)
		for (uint64_t seed = 0; seed < 5; seed++) {
			uint8_t once[2 * XO_CELLS], again[2 * XO_CELLS];
			unsigned int n = play(agent, seed, once);

			assert_int_equal(play(agent, seed, again), n);
			assert_memory_equal(once, again, n);
		}
}

static void test_one_cell_left(void **state)
{
	/* O to move on D3, for a draw. */
	const struct xo_board b = {{0x3c3a, 0x43c5}};

	clear_room(1);
	assert_int_equal(xo_free(&b), 0x8000);
	for (unsigned int agent = 0; agent < XO_AGENTS; agent++)
		assert_int_equal(choose(agent, &b), 15);
}

static void test_tactics(void **state)
{
	static const struct {
		struct xo_board b;
		uint16_t good;
	} cases[] = {
		{{{0x0003, 0x0030}}, 0x0004}, /* X completes A0 B0 C0 */
		{{{0x8003, 0x0120}}, 0x0004}, /* O prevents it */
		{{{0x0203, 0x0060}}, 0x0090}, /* O completes B1 C1 */
	};

	for (unsigned int agent = XO_MCTS; agent <= XO_TD; agent++)
		for (unsigned int i = 0; i < 3; i++) {
			clear_room(i);
			assert_true(cases[i].good >> choose(agent, &cases[i].b) & 1);
		}
}

struct counts {
	uint64_t steps, most, pauses, stop_at;
};

static bool count_pause(struct xo_search *s)
{
	struct counts *c = s->owner;

	if (s->steps - c->steps > c->most)
		c->most = s->steps - c->steps;
	c->steps = s->steps;
	return ++c->pauses == c->stop_at;
}

/* No agent does more than XO_SLICE steps without coming by, however long the move. */
static void test_slices(void **state)
{
	struct counts c = {0};
	unsigned int agents = 0;

	for (unsigned int agent = 0; agent < XO_AGENTS; agent++) {
		uint64_t before = c.pauses;

		for (unsigned int seed = 0; seed < 3; seed++) {
			struct xo_board b = {{0, 0}};

			clear_room(seed);
			room.search.pause = count_pause;
			room.search.owner = &c;
			c.steps = 0;
			while (xo_result(&b) == XO_RUNNING) {
				xo_play(&b, (unsigned int)choose(xo_to_move(&b) ? XO_RANDOM : agent,
								 &b));
				assert_true(room.search.steps - c.steps < XO_SLICE);
				c.steps = room.search.steps;
			}
		}
		agents += c.pauses > before;
	}
	assert_int_equal(c.most, XO_SLICE);
	assert_int_equal(agents, 3); /* chance needs no step */
}

static void test_stop(void **state)
{
	const struct xo_board b = {{0x0001, 0x0008}};

	for (uint64_t stop_at = 1; stop_at <= 4; stop_at++)
		for (unsigned int agent = XO_MCTS; agent <= XO_NEGAMAX; agent++) {
			struct counts c = {.stop_at = stop_at};

			clear_room(1);
			room.search.pause = count_pause;
			room.search.owner = &c;
			assert_int_equal(xo_choose(agent, &b, &room.search), -1);
			assert_int_equal(c.pauses, stop_at);
			c.stop_at = 0;
			choose(agent, &b); /* and it can be asked again */
		}
}

static void test_names(void **state)
{
	for (int agent = 0; agent < XO_AGENTS; agent++)
		assert_int_equal(xo_agent_find(xo_agent_name((enum xo_agent)agent)), agent);
	assert_int_equal(xo_agent_find(""), -1);
	assert_int_equal(xo_agent_find("mct"), -1);
	assert_int_equal(xo_agent_find("mctss"), -1);
}

/* Each cell of a set, about as often as the others. */
static void test_pick(void **state)
{
	unsigned int times[XO_CELLS] = {0};

	clear_room(3);
	for (unsigned int i = 0; i < 50000; i++)
		times[xo_pick(&room.search, 0x8431)]++;
	for (unsigned int i = 0; i < XO_CELLS; i++) {
		if (0x8431 >> i & 1)
			assert_in_range(times[i], 9500, 10500);
		else
			assert_int_equal(times[i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeatable), cmocka_unit_test(test_one_cell_left),
		cmocka_unit_test(test_tactics),    cmocka_unit_test(test_slices),
		cmocka_unit_test(test_stop),       cmocka_unit_test(test_names),
		cmocka_unit_test(test_pick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
