// SPDX-License-Identifier: GPL-2.0
/*
 * The agent that has learned by temporal differences: it looks at each position that it can move
 * to, and takes the one that its table likes best. See td.h; the table is made by ../train.
 */
#include "agent.h"
#include "td.h"

struct part {
	uint16_t base; /* its weights begin here */
	uint8_t n;     /* cells */
	uint8_t cells[6];
};

#define BORDER(...)                 \
	{                           \
		0, 6,               \
		{                   \
			__VA_ARGS__ \
		}                   \
	} /* 2x3 along the border */
#define MIDDLE(...)                 \
	{                           \
		729, 6,             \
		{                   \
			__VA_ARGS__ \
		}                   \
	} /* 2x3 between them */
#define OUTER(...)                  \
	{                           \
		1458, 4,            \
		{                   \
			__VA_ARGS__ \
		}                   \
	} /* a row or column */
#define INNER(...)                  \
	{                           \
		1458 + 81, 4,       \
		{                   \
			__VA_ARGS__ \
		}                   \
	} /* the same */
#define LONG(...)                   \
	{                           \
		1458 + 162, 4,      \
		{                   \
			__VA_ARGS__ \
		}                   \
	} /* a diagonal */
#define SHORT(...)                  \
	{                           \
		1458 + 243, 3,      \
		{                   \
			__VA_ARGS__ \
		}                   \
	} /* the same */

static const struct part parts[XO_PARTS] = {
	BORDER(0, 1, 2, 4, 5, 6),
	BORDER(3, 2, 1, 7, 6, 5),
	BORDER(12, 13, 14, 8, 9, 10),
	BORDER(15, 14, 13, 11, 10, 9),
	BORDER(0, 4, 8, 1, 5, 9),
	BORDER(12, 8, 4, 13, 9, 5),
	BORDER(3, 7, 11, 2, 6, 10),
	BORDER(15, 11, 7, 14, 10, 6),
	MIDDLE(4, 5, 6, 8, 9, 10),
	MIDDLE(7, 6, 5, 11, 10, 9),
	MIDDLE(1, 5, 9, 2, 6, 10),
	MIDDLE(13, 9, 5, 14, 10, 6),
	OUTER(0, 1, 2, 3),
	OUTER(12, 13, 14, 15),
	OUTER(0, 4, 8, 12),
	OUTER(3, 7, 11, 15),
	INNER(4, 5, 6, 7),
	INNER(8, 9, 10, 11),
	INNER(1, 5, 9, 13),
	INNER(2, 6, 10, 14),
	LONG(0, 5, 10, 15),
	LONG(3, 6, 9, 12),
	SHORT(1, 6, 11),
	SHORT(4, 9, 14),
	SHORT(2, 5, 8),
	SHORT(7, 10, 13),
};

unsigned int xo_td_weight(unsigned int part, uint16_t own, uint16_t other)
{
	const struct part *p = &parts[part];
	unsigned int digits = 0;

	for (unsigned int i = 0; i < p->n; i++) {
		unsigned int cell = p->cells[i];

		digits = 3 * digits + (own >> cell & 1u) + 2 * (other >> cell & 1u);
	}
	return p->base + digits;
}

static int value_after(const struct xo_board *b, enum xo_player mover)
{
	int value = 0;

	if (xo_has_line(b->stones[mover]))
		return 1 << 24; /* above all sums */
	if (!xo_free(b))
		return 0;
	for (unsigned int i = 0; i < XO_PARTS; i++)
		value += xo_td_table[xo_td_weight(i, b->stones[mover], b->stones[!mover])];
	return value;
}

int xo_td(const struct xo_board *b, struct xo_search *s)
{
	enum xo_player mover = xo_to_move(b);
	int best = -1, best_value = 0;

	for (unsigned int cell = 0; cell < XO_CELLS; cell++) {
		struct xo_board next = *b;
		int value;

		if (!(xo_free(b) >> cell & 1))
			continue;
		if (xo_step(s))
			return -1;
		xo_play(&next, cell);
		value = value_after(&next, mover);
		if (best < 0 || value > best_value) {
			best = (int)cell;
			best_value = value;
		}
	}
	return best;
}
