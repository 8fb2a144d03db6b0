// SPDX-License-Identifier: GPL-2.0
#include "board.h"

void xo_play(struct xo_board *b, unsigned int cell)
{
	b->stones[xo_to_move(b)] |= (uint16_t)(1u << cell);
}

enum xo_result xo_result(const struct xo_board *b)
{
	if (xo_has_line(b->stones[XO_X]))
		return XO_X_WON;
	if (xo_has_line(b->stones[XO_O]))
		return XO_O_WON;
	return xo_free(b) ? XO_RUNNING : XO_DRAW;
}

uint32_t xo_pack(const struct xo_board *b)
{
	uint32_t cells = 0;

	for (unsigned int i = 0; i < XO_CELLS; i++) {
		cells |= (b->stones[XO_X] >> i & 1u) << 2 * i;
		cells |= (b->stones[XO_O] >> i & 1u) << (2 * i + 1);
	}
	return cells;
}

bool xo_unpack(uint32_t cells, struct xo_board *b)
{
	struct xo_board new = {{0, 0}};
	unsigned int x, o;

	for (unsigned int i = 0; i < XO_CELLS; i++) {
		unsigned int cell = cells >> 2 * i & 3;

		if (cell == 3)
			return false;
		if (cell)
			new.stones[cell - 1] |= (uint16_t)(1u << i);
	}
	x = xo_count(new.stones[XO_X]);
	o = xo_count(new.stones[XO_O]);
	if (x != o && x != o + 1)
		return false;
	/* Who has a line has moved last. */
	if (xo_has_line(new.stones[XO_X]) && x == o)
		return false;
	if (xo_has_line(new.stones[XO_O]) && x != o)
		return false;
	*b = new;
	return true;
}
