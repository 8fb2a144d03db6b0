/* SPDX-License-Identifier: MIT */
/* Every change, from either side, ends in leave(), which compares the pins with what they were
 * before, so that edges are found in one place. */
#include "hw/dw_gpio.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/bits.h"
#include "bus/bus.h"

enum reg {
	SWPORTA_DR = 0x00,
	SWPORTA_DDR = 0x04,
	INTEN = 0x30,
	INTMASK = 0x34,
	INTTYPE_LEVEL = 0x38, /* 1: edges */
	INT_POLARITY = 0x3c,  /* 1: high, or rising */
	INTSTATUS = 0x40,
	RAW_INTSTATUS = 0x44,
	DEBOUNCE = 0x48,
	PORTA_EOI = 0x4c,
	EXT_PORTA = 0x50,
	LS_SYNC = 0x60,
	VERSION = 0x6c,
};

#define VERSION_212 0x3231322au /* "212*" */

struct dw_gpio {
	struct dw_gpio_config cfg;
	pthread_mutex_t lock; /* for all below */
	uint32_t dr, ddr, inten, intmask, edges, polarity, debounce, ls_sync;
	uint32_t in;      /* from outside */
	uint32_t pins;    /* levels, after the last change */
	uint32_t latched; /* edges that were seen */
	struct dw_gpio_pins told;
	atomic_bool level; /* of the interrupt's wire; written under the lock */
};

static uint32_t pins(const struct dw_gpio *g)
{
	return (g->dr & g->ddr) | (g->in & ~g->ddr);
}

/* Only inputs interrupt. */
static uint32_t raw(const struct dw_gpio *g)
{
	uint32_t active = ~(g->pins ^ g->polarity);

	return ((g->latched & g->edges) | (active & ~g->edges)) & g->inten & ~g->ddr;
}

static struct dw_gpio_pins outputs(const struct dw_gpio *g)
{
	return (struct dw_gpio_pins){.driven = g->ddr, .level = g->dr & g->ddr};
}

static void leave(struct dw_gpio *g)
{
	uint32_t now = pins(g), changed = now ^ g->pins;
	const struct dw_gpio_pins out = outputs(g);
	bool told = out.driven == g->told.driven && out.level == g->told.level;
	bool level, moved;

	g->told = out;
	g->latched |= changed & ~(now ^ g->polarity) & g->edges & g->inten;
	g->latched &= g->inten;
	g->pins = now;
	level = (raw(g) & ~g->intmask) != 0;
	moved = atomic_exchange(&g->level, level) != level;
	pthread_mutex_unlock(&g->lock);
	if (moved)
		irq_follow(g->cfg.irq, &g->level);
	if (!told && g->cfg.moved)
		g->cfg.moved(g->cfg.arg, g->cfg.port);
}

static uint32_t reg_read(const struct dw_gpio *g, uint64_t offset)
{
	switch (offset) {
	case SWPORTA_DR: return g->dr;
	case SWPORTA_DDR: return g->ddr;
	case INTEN: return g->inten;
	case INTMASK: return g->intmask;
	case INTTYPE_LEVEL: return g->edges;
	case INT_POLARITY: return g->polarity;
	case INTSTATUS: return raw(g) & ~g->intmask;
	case RAW_INTSTATUS: return raw(g);
	case DEBOUNCE: return g->debounce;
	case EXT_PORTA: return g->pins;
	case LS_SYNC: return g->ls_sync;
	case VERSION: return VERSION_212;
	default: return 0;
	}
}

static void reg_write(struct dw_gpio *g, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case SWPORTA_DR: g->dr = value; break;
	case SWPORTA_DDR: g->ddr = value; break;
	case INTEN: g->inten = value; break;
	case INTMASK: g->intmask = value; break;
	case INTTYPE_LEVEL: g->edges = value; break;
	case INT_POLARITY: g->polarity = value; break;
	case DEBOUNCE: g->debounce = value; break;
	case PORTA_EOI: g->latched &= ~value; break;
	case LS_SYNC: g->ls_sync = value & 1; break;
	default: break;
	}
}

static bool is_register(uint64_t offset, unsigned size)
{
	return size <= 4 && offset % 4 == 0;
}

static enum bus_result gpio_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct dw_gpio *g = dev;

	if (!is_register(offset, size))
		return BUS_ERROR;
	pthread_mutex_lock(&g->lock);
	*value = reg_read(g, offset) & (BIT(8 * size) - 1);
	pthread_mutex_unlock(&g->lock);
	return BUS_OK;
}

static enum bus_result gpio_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct dw_gpio *g = dev;

	if (!is_register(offset, size))
		return BUS_ERROR;
	pthread_mutex_lock(&g->lock);
	reg_write(g, offset, (uint32_t)value);
	leave(g);
	return BUS_OK;
}

static const struct bus_direct_ops gpio_ops = {.read = gpio_read, .write = gpio_write};

int dw_gpio_new(const struct dw_gpio_config *cfg, struct dw_gpio **out)
{
	struct bus_range range = {
		.base = cfg->base, .size = DW_GPIO_SIZE, .name = "gpio", .direct = &gpio_ops};
	struct dw_gpio *g = calloc(1, sizeof(*g));
	int ret;

	if (!g)
		return -ENOMEM;
	g->cfg = *cfg;
	pthread_mutex_init(&g->lock, NULL);
	range.dev = g;
	ret = bus_add(cfg->bus, &range);
	if (ret) {
		pthread_mutex_destroy(&g->lock);
		free(g);
		return ret;
	}
	*out = g;
	return 0;
}

void dw_gpio_free(struct dw_gpio *g)
{
	if (!g)
		return;
	(void)bus_remove(g->cfg.bus, g->cfg.base);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

struct dw_gpio_pins dw_gpio_outputs(struct dw_gpio *g)
{
	struct dw_gpio_pins out;

	pthread_mutex_lock(&g->lock);
	out = outputs(g);
	pthread_mutex_unlock(&g->lock);
	return out;
}

void dw_gpio_input(struct dw_gpio *g, unsigned pin, bool level)
{
	pthread_mutex_lock(&g->lock);
	g->in = (g->in & ~(1u << pin)) | (uint32_t)level << pin;
	leave(g);
}
