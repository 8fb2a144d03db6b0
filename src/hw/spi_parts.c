/* SPDX-License-Identifier: MIT */
/* Parts of a few lines each. */
#include "hw/spi_parts.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/spi_bus.h"

#define REPORTS_MAX 1000u

/* ---- loopback ---- */

static void loopback_free(struct spi_part *p)
{
	free(p);
}

static const struct spi_part_ops loopback_ops = {.wire = true, .free = loopback_free};

int spi_loopback_new(struct spi_part **out)
{
	struct spi_part *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->ops = &loopback_ops;
	snprintf(p->name, sizeof(p->name), "loopback");
	*out = p;
	return 0;
}

/* ---- shift register ---- */

struct shift {
	struct spi_part part;
	uint8_t bits, outputs;
	bool verbose;
	struct log_limit limit;
};

static int shift_bit(struct spi_part *p, bool in)
{
	struct shift *s = container_of(p, struct shift, part);

	s->bits = (uint8_t)(s->bits << 1 | in);
	return s->bits >> 7;
}

static int shift_select(struct spi_part *p, bool selected)
{
	struct shift *s = container_of(p, struct shift, part);

	if (!selected && s->outputs != s->bits) {
		s->outputs = s->bits;
		if (s->verbose)
			log_warn_limited(&s->limit, REPORTS_MAX, "%s (select %u): outputs 0x%02x",
					 p->name, p->select, s->outputs);
	}
	return s->bits >> 7;
}

static void shift_free(struct spi_part *p)
{
	free(container_of(p, struct shift, part));
}

static const struct spi_part_ops shift_ops = {
	.select = shift_select, .bit = shift_bit, .free = shift_free};

int spi_shift_new(bool verbose, struct spi_part **out)
{
	struct shift *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->verbose = verbose;
	s->part.ops = &shift_ops;
	snprintf(s->part.name, sizeof(s->part.name), "shift");
	*out = &s->part;
	return 0;
}

/* ---- expander ---- */

enum { IODIR, IPOL, GPINTEN, DEFVAL, INTCON, IOCON, GPPU, INTF, INTCAP, GPIO, OLAT, N_REGS };

struct expander {
	struct spi_part part;
	unsigned address;
	uint8_t reg[N_REGS];
	uint8_t at;
	unsigned n_bytes; /* of the present command */
	bool mine, reads;
	bool verbose;
	struct log_limit limit;
};

static uint8_t expander_read(struct expander *x)
{
	unsigned at = x->at++ % N_REGS;
	uint8_t in;

	if (at != GPIO)
		return x->reg[at];
	in = (uint8_t)((x->reg[GPPU] & x->reg[IODIR]) ^ (x->reg[IPOL] & x->reg[IODIR]));
	return (uint8_t)(in | (x->reg[OLAT] & ~x->reg[IODIR]));
}

static void expander_write(struct expander *x, uint8_t value)
{
	uint8_t before = (uint8_t)(x->reg[OLAT] & ~x->reg[IODIR]), after;
	unsigned at = x->at++ % N_REGS;

	if (at == INTF || at == INTCAP)
		return;
	x->reg[at == GPIO ? OLAT : at] = value;
	after = (uint8_t)(x->reg[OLAT] & ~x->reg[IODIR]);
	if (after != before && x->verbose)
		log_warn_limited(&x->limit, REPORTS_MAX, "%s (select %u): outputs 0x%02x",
				 x->part.name, x->part.select, after);
}

static int expander_byte(struct spi_part *p, uint8_t in)
{
	struct expander *x = container_of(p, struct expander, part);

	switch (x->n_bytes++) {
	case 0:
		x->mine = in >> 1 == (0x20 | x->address);
		x->reads = in & 1;
		return SPI_RELEASE;
	case 1: x->at = in; break;
	default:
		if (x->mine && !x->reads)
			expander_write(x, in);
		break;
	}
	return x->mine && x->reads ? expander_read(x) : SPI_RELEASE;
}

static int expander_select(struct spi_part *p, bool selected)
{
	struct expander *x = container_of(p, struct expander, part);

	x->n_bytes = 0;
	x->mine = false;
	return SPI_RELEASE;
}

static void expander_free(struct spi_part *p)
{
	free(container_of(p, struct expander, part));
}

static const struct spi_part_ops expander_ops = {
	.select = expander_select, .byte = expander_byte, .free = expander_free};

int spi_expander_new(unsigned address, bool verbose, struct spi_part **out)
{
	struct expander *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->address = address;
	x->verbose = verbose;
	x->reg[IODIR] = 0xff;
	x->part.ops = &expander_ops;
	snprintf(x->part.name, sizeof(x->part.name), "expander %u", address);
	*out = &x->part;
	return 0;
}
