/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The game: a board of 4x4 cells, X begins, three in a row win.
 *
 * This and the other files of the directory are compiled into the kernel module and into programs.
 * They need nothing from around them: no memory but the caller's, no floating point, no library.
 */
#ifndef XO_BOARD_H
#define XO_BOARD_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
#endif

#define XO_SIDE  4
#define XO_CELLS 16
#define XO_ALL   0xffffu

enum xo_player { XO_X, XO_O };
enum xo_result { XO_RUNNING, XO_X_WON, XO_O_WON, XO_DRAW };

/* A set bit is a stone: bit 4 * row + column. X is to move when both have as many. */
struct xo_board {
	uint16_t stones[2];
};

/*
 * How many cells a set has. Not the compiler's: without an instruction for it, that is a library's.
 */
static inline unsigned int xo_count(unsigned int set)
{
	set -= set >> 1 & 0x5555;
	set = (set & 0x3333) + (set >> 2 & 0x3333);
	set = (set + (set >> 4)) & 0x0f0f;
	return (set + (set >> 8)) & 0x1f;
}

/* The cells that can be played. */
static inline uint16_t xo_free(const struct xo_board *b)
{
	return (uint16_t)(XO_ALL & ~(b->stones[XO_X] | b->stones[XO_O]));
}

/* How many stones lie. */
static inline unsigned int xo_ply(const struct xo_board *b)
{
	return xo_count((unsigned int)(b->stones[XO_X] | b->stones[XO_O]));
}

static inline enum xo_player xo_to_move(const struct xo_board *b)
{
	return xo_ply(b) & 1 ? XO_O : XO_X;
}

/* The lowest cell of a set that is not empty. */
static inline unsigned int xo_first(uint16_t set)
{
	return xo_count((unsigned int)(set & -set) - 1);
}

/*
 * In each direction, three in a row are a cell, one a step further and one two steps further. A
 * step must not run over the board's edge into the next row: `begin` are the cells where a line may
 * begin.
 */
static const struct {
	uint8_t step;
	uint16_t begin;
} xo_directions[4] = {{1, 0x3333}, {XO_SIDE, XO_ALL}, {XO_SIDE + 1, 0x3333}, {XO_SIDE - 1, 0xcccc}};

/* The beginnings of lines in a direction with one cell of each set, in this order. */
static inline unsigned int xo_lines(unsigned int direction, unsigned int first, unsigned int second,
				    unsigned int third)
{
	unsigned int step = xo_directions[direction].step;

	return first & (second >> step) & (third >> 2 * step) & xo_directions[direction].begin;
}

/* Whether a set holds three in a row: across, down or diagonally. */
static inline bool xo_has_line(unsigned int s)
{
	return xo_lines(0, s, s, s) || xo_lines(1, s, s, s) || xo_lines(2, s, s, s) ||
	       xo_lines(3, s, s, s);
}

/* Puts a stone of the player to move on a free cell. */
void xo_play(struct xo_board *b, unsigned int cell);

enum xo_result xo_result(const struct xo_board *b);

/*
 * The board as it travels: 2 bits a cell, cell 0 lowest; 0 is free, 1 is X, 2 is O.
 * xo_unpack() says whether it is one that a game can come to, and sets *b only then.
 */
uint32_t xo_pack(const struct xo_board *b);
bool xo_unpack(uint32_t cells, struct xo_board *b);

#endif
