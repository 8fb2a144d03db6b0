// SPDX-License-Identifier: GPL-2.0
/*
 * Monte Carlo tree search. XO_PLAYOUTS times: walk down from the root, at each node to the child
 * with the highest
 *
 *	score / visits + c * sqrt(ln(visits of the parent) / visits)
 *
 * until there is a move that has no node yet; make one; play at random to the end; and add the
 * result to all nodes on the way back. The first term goes for what has been good, the second, with
 * c = sqrt(2), for what has been looked at little. All terms have 16 binary places, see fixed.h.
 *
 * A score is the sum of 2 for a win of who moved into the node, 1 for a draw and 0 for a loss.
 */
#include "agent.h"
#include "fixed.h"

static void add_node(struct xo_search *s, unsigned int at, unsigned int parent, unsigned int cell,
		     const struct xo_board *b)
{
	struct xo_node *n = &s->nodes[at];

	n->parent = (uint16_t)parent;
	n->child = 0;
	n->sibling = 0;
	n->visits = 0;
	n->score = 0;
	n->cell = (uint8_t)cell;
	n->ended = (uint8_t)xo_result(b);
	n->untried = n->ended == XO_RUNNING ? xo_free(b) : 0;
	if (parent) {
		n->sibling = s->nodes[parent].child;
		s->nodes[parent].child = (uint16_t)at;
	}
}

static unsigned int best_child(const struct xo_search *s, unsigned int parent)
{
	uint32_t ln = xo_ln(s->nodes[parent].visits);
	unsigned int best = 0;
	uint64_t best_value = 0;

	for (unsigned int i = s->nodes[parent].child; i; i = s->nodes[i].sibling) {
		const struct xo_node *n = &s->nodes[i];
		/* A score counts halves, so the mean is one of 0 to 1; 2 ln n / v is the root's. */
		uint64_t mean = ((uint64_t)(uint32_t)n->score << 15) / n->visits;
		uint64_t value = mean + xo_sqrt(2 * ln / n->visits);

		if (!best || value > best_value) {
			best = i;
			best_value = value;
		}
	}
	return best;
}

/* Plays at random from a node to the end. */
static enum xo_result play_out(struct xo_search *s, struct xo_board b)
{
	enum xo_result result = xo_result(&b);

	while (result == XO_RUNNING) {
		xo_play(&b, xo_pick(s, xo_free(&b)));
		result = xo_result(&b);
	}
	return result;
}

/* Goes down to a new node, or to one where the game ends; *b becomes its board. */
static unsigned int descend(struct xo_search *s, struct xo_board *b, unsigned int *used)
{
	unsigned int at = 1;

	while (s->nodes[at].ended == XO_RUNNING) {
		struct xo_node *n = &s->nodes[at];

		if (n->untried) {
			unsigned int cell = xo_pick(s, n->untried);

			n->untried &= (uint16_t) ~(1u << cell);
			xo_play(b, cell);
			add_node(s, ++*used, at, cell, b);
			return *used;
		}
		at = best_child(s, at);
		xo_play(b, s->nodes[at].cell);
	}
	return at;
}

static void give_back(struct xo_search *s, unsigned int at, enum xo_player mover,
		      enum xo_result result)
{
	int score = 1;

	if (result != XO_DRAW)
		score = (result == XO_X_WON) == (mover == XO_X) ? 2 : 0;
	for (; at; at = s->nodes[at].parent) {
		s->nodes[at].visits++;
		s->nodes[at].score += score;
		score = 2 - score;
	}
}

/* Node 1 is the root. There are at most XO_PLAYOUTS others, and as many visits. */
int xo_mcts(const struct xo_board *b, struct xo_search *s)
{
	unsigned int used = 1, best = 0;

	add_node(s, 1, 0, 0, b);
	for (unsigned int i = 0; i < XO_PLAYOUTS; i++) {
		struct xo_board at = *b;
		unsigned int leaf = descend(s, &at, &used);
		enum xo_player mover = xo_to_move(&at) == XO_X ? XO_O : XO_X;

		give_back(s, leaf, mover, play_out(s, at));
		if (xo_step(s))
			return -1;
	}
	for (unsigned int i = s->nodes[1].child; i; i = s->nodes[i].sibling)
		if (!best || s->nodes[i].visits > s->nodes[best].visits)
			best = i;
	return s->nodes[best].cell;
}
