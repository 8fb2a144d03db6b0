// SPDX-License-Identifier: GPL-2.0
/*
 * Makes ../game/td_table.c by temporal differences:
 *
 *	cc -O2 train.c ../game/agent.c ../game/board.c ../game/td.c ... && ./a.out >td_table.c
 *
 * (`meson compile kxo_train` builds it, and a unit test compares its output with the file.)
 *
 * Two players with the same weights play against each other. Each takes the move whose position is
 * worth most to it, now and then any move. A position should be worth what the next one is worth to
 * the opponent, with the sign changed, and at the end of the game what the result is; after each
 * move that was not a random one the weights of the position before it go a little in that
 * direction. All numbers are whole ones, 2^-24 of a game won, and chance has a fixed seed, so that
 * the table is the same wherever it is made.
 */
#include <stdio.h>
#include <string.h>
#include "game/agent.h"
#include "game/td.h"

#define GAMES 150000u
#define ONE   (1 << 24)

struct training {
	int32_t weights[XO_WEIGHTS];
	struct xo_search search; /* for its random numbers */
	unsigned int slowness;   /* one part in so many of an error is mended at once */
};

static int32_t value(const struct training *t, const struct xo_board *b, enum xo_player mover)
{
	int32_t sum = 0;

	for (unsigned int i = 0; i < XO_PARTS; i++)
		sum += t->weights[xo_td_weight(i, b->stones[mover], b->stones[!mover])];
	return sum >= ONE ? ONE - 1 : sum <= -ONE ? -ONE + 1 : sum;
}

/* What a position is worth to who has just moved; *over tells whether the game has ended there. */
static int32_t worth(const struct training *t, const struct xo_board *b, enum xo_player mover,
		     bool *over)
{
	enum xo_result result = xo_result(b);

	*over = result != XO_RUNNING;
	if (*over)
		return result == XO_DRAW ? 0 : ONE;
	return value(t, b, mover);
}

static void learn(struct training *t, const struct xo_board *b, enum xo_player mover,
		  int32_t target)
{
	int32_t change = (target - value(t, b, mover)) / (int32_t)(XO_PARTS * t->slowness);

	for (unsigned int i = 0; i < XO_PARTS; i++)
		t->weights[xo_td_weight(i, b->stones[mover], b->stones[!mover])] += change;
}

static void play_game(struct training *t)
{
	struct xo_board board = {{0, 0}}, next, best;
	bool over = false, by_chance;

	for (unsigned int ply = 0; !over; ply++) {
		enum xo_player mover = xo_to_move(&board);
		int32_t best_value = -2 * ONE;
		uint16_t cells = xo_free(&board);

		by_chance = ply == 0 || xo_random(&t->search) % 8 == 0;
		if (by_chance)
			cells = (uint16_t)(1u << xo_pick(&t->search, cells));
		for (; cells; cells &= (uint16_t)(cells - 1)) {
			bool ends;
			int32_t v;

			next = board;
			xo_play(&next, xo_first(cells));
			v = worth(t, &next, mover, &ends);
			if (v > best_value) {
				best_value = v;
				best = next;
				over = ends;
			}
		}
		/* The position before was made by the other. */
		if (ply && (!by_chance || over))
			learn(t, &board, !mover, -best_value);
		board = best;
	}
}

static void print_table(const struct training *t)
{
	printf("// SPDX-License-Identifier: GPL-2.0\n"
	       "/* Made by ../train/train.c, which see: do not change it here. */\n"
	       "#include \"td.h\"\n\n"
	       "// clang-format off\n"
	       "const int16_t xo_td_table[XO_WEIGHTS] = {");
	for (unsigned int i = 0; i < XO_WEIGHTS; i++)
		printf("%s%d,", i % 16 ? " " : "\n\t", t->weights[i] / (ONE / XO_VALUE_ONE));
	printf("\n};\n");
}

int main(void)
{
	static struct training t;

	t.search.random = 1;
	for (unsigned int game = 0; game < GAMES; game++) {
		t.slowness = game < GAMES / 3 ? 4 : game < 2 * GAMES / 3 ? 16 : 64;
		play_game(&t);
	}
	print_table(&t);
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
