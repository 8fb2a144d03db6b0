// SPDX-License-Identifier: GPL-2.0
/*
 * Negamax: what is good for one side is as bad for the other, so one function looks at a position
 * for whoever moves, and takes the highest of its moves' negated values. Alpha and beta bound what
 * can still matter. Positions that were seen are kept in a small table under their stones, where a
 * later one replaces an earlier one.
 *
 * A win counts more the sooner it comes. Where the search ends before the game, a position is worth
 * the lines still open to a side and, more, those where one stone is missing, less the other's. The
 * iterations deepen, so that each can try first what was best before; the last has XO_DEPTH plies.
 */
#include "agent.h"

#define WIN      1000
#define INFINITE 2000

enum bound { NOTHING, EXACT, AT_LEAST, AT_MOST };

/* The middle first: more lines go through there. */
static const uint8_t order[XO_CELLS] = {5, 6, 9, 10, 1, 2, 4, 7, 8, 11, 13, 14, 0, 3, 12, 15};

/* Lines with two stones of a side where the third cell is free. */
static unsigned int twos(unsigned int direction, unsigned int own, unsigned int none)
{
	return xo_count(xo_lines(direction, own, own, none)) +
	       xo_count(xo_lines(direction, own, none, own)) +
	       xo_count(xo_lines(direction, none, own, own));
}

static int estimate(unsigned int own, unsigned int other)
{
	unsigned int none = XO_ALL & ~(own | other), mine = 0, theirs = 0;

	for (unsigned int d = 0; d < 4; d++) {
		unsigned int not_own = XO_ALL & ~own, not_other = XO_ALL & ~other;

		mine += xo_count(xo_lines(d, not_other, not_other, not_other)) +
			4 * twos(d, own, none);
		theirs += xo_count(xo_lines(d, not_own, not_own, not_own)) +
			  4 * twos(d, other, none);
	}
	return (int)mine - (int)theirs;
}

static struct xo_seen *seen_at(struct xo_search *s, const struct xo_board *b)
{
	uint32_t key = (uint32_t)b->stones[XO_O] << 16 | b->stones[XO_X];

	return &s->seen[(key * 0x9e3779b1u) >> 21];
}

static bool look_up(const struct xo_seen *seen, uint32_t key, unsigned int depth, int alpha,
		    int beta)
{
	if (seen->bound == NOTHING || seen->key != key || seen->depth != depth)
		return false;
	return seen->bound == EXACT || (seen->bound == AT_LEAST && seen->value >= beta) ||
	       (seen->bound == AT_MOST && seen->value <= alpha);
}

/* The value for who moves, seen depth plies ahead. The game goes on, and depth is not 0. */
static int search(struct xo_search *s, const struct xo_board *b, unsigned int depth, int alpha,
		  int beta);

/* The value, for who has moved, of the position that a move has led to. */
static int after(struct xo_search *s, const struct xo_board *b, enum xo_player mover,
		 unsigned int depth, int alpha, int beta)
{
	if (xo_has_line(b->stones[mover]))
		return WIN - (int)xo_ply(b);
	if (!xo_free(b))
		return 0;
	if (depth == 0)
		return estimate(b->stones[mover], b->stones[!mover]);
	return -search(s, b, depth, -beta, -alpha);
}

static int search(struct xo_search *s, const struct xo_board *b, unsigned int depth, int alpha,
		  int beta)
{
	uint32_t key = (uint32_t)b->stones[XO_O] << 16 | b->stones[XO_X];
	struct xo_seen *seen = seen_at(s, b);
	enum xo_player mover = xo_to_move(b);
	int best = -INFINITE, low = alpha;

	if (xo_step(s))
		return 0;
	if (look_up(seen, key, depth, alpha, beta))
		return seen->value;
	for (unsigned int i = 0; i < XO_CELLS && best < beta && !s->stopped; i++) {
		struct xo_board next = *b;
		int value;

		if (!(xo_free(b) >> order[i] & 1))
			continue;
		xo_play(&next, order[i]);
		value = after(s, &next, mover, depth - 1, low, beta);
		if (value > best)
			best = value;
		if (value > low)
			low = value;
	}
	if (s->stopped)
		return 0;
	seen->key = key;
	seen->value = (int16_t)best;
	seen->depth = (uint8_t)depth;
	seen->bound = best >= beta ? AT_LEAST : best <= alpha ? AT_MOST : EXACT;
	return best;
}

/* One iteration; `first` is tried before the others. */
static int best_move(struct xo_search *s, const struct xo_board *b, unsigned int depth, int first,
		     int *best_value)
{
	enum xo_player mover = xo_to_move(b);
	int best = -1, value;

	*best_value = -INFINITE;
	for (int i = -1; i < XO_CELLS; i++) {
		int cell = i < 0 ? first : order[i];
		struct xo_board next = *b;

		if (cell < 0 || (i >= 0 && cell == first) || !(xo_free(b) >> cell & 1))
			continue;
		xo_play(&next, (unsigned int)cell);
		value = after(s, &next, mover, depth - 1, *best_value, INFINITE);
		if (s->stopped)
			return -1;
		if (value > *best_value) {
			*best_value = value;
			best = cell;
		}
	}
	return best;
}

int xo_negamax(const struct xo_board *b, struct xo_search *s)
{
	unsigned int left = XO_CELLS - xo_ply(b);
	int best = -1, value = 0;

	for (unsigned int i = 0; i < XO_SEEN; i++)
		s->seen[i].bound = NOTHING;
	for (unsigned int depth = 1; depth <= XO_DEPTH && depth <= left; depth++) {
		best = best_move(s, b, depth, best, &value);
		/* A forced end is not changed by looking further. */
		if (s->stopped || value > WIN / 2 || value < -WIN / 2)
			break;
	}
	return best;
}
