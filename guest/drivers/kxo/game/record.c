// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a record is the first cell that was played before.
 */
#include "record.h"

uint64_t xo_record_add(uint64_t record, unsigned int ply, unsigned int cell)
{
	uint64_t rest = ~0ull << 4 * ply;

	/* The cell in each group of four, from this move on. */
	return (record & ~rest) | (0x1111111111111111ull * cell & rest);
}

unsigned int xo_record_moves(uint64_t record, uint8_t cells[XO_CELLS])
{
	unsigned int n, seen = 0;

	for (n = 0; n < XO_CELLS; n++) {
		unsigned int cell = record >> 4 * n & 15;

		if (seen >> cell & 1)
			break;
		seen |= 1u << cell;
		cells[n] = (uint8_t)cell;
	}
	return n;
}

enum xo_result xo_record_replay(uint64_t record, struct xo_board *b)
{
	uint8_t cells[XO_CELLS];
	unsigned int n = xo_record_moves(record, cells);

	b->stones[XO_X] = 0;
	b->stones[XO_O] = 0;
	for (unsigned int i = 0; i < n; i++) {
		if (xo_result(b) != XO_RUNNING)
			return XO_RUNNING;
		xo_play(b, cells[i]);
	}
	return xo_result(b);
}

static unsigned int put(char *text, unsigned int at, const char *word)
{
	while (*word)
		text[at++] = *word++;
	return at;
}

unsigned int xo_record_text(uint64_t record, char *text)
{
	uint8_t cells[XO_CELLS];
	unsigned int n = xo_record_moves(record, cells), at;

	at = put(text, 0, "Moves: ");
	for (unsigned int i = 0; i < n; i++) {
		if (i)
			at = put(text, at, " -> ");
		text[at++] = (char)('A' + cells[i] % XO_SIDE);
		text[at++] = (char)('0' + cells[i] / XO_SIDE);
	}
	text[at] = '\0';
	return at;
}
