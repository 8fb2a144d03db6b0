/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a row of interrupts is a storm: of `limit` in a row the second half came while a work item
 * waited for their hart, in vain. Who counts them owns the row and sees to it that one call is made
 * at a time. Nothing here is the kernel's, so that it is tested outside of it as well.
 */
#ifndef IRQLAB_STORM_H
#define IRQLAB_STORM_H

enum irqlab_verdict {
	IRQLAB_ROW_CALM,
	IRQLAB_ROW_ASK,   /* have a work item call irqlab_row_end() on this hart */
	IRQLAB_ROW_STORM, /* it had its chance */
};

struct irqlab_row {
	unsigned int n; /* interrupts since the row began; 0 at first */
};

/* One more interrupt. A limit of 0: there are no storms. The work item is asked for once in a row,
 * and only when half of a storm has come, so that it costs nothing in quiet times.
 */
static inline enum irqlab_verdict irqlab_row_add(struct irqlab_row *row, unsigned int limit)
{
	if (!limit)
		return IRQLAB_ROW_CALM;
	if (row->n >= limit)
		return IRQLAB_ROW_STORM;
	return ++row->n == limit / 2 + limit % 2 ? IRQLAB_ROW_ASK : IRQLAB_ROW_CALM;
}

/* The hart does other things than to answer this interrupt. */
static inline void irqlab_row_end(struct irqlab_row *row)
{
	row->n = 0;
}

#endif
