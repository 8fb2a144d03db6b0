/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A whole game in 64 bits: the cell of each move in four of them, the first move lowest. No cell is
 * played twice, so what follows the last move repeats it, and needs no length beside it.
 */
#ifndef XO_RECORD_H
#define XO_RECORD_H

#include "board.h"

/* "Moves: C0 -> B3 -> ...", with the NUL: 7, and 6 for each move. */
#define XO_MOVES_TEXT (7 + 6 * XO_CELLS)

/*
 * Adds move number ply (from 0). It is the record of a game at any time but before its first move.
 */
uint64_t xo_record_add(uint64_t record, unsigned int ply, unsigned int cell);

/* Gives the cells, in order, and returns how many: 1 to 16. Each value is a list of moves. */
unsigned int xo_record_moves(uint64_t record, uint8_t cells[XO_CELLS]);

/*
 * Plays a record. Returns the result; XO_RUNNING if the game does not end with its last move, or
 * goes on behind its end: no game that was played to its end has such a record.
 */
enum xo_result xo_record_replay(uint64_t record, struct xo_board *b);

/*
 * Writes "Moves: C0 -> B3 -> A0" without a line's end into a buffer of XO_MOVES_TEXT; returns the
 * length. A letter is a column, a digit a row.
 */
unsigned int xo_record_text(uint64_t record, char *text);

#endif
