/* SPDX-License-Identifier: MIT */
/*
 * A frame is its edges of SCLK, two a bit. At each, every selected part's input is looked at
 * before any part moves, as if all had the same delay from the clock to their outputs; so a daisy
 * chain shifts by one place a clock. The controller samples MISO and changes MOSI where its mode
 * says: with CPHA 0 it samples before the first edge and changes behind the second; with CPHA 1 it
 * changes behind the first and samples before the second.
 *
 * Where nothing on the bus needs bits (one part is selected, takes whole bytes, is at the begin of
 * one, and samples where the mode has it) a byte is one call; the outcome is the same.
 */
#include "hw/spi_bus.h"

#include <errno.h>
#include <stdio.h>

#include "base/bits.h"

#define REPORTS_MAX 16u

void spi_bus_init(struct spi_bus *b, const char *name)
{
	*b = (struct spi_bus){.mosi = true};
	snprintf(b->name, sizeof(b->name), "%s", name);
}

void spi_bus_fini(struct spi_bus *b)
{
	for (unsigned i = 0; i < b->n_parts; i++)
		b->part[i]->ops->free(b->part[i]);
	b->n_parts = 0;
}

int spi_bus_attach(struct spi_bus *b, struct spi_part *p, unsigned select)
{
	const struct spi_part *before = b->n_parts ? b->part[b->n_parts - 1] : NULL;

	if (b->n_parts == SPI_MAX_PARTS)
		return -ENOSPC;
	if (p->chained && (!before || before->select != select))
		return -EINVAL;
	if (p->by_pin && p->ops->burst)
		return -EINVAL;
	for (unsigned i = 0; i < b->n_parts; i++)
		if (b->part[i]->select == select && (p->ops->burst || b->part[i]->ops->burst))
			return -EINVAL;
	p->select = select;
	p->now = p->out = SPI_RELEASE;
	b->part[b->n_parts++] = p;
	return 0;
}

static bool is_selected(const struct spi_bus *b, const struct spi_part *p)
{
	return (p->by_pin ? b->pins : b->selected) >> p->select & 1;
}

struct spi_part *spi_bus_burst_part(const struct spi_bus *b)
{
	if (b->selected & (b->selected - 1))
		return NULL;
	for (unsigned i = 0; i < b->n_parts; i++)
		if (is_selected(b, b->part[i]) && b->part[i]->ops->burst)
			return b->part[i];
	return NULL;
}

/* ---- one part ---- */

/* What it has to drive, out of `now`. */
static int level(const struct spi_part *p)
{
	if (!p->ops->byte || p->now == SPI_RELEASE)
		return p->now;
	return p->now >> (7 - p->count) & 1;
}

static void take(struct spi_part *p, bool in)
{
	if (p->ops->bit) {
		p->now = p->ops->bit(p, in);
	} else if (p->ops->byte) {
		p->collected = p->collected << 1 | in;
		if (++p->count == 8) {
			p->now = p->ops->byte(p, (uint8_t)p->collected);
			p->count = 0;
		}
	}
}

static void part_select(struct spi_part *p, bool selected)
{
	int first = p->ops->select ? p->ops->select(p, selected) : SPI_RELEASE;

	p->count = 0;
	p->now = selected ? first : SPI_RELEASE;
	p->out = level(p);
}

static void tell_parts(struct spi_bus *b, unsigned changed, bool by_pin)
{
	for (unsigned i = 0; i < b->n_parts && changed; i++)
		if (b->part[i]->by_pin == by_pin && (changed >> b->part[i]->select & 1))
			part_select(b->part[i], is_selected(b, b->part[i]));
}

void spi_bus_select(struct spi_bus *b, unsigned mask)
{
	unsigned changed = b->selected ^ mask;

	b->selected = mask;
	tell_parts(b, changed, false);
}

void spi_bus_pin(struct spi_bus *b, unsigned select, bool low)
{
	unsigned mask = (b->pins & ~(1u << select)) | (unsigned)low << select;
	unsigned changed = b->pins ^ mask;

	b->pins = mask;
	tell_parts(b, changed, true);
}

/* ---- the wires ---- */

static int output(const struct spi_bus *b, unsigned i);

/* A wire that nobody drives is pulled up. */
static bool input(const struct spi_bus *b, unsigned i)
{
	return b->part[i]->chained ? output(b, i - 1) != 0 : b->mosi;
}

static int output(const struct spi_bus *b, unsigned i)
{
	return b->part[i]->ops->wire ? input(b, i) : b->part[i]->out;
}

static void collision(struct spi_bus *b, unsigned i, unsigned j)
{
	const struct spi_part *p = b->part[i], *q = b->part[j];

	if (b->collision >> j & 1 || b->silent)
		return;
	b->collision |= 1u << i | 1u << j;
	log_warn_limited(&b->limit, REPORTS_MAX,
			 "%s: contention on MISO: %s (select %u) drives %d, %s (select %u) %d",
			 b->name, p->name, p->select, output(b, i), q->name, q->select,
			 output(b, j));
}

static bool miso(struct spi_bus *b)
{
	unsigned driver = SPI_MAX_PARTS;
	bool joined = false;
	int wire = SPI_RELEASE;

	for (unsigned i = 0; i < b->n_parts; i++) {
		bool last = i + 1 == b->n_parts || !b->part[i + 1]->chained;
		int out;

		if (!is_selected(b, b->part[i]) || !last)
			continue;
		joined |= b->part[i]->joined;
		out = output(b, i);
		if (out == SPI_RELEASE)
			continue;
		if (driver != SPI_MAX_PARTS && out != wire) {
			collision(b, driver, i);
			out = 0;
		}
		driver = i;
		wire = out;
	}
	if (wire == SPI_RELEASE)
		return joined ? b->mosi : true;
	return wire;
}

static void edge(struct spi_bus *b)
{
	bool in[SPI_MAX_PARTS];

	b->sclk = !b->sclk;
	for (unsigned i = 0; i < b->n_parts; i++)
		in[i] = input(b, i);
	for (unsigned i = 0; i < b->n_parts; i++) {
		struct spi_part *p = b->part[i];

		if (!is_selected(b, p))
			continue;
		if (b->sclk != p->falling)
			take(p, in[i]);
		else
			p->out = level(p);
	}
}

void spi_bus_idle(struct spi_bus *b, unsigned mode)
{
	if (b->sclk != !!(mode & SPI_CPOL))
		edge(b);
}

/* ---- frames ---- */

static uint16_t frame_by_edges(struct spi_bus *b, unsigned mode, unsigned bits, uint16_t tx)
{
	unsigned rx = 0;

	b->collision = 0;
	for (unsigned i = bits; i-- > 0;) {
		bool out = tx >> i & 1;

		if (mode & SPI_CPHA)
			edge(b);
		b->mosi = out;
		rx = rx << 1 | miso(b);
		edge(b);
		if (!(mode & SPI_CPHA))
			edge(b);
	}
	return (uint16_t)rx;
}

/* `out` ends as the last edge leaves it: with CPHA 1 that is where the part took the last bit. */
static uint8_t byte_at_once(struct spi_part *p, unsigned mode, uint8_t tx)
{
	int now = p->now;

	p->now = p->ops->byte(p, tx);
	if (!(mode & SPI_CPHA))
		p->out = level(p);
	else
		p->out = now == SPI_RELEASE ? SPI_RELEASE : now & 1;
	return now == SPI_RELEASE ? 0xff : (uint8_t)now;
}

/* The one part that is selected, if it can do without edges. */
static struct spi_part *byte_part(const struct spi_bus *b, unsigned mode)
{
	bool falling = !!(mode & SPI_CPOL) != !!(mode & SPI_CPHA);
	struct spi_part *found = NULL;

	for (unsigned i = 0; i < b->n_parts; i++) {
		struct spi_part *p = b->part[i];

		if (!is_selected(b, p))
			continue;
		if (found || !p->ops->byte || p->count || p->joined || p->falling != falling)
			return NULL;
		found = p;
	}
	return found;
}

uint16_t spi_bus_frame(struct spi_bus *b, unsigned mode, unsigned bits, uint16_t tx)
{
	struct spi_part *p;
	unsigned rx = 0;

	spi_bus_idle(b, mode);
	p = b->exact || bits % 8 ? NULL : byte_part(b, mode);
	if (!p)
		return frame_by_edges(b, mode, bits, tx);
	for (unsigned i = bits; i > 0; i -= 8)
		rx = rx << 8 | byte_at_once(p, mode, (uint8_t)(tx >> (i - 8)));
	b->mosi = tx & 1;
	return (uint16_t)rx;
}
