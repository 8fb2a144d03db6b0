/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the agent that has learned looks at, for itself and for ../train, which makes its table.
 *
 * A position is judged after a move, by who made it: its value is the sum of one weight for each of
 * XO_PARTS parts of the board (a row, a rectangle, ...), which depends on how the part is occupied.
 * Parts that are mirror images of each other share their weights.
 */
#ifndef XO_TD_H
#define XO_TD_H

#include "board.h"

#define XO_PARTS     26
#define XO_WEIGHTS   (2 * 729 + 3 * 81 + 27)
#define XO_VALUE_ONE 4096 /* what the sum is for a game won */

extern const int16_t xo_td_table[XO_WEIGHTS];

/* Which weight counts for a part: below XO_WEIGHTS. */
unsigned int xo_td_weight(unsigned int part, uint16_t own, uint16_t other);

#endif
