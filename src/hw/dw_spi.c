/* SPDX-License-Identifier: MIT */
/*
 * Two FIFOs and a pump: pump() moves frames from one over the wires into the other, as far as it
 * comes, and is called behind every access but a mere push. With a part that another process
 * answers for, the pump stops; the loop takes all frames that wait, gives them to the part as a
 * burst, and its end pumps on.
 *
 * A receiving phase (receive only, or EEPROM read behind its command) is `to_receive` frames,
 * fetched as long as there is room.
 */
#include "hw/dw_spi.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/loop.h"
#include "bus/bus.h"
#include "hw/spi_bus.h"

enum reg {
	CTRLR0 = 0x00,
	CTRLR1 = 0x04,
	SSIENR = 0x08,
	SER = 0x10,
	BAUDR = 0x14,
	TXFTLR = 0x18,
	RXFTLR = 0x1c,
	TXFLR = 0x20,
	RXFLR = 0x24,
	SR = 0x28,
	IMR = 0x2c,
	ISR = 0x30,
	RISR = 0x34,
	TXOICR = 0x38,
	RXOICR = 0x3c,
	RXUICR = 0x40,
	ICR = 0x48,
	IDR = 0x58,
	VERSION = 0x5c,
	DR = 0x60,
	DR_LAST = 0xec,
	RX_SAMPLE_DLY = 0xf0,
};

#define CTRLR0_MASK 0x0bcfu /* frame size, mode, transfer mode, loop */
#define CTRLR0_LOOP 0x0800u
#define IDENTITY    0x4c4e5453u /* "LNTS": the real one's is up to the maker */
#define VERSION_323 0x3332332au /* "323*" */

enum transfer { TR, TO, RO, EEPROM };

#define SR_BUSY 0x01u
#define SR_TFNF 0x02u
#define SR_TFE  0x04u
#define SR_RFNE 0x08u
#define SR_RFF  0x10u

#define INT_TXE  0x01u
#define INT_TXO  0x02u
#define INT_RXU  0x04u
#define INT_RXO  0x08u
#define INT_RXF  0x10u
#define INT_MASK 0x3fu

struct fifo {
	uint16_t frame[DW_SPI_DEPTH];
	unsigned head, level;
};

struct dw_spi {
	struct dw_spi_config cfg;
	pthread_mutex_t lock; /* for all below but the burst's own */
	struct spi_bus bus;
	uint32_t ctrlr0, ndf, ser, baudr, txftlr, rxftlr, imr, sample_delay;
	uint32_t sticky; /* of the raw interrupts, those that stay */
	bool enabled;
	struct fifo tx, rx;
	uint32_t to_receive; /* frames of a receiving phase */
	atomic_bool level;   /* of the interrupt's wire; written under the lock */

	struct loop_task task; /* begins a burst */
	struct spi_burst burst;
	uint16_t burst_data[DW_SPI_DEPTH];
	uint32_t burst_fetched; /* bit n: frame n is one of a receiving phase */
	bool bursting;          /* asked for, or under way */
	bool stale;             /* what comes back is not wanted any more */
};

static void push(struct fifo *f, uint16_t frame)
{
	f->frame[(f->head + f->level++) % DW_SPI_DEPTH] = frame;
}

static uint16_t pop(struct fifo *f)
{
	uint16_t frame = f->frame[f->head];

	f->head = (f->head + 1) % DW_SPI_DEPTH;
	f->level--;
	return frame;
}

static enum transfer transfer(const struct dw_spi *d)
{
	return (enum transfer)(d->ctrlr0 >> 8 & 3);
}

static unsigned frame_bits(const struct dw_spi *d)
{
	unsigned bits = (d->ctrlr0 & 0xf) + 1;

	return bits < 4 ? 4 : bits;
}

/* CPHA and CPOL stand as in SPI_CPHA and SPI_CPOL. */
static unsigned mode(const struct dw_spi *d)
{
	return d->ctrlr0 >> 6 & 3;
}

/* ---- interrupts ---- */

static uint32_t raw(const struct dw_spi *d)
{
	uint32_t r = d->sticky;

	if (d->enabled && d->tx.level <= d->txftlr)
		r |= INT_TXE;
	if (d->rx.level > d->rxftlr)
		r |= INT_RXF;
	return r;
}

static void leave(struct dw_spi *d)
{
	bool level = (raw(d) & d->imr) != 0;
	bool moved = atomic_exchange(&d->level, level) != level;

	pthread_mutex_unlock(&d->lock);
	if (moved)
		irq_follow(d->cfg.irq, &d->level);
}

/* ---- frames ---- */

static bool can_shift(const struct dw_spi *d)
{
	return d->enabled && d->ser && d->baudr && !d->bursting;
}

/* What came in for a frame that went out. */
static void take(struct dw_spi *d, uint16_t frame, bool fetched)
{
	enum transfer t = transfer(d);

	if (t == TO || (t == EEPROM && !fetched))
		return;
	if (d->rx.level == DW_SPI_DEPTH)
		d->sticky |= INT_RXO;
	else
		push(&d->rx, frame);
}

static void shift(struct dw_spi *d, uint16_t out, bool fetched)
{
	unsigned bits = frame_bits(d);
	uint16_t in = spi_bus_frame(&d->bus, mode(d), bits, out);

	if (d->ctrlr0 & CTRLR0_LOOP)
		in = (uint16_t)(out & (BIT(bits) - 1));
	take(d, in, fetched);
}

/* Whether there is a frame to move; what of it goes out, and whether it is one of a receiving
 * phase. */
static bool next_frame(struct dw_spi *d, uint16_t *out, bool *fetched)
{
	if (transfer(d) == RO && !d->to_receive && d->tx.level) {
		(void)pop(&d->tx); /* a dummy that begins it */
		d->to_receive = d->ndf + 1;
	}
	*fetched = d->to_receive != 0;
	*out = 0;
	if (*fetched) {
		if (d->rx.level == DW_SPI_DEPTH)
			return false;
		d->to_receive--;
		return true;
	}
	if (!d->tx.level)
		return false;
	*out = pop(&d->tx);
	if (transfer(d) == EEPROM && !d->tx.level)
		d->to_receive = d->ndf + 1; /* behind the command's last */
	return true;
}

static bool busy(const struct dw_spi *d)
{
	return d->bursting || (d->enabled && d->ser && d->baudr && (d->tx.level || d->to_receive));
}

/* Moves what can be moved until `keep` frames are left to send. */
static void pump(struct dw_spi *d, unsigned keep)
{
	bool fetched;
	uint16_t out;

	while (can_shift(d) && (d->to_receive || d->tx.level > keep)) {
		spi_bus_idle(&d->bus, mode(d));
		spi_bus_select(&d->bus, d->ser);
		if (spi_bus_burst_part(&d->bus)) {
			if (d->to_receive && d->rx.level == DW_SPI_DEPTH)
				return;
			d->bursting = true;
			loop_post(d->cfg.loop, &d->task);
			return;
		}
		if (!next_frame(d, &out, &fetched))
			return;
		shift(d, out, fetched);
	}
}

/* ---- bursts: on the loop ---- */

static void burst_done(struct spi_burst *b)
{
	struct dw_spi *d = b->arg;

	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < b->n && !d->stale; i++)
		take(d, b->data[i] & (uint16_t)(BIT(b->bits) - 1), d->burst_fetched >> i & 1);
	d->bursting = d->stale = false;
	pump(d, 0);
	leave(d);
}

static void burst_begin(struct loop_task *t)
{
	struct dw_spi *d = t->arg;
	struct spi_burst *b = &d->burst;
	struct spi_part *p;
	unsigned room;
	bool fetched;

	pthread_mutex_lock(&d->lock);
	p = spi_bus_burst_part(&d->bus);
	room = transfer(d) < RO ? DW_SPI_DEPTH : DW_SPI_DEPTH - d->rx.level;
	b->mode = mode(d);
	b->bits = frame_bits(d);
	b->n = d->burst_fetched = 0;
	while (p && !d->stale && b->n < room && next_frame(d, &b->data[b->n], &fetched))
		d->burst_fetched |= (uint32_t)fetched << b->n++;
	if (!b->n) { /* taken back meanwhile */
		d->bursting = d->stale = false;
		pump(d, 0);
	}
	leave(d);
	if (p && b->n)
		p->ops->burst(p, b);
}

/* ---- registers ---- */

/* Reading TXFLR tells what was there before the look moved it. */
static uint32_t reg_read(struct dw_spi *d, uint64_t offset)
{
	uint32_t cleared;

	switch (offset) {
	case CTRLR0: return d->ctrlr0;
	case CTRLR1: return d->ndf;
	case SSIENR: return d->enabled;
	case SER: return d->ser;
	case BAUDR: return d->baudr;
	case TXFTLR: return d->txftlr;
	case RXFTLR: return d->rxftlr;
	case TXFLR: return d->tx.level;
	case RXFLR: return d->rx.level;
	case SR:
		if (!busy(d))
			spi_bus_select(&d->bus, 0);
		return (busy(d) ? SR_BUSY : 0) | (d->tx.level < DW_SPI_DEPTH ? SR_TFNF : 0) |
		       (d->tx.level ? 0 : SR_TFE) | (d->rx.level ? SR_RFNE : 0) |
		       (d->rx.level == DW_SPI_DEPTH ? SR_RFF : 0);
	case IMR: return d->imr;
	case ISR: return raw(d) & d->imr;
	case RISR: return raw(d);
	case TXOICR: cleared = INT_TXO; break;
	case RXOICR: cleared = INT_RXO; break;
	case RXUICR: cleared = INT_RXU; break;
	case ICR: cleared = INT_TXO | INT_RXO | INT_RXU; break;
	case IDR: return IDENTITY;
	case VERSION: return VERSION_323;
	case RX_SAMPLE_DLY: return d->sample_delay;
	default: return 0;
	}
	cleared &= d->sticky;
	d->sticky &= ~cleared;
	return cleared != 0;
}

static uint32_t data_read(struct dw_spi *d)
{
	if (d->rx.level)
		return pop(&d->rx);
	d->sticky |= INT_RXU;
	return 0;
}

static void data_write(struct dw_spi *d, uint32_t value)
{
	if (!d->enabled)
		return;
	if (d->tx.level == DW_SPI_DEPTH)
		pump(d, 0);
	if (d->tx.level == DW_SPI_DEPTH)
		d->sticky |= INT_TXO;
	else
		push(&d->tx, (uint16_t)value);
}

static void enable(struct dw_spi *d, bool on)
{
	d->enabled = on;
	if (on)
		return;
	d->tx = d->rx = (struct fifo){0};
	d->to_receive = d->sticky = 0;
	d->stale = d->bursting;
}

/* While the controller is enabled, what it works with stays as it is. */
static void reg_write(struct dw_spi *d, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case CTRLR0:
		if (!d->enabled)
			d->ctrlr0 = value & CTRLR0_MASK;
		break;
	case CTRLR1:
		if (!d->enabled)
			d->ndf = value & 0xffff;
		break;
	case SSIENR: enable(d, value & 1); break;
	case SER:
		d->ser = value & (BIT(SPI_SELECTS) - 1);
		spi_bus_select(&d->bus, d->bus.selected & d->ser);
		break;
	case BAUDR:
		if (!d->enabled)
			d->baudr = value & 0xfffe;
		break;
	case TXFTLR:
		if (value < DW_SPI_DEPTH)
			d->txftlr = value;
		break;
	case RXFTLR:
		if (value < DW_SPI_DEPTH)
			d->rxftlr = value;
		break;
	case IMR: d->imr = value & INT_MASK; break;
	case RX_SAMPLE_DLY: d->sample_delay = value & 0xff; break;
	default: break;
	}
}

static bool is_data(uint64_t offset)
{
	return offset >= DR && offset <= DR_LAST;
}

static bool is_register(uint64_t offset, unsigned size)
{
	return size <= 4 && offset % 4 == 0;
}

static enum bus_result spi_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct dw_spi *d = dev;

	if (!is_register(offset, size))
		return BUS_ERROR;
	pthread_mutex_lock(&d->lock);
	if (offset != TXFLR)
		pump(d, 0);
	*value = is_data(offset) ? data_read(d) : reg_read(d, offset);
	*value &= BIT(8 * size) - 1;
	pump(d, 0);
	leave(d);
	return BUS_OK;
}

static enum bus_result spi_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct dw_spi *d = dev;

	if (!is_register(offset, size))
		return BUS_ERROR;
	pthread_mutex_lock(&d->lock);
	if (is_data(offset))
		data_write(d, (uint32_t)value);
	else
		reg_write(d, offset, (uint32_t)value);
	pump(d, d->imr ? 0 : 1);
	leave(d);
	return BUS_OK;
}

static const struct bus_direct_ops spi_ops = {.read = spi_read, .write = spi_write};

int dw_spi_new(const struct dw_spi_config *cfg, struct dw_spi **out)
{
	struct bus_range range = {
		.base = cfg->base, .size = DW_SPI_SIZE, .name = "spi", .direct = &spi_ops};
	struct dw_spi *d = calloc(1, sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	d->cfg = *cfg;
	d->ctrlr0 = 0x7; /* frames of 8 bits */
	d->task = (struct loop_task){.fn = burst_begin, .arg = d};
	d->burst = (struct spi_burst){.data = d->burst_data, .done = burst_done, .arg = d};
	spi_bus_init(&d->bus, cfg->name);
	pthread_mutex_init(&d->lock, NULL);
	range.dev = d;
	ret = bus_add(cfg->bus, &range);
	if (ret) {
		pthread_mutex_destroy(&d->lock);
		free(d);
		return ret;
	}
	*out = d;
	return 0;
}

int dw_spi_attach(struct dw_spi *d, struct spi_part *p, unsigned select)
{
	return spi_bus_attach(&d->bus, p, select);
}

void dw_spi_pin(struct dw_spi *d, unsigned select, bool low)
{
	pthread_mutex_lock(&d->lock);
	pump(d, 0);
	spi_bus_pin(&d->bus, select, low);
	leave(d);
}

void dw_spi_set_test(struct dw_spi *d, bool exact)
{
	d->bus.exact = exact;
	d->bus.silent = true;
}

void dw_spi_free(struct dw_spi *d)
{
	if (!d)
		return;
	(void)bus_remove(d->cfg.bus, d->cfg.base);
	if (d->cfg.loop)
		loop_task_cancel(d->cfg.loop, &d->task);
	spi_bus_fini(&d->bus);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
