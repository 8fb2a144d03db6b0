/* SPDX-License-Identifier: MIT */
/*
 * A command that is written is carried out at once, so the transmit FIFO is always empty. A
 * transaction begins with the first command behind a stop, and is started anew when the direction
 * changes or the command says so. After an abort, commands are dropped until software has read
 * CLR_TX_ABRT.
 */
#include "hw/dw_i2c.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/bits.h"
#include "bus/bus.h"
#include "hw/i2c_bus.h"

enum reg {
	CON = 0x00,
	TAR = 0x04,
	DATA_CMD = 0x10,
	INTR_STAT = 0x2c,
	INTR_MASK = 0x30,
	RAW_INTR_STAT = 0x34,
	RX_TL = 0x38,
	TX_TL = 0x3c,
	CLR_INTR = 0x40,
	CLR_RX_UNDER = 0x44,
	CLR_RX_OVER = 0x48,
	CLR_TX_OVER = 0x4c,
	CLR_TX_ABRT = 0x54,
	CLR_ACTIVITY = 0x5c,
	CLR_STOP_DET = 0x60,
	CLR_START_DET = 0x64,
	ENABLE = 0x6c,
	STATUS = 0x70,
	RXFLR = 0x78,
	TX_ABRT_SOURCE = 0x80,
	ENABLE_STATUS = 0x9c,
	COMP_PARAM_1 = 0xf4,
	COMP_VERSION = 0xf8,
	COMP_TYPE = 0xfc,
	N_REGS = 0x100 / 4,
};

#define CMD_READ    0x100u
#define CMD_STOP    0x200u
#define CMD_RESTART 0x400u

#define INT_RX_UNDER  0x001u
#define INT_RX_OVER   0x002u
#define INT_RX_FULL   0x004u
#define INT_TX_OVER   0x008u
#define INT_TX_EMPTY  0x010u
#define INT_TX_ABRT   0x040u
#define INT_ACTIVITY  0x100u
#define INT_STOP_DET  0x200u
#define INT_START_DET 0x400u
#define INT_ALL       0xfffu

#define ABRT_ADDRESS 0x1u
#define ABRT_DATA    0x8u

#define STATUS_ACTIVE 0x21u /* and the master is */
#define STATUS_TX     0x06u /* empty, not full */
#define STATUS_RFNE   0x08u
#define STATUS_RFF    0x10u

#define TAR_10BIT   0x1000u
#define PARAMS      ((DW_I2C_DEPTH - 1) << 16 | (DW_I2C_DEPTH - 1) << 8 | 2u << 2) /* fast */
#define VERSION_201 0x3230312au                                                    /* "201*" */
#define TYPE_I2C    0x44570140u
#define CON_RESET   0x7fu
#define RX_MASK     (DW_I2C_DEPTH - 1)

struct dw_i2c {
	struct dw_i2c_config cfg;
	pthread_mutex_t lock; /* for all below */
	struct i2c_bus bus;
	uint32_t plain[N_REGS]; /* registers that keep what is written */
	uint32_t sticky;        /* of the raw interrupts, those that stay */
	uint32_t abort_source;
	bool enabled;
	bool open, reading; /* between start and stop */
	uint8_t rx[DW_I2C_DEPTH];
	unsigned rx_head, rx_level;
	atomic_bool level; /* of the interrupt's wire; written under the lock */
};

static uint32_t raw(const struct dw_i2c *d)
{
	uint32_t r = d->sticky;

	if (d->enabled)
		r |= INT_TX_EMPTY;
	if (d->rx_level > (d->plain[RX_TL / 4] & RX_MASK))
		r |= INT_RX_FULL;
	return r;
}

static void leave(struct dw_i2c *d)
{
	bool level = (raw(d) & d->plain[INTR_MASK / 4]) != 0;
	bool moved = atomic_exchange(&d->level, level) != level;

	pthread_mutex_unlock(&d->lock);
	if (moved)
		irq_follow(d->cfg.irq, &d->level);
}

/* ---- transactions ---- */

static void stop(struct dw_i2c *d)
{
	if (!d->open)
		return;
	i2c_bus_stop(&d->bus);
	d->open = false;
	d->sticky |= INT_STOP_DET;
}

static void give_up(struct dw_i2c *d, uint32_t source)
{
	d->abort_source |= source;
	d->sticky |= INT_TX_ABRT;
	stop(d);
}

static void receive(struct dw_i2c *d)
{
	uint8_t byte = i2c_bus_read(&d->bus);

	if (d->rx_level == DW_I2C_DEPTH)
		d->sticky |= INT_RX_OVER;
	else
		d->rx[(d->rx_head + d->rx_level++) % DW_I2C_DEPTH] = byte;
}

static void command(struct dw_i2c *d, uint32_t cmd)
{
	bool read = cmd & CMD_READ;
	uint32_t tar = d->plain[TAR / 4];

	if (!d->enabled || d->sticky & INT_TX_ABRT)
		return;
	d->sticky |= INT_ACTIVITY;
	if (!d->open || read != d->reading || cmd & CMD_RESTART) {
		d->open = true;
		d->reading = read;
		d->sticky |= INT_START_DET;
		if (tar & TAR_10BIT || !i2c_bus_start(&d->bus, tar & 0x7f, read)) {
			give_up(d, ABRT_ADDRESS);
			return;
		}
	}
	if (read) {
		receive(d);
	} else if (!i2c_bus_write(&d->bus, (uint8_t)cmd)) {
		give_up(d, ABRT_DATA);
		return;
	}
	if (cmd & CMD_STOP)
		stop(d);
}

static void enable(struct dw_i2c *d, uint32_t value)
{
	if (value & 2) /* ABORT, which takes itself back */
		stop(d);
	d->enabled = value & 1;
	if (d->enabled)
		return;
	stop(d);
	d->rx_level = 0;
	d->sticky = 0;
}

/* ---- registers ---- */

static uint32_t data(struct dw_i2c *d)
{
	uint8_t byte;

	if (!d->rx_level) {
		d->sticky |= INT_RX_UNDER;
		return 0;
	}
	byte = d->rx[d->rx_head];
	d->rx_head = (d->rx_head + 1) % DW_I2C_DEPTH;
	d->rx_level--;
	return byte;
}

/* Which interrupts a register takes back by being read; 0: it is not one of those. */
static uint32_t clears(uint64_t offset)
{
	switch (offset) {
	case CLR_INTR: return INT_ALL;
	case CLR_RX_UNDER: return INT_RX_UNDER;
	case CLR_RX_OVER: return INT_RX_OVER;
	case CLR_TX_OVER: return INT_TX_OVER;
	case CLR_TX_ABRT: return INT_TX_ABRT;
	case CLR_ACTIVITY: return INT_ACTIVITY;
	case CLR_STOP_DET: return INT_STOP_DET;
	case CLR_START_DET: return INT_START_DET;
	default: return 0;
	}
}

static uint32_t reg_read(struct dw_i2c *d, uint64_t offset)
{
	uint32_t cleared = clears(offset) & d->sticky;

	if (clears(offset)) {
		d->sticky &= ~cleared;
		if (clears(offset) & INT_TX_ABRT)
			d->abort_source = 0;
		return cleared != 0;
	}
	switch (offset) {
	case DATA_CMD: return data(d);
	case INTR_STAT: return raw(d) & d->plain[INTR_MASK / 4];
	case RAW_INTR_STAT: return raw(d);
	case ENABLE:
	case ENABLE_STATUS: return d->enabled;
	case STATUS:
		return STATUS_TX | (d->open ? STATUS_ACTIVE : 0) | (d->rx_level ? STATUS_RFNE : 0) |
		       (d->rx_level == DW_I2C_DEPTH ? STATUS_RFF : 0);
	case RXFLR: return d->rx_level;
	case TX_ABRT_SOURCE: return d->abort_source;
	case COMP_PARAM_1: return PARAMS;
	case COMP_VERSION: return VERSION_201;
	case COMP_TYPE: return TYPE_I2C;
	default: return offset / 4 < N_REGS ? d->plain[offset / 4] : 0;
	}
}

static void reg_write(struct dw_i2c *d, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case DATA_CMD: command(d, value); break;
	case ENABLE: enable(d, value); break;
	case INTR_MASK: d->plain[INTR_MASK / 4] = value & INT_ALL; break;
	case RX_TL:
	case TX_TL: d->plain[offset / 4] = value < DW_I2C_DEPTH ? value : DW_I2C_DEPTH - 1; break;
	default:
		if (offset / 4 < N_REGS && !clears(offset))
			d->plain[offset / 4] = value & 0xffff;
		break;
	}
}

static bool is_register(uint64_t offset, unsigned size)
{
	return size <= 4 && offset % 4 == 0;
}

static enum bus_result i2c_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct dw_i2c *d = dev;

	if (!is_register(offset, size))
		return BUS_ERROR;
	pthread_mutex_lock(&d->lock);
	*value = reg_read(d, offset) & (BIT(8 * size) - 1);
	leave(d);
	return BUS_OK;
}

static enum bus_result i2c_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct dw_i2c *d = dev;

	if (!is_register(offset, size))
		return BUS_ERROR;
	pthread_mutex_lock(&d->lock);
	reg_write(d, offset, (uint32_t)value);
	leave(d);
	return BUS_OK;
}

static const struct bus_direct_ops i2c_ops = {.read = i2c_read, .write = i2c_write};

int dw_i2c_new(const struct dw_i2c_config *cfg, struct dw_i2c **out)
{
	struct bus_range range = {
		.base = cfg->base, .size = DW_I2C_SIZE, .name = "i2c", .direct = &i2c_ops};
	struct dw_i2c *d = calloc(1, sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	d->cfg = *cfg;
	d->plain[CON / 4] = CON_RESET;
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

int dw_i2c_attach(struct dw_i2c *d, struct i2c_part *p)
{
	return i2c_bus_attach(&d->bus, p);
}

void dw_i2c_free(struct dw_i2c *d)
{
	if (!d)
		return;
	(void)bus_remove(d->cfg.bus, d->cfg.base);
	i2c_bus_fini(&d->bus);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
