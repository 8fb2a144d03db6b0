/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who plays: three ways to find a move.
 *
 * An agent keeps nothing between two moves. What it needs for one is in a struct xo_search of the
 * caller's, 40 KB that fit neither a kernel's stack nor a coroutine's; the same board and the same
 * seed give the same move, wherever it runs.
 *
 * A move can take long, so an agent counts its steps, each of which takes about as long as the next
 * (some thousand instructions), and calls pause() after each XO_SLICE of them at the latest. There
 * a kernel lets others have the CPU, and a coroutine goes over to another. When pause() returns
 * true, the move is no longer wanted: the agent returns at once.
 */
#ifndef XO_AGENT_H
#define XO_AGENT_H

#include "board.h"

/* Steps between two calls of pause(), at most. */
#define XO_SLICE 8u

/* Playouts of MCTS for a move. */
#define XO_PLAYOUTS 1000u

/* How many plies negamax looks ahead. */
#define XO_DEPTH 7u

enum xo_agent { XO_MCTS, XO_NEGAMAX, XO_TD, XO_RANDOM, XO_AGENTS };

/* A position of the tree that MCTS grows; an index of 0 is none. */
struct xo_node {
	uint16_t parent, sibling, child;
	uint16_t untried; /* moves without a node of their own */
	uint16_t visits;
	uint8_t cell;  /* the move that leads here */
	uint8_t ended; /* enum xo_result */
	int32_t score; /* of who moved here: 2 a win, 1 a draw */
};

/* What negamax knows of a position that it has seen. */
struct xo_seen {
	uint32_t key; /* both sets of stones */
	int16_t value;
	uint8_t depth;
	uint8_t bound; /* enum in negamax.c */
};

#define XO_SEEN 2048u /* a power of 2 */

struct xo_search {
	bool (*pause)(struct xo_search *s);
	void *owner;        /* for pause() */
	uint64_t random;    /* state of the generator: any value */
	uint64_t steps;     /* all so far; the caller may set it to 0 at any time */
	unsigned int since; /* the last pause */
	bool stopped;
	union {
		struct xo_node nodes[XO_PLAYOUTS + 2];
		struct xo_seen seen[XO_SEEN];
	};
};

/* "mcts", "negamax", "td", "random" */
const char *xo_agent_name(enum xo_agent agent);

/* By its name, or -1. */
int xo_agent_find(const char *name);

/*
 * The cell for the player to move on a board where the game goes on, or -1 if pause() has ended it.
 */
int xo_choose(enum xo_agent agent, const struct xo_board *b, struct xo_search *s);

/* For the agents: one step was done. Returns true when it is time to give up. */
static inline bool xo_step(struct xo_search *s)
{
	s->steps++;
	if (++s->since >= XO_SLICE) {
		s->since = 0;
		if (s->pause && s->pause(s))
			s->stopped = true;
	}
	return s->stopped;
}

/* The next number of a sequence that has all 2^64. */
static inline uint64_t xo_random(struct xo_search *s)
{
	uint64_t x = s->random += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* One cell of a set that is not empty, each as likely. */
unsigned int xo_pick(struct xo_search *s, uint16_t set);

int xo_mcts(const struct xo_board *b, struct xo_search *s);
int xo_negamax(const struct xo_board *b, struct xo_search *s);
int xo_td(const struct xo_board *b, struct xo_search *s);

#endif
