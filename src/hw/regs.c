/* SPDX-License-Identifier: MIT */
/* A store of less than a register replaces its bytes by a compare and swap; one of 8 bytes is two
 * stores, the lower first. */
#include "hw/regs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bits.h"
#include "bus/bus.h"

struct regs {
	struct regs_config cfg;
	_Atomic uint32_t reg[];
};

static enum bus_result regs_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct regs *r = dev;
	uint64_t i = offset / 4;

	if (offset & (size - 1))
		return BUS_ERROR;
	if (r->cfg.absent)
		return BUS_OK;
	if (r->cfg.touched)
		r->cfg.touched(r->cfg.arg, (uint32_t)i * 4, false);
	*value = atomic_load(&r->reg[i]);
	if (size == 8)
		*value |= (uint64_t)atomic_load(&r->reg[i + 1]) << 32;
	else
		*value = *value >> 8 * (offset & 3) & (BIT(8 * size) - 1);
	return BUS_OK;
}

/* `shift` and `mask`: which bits of the register. */
static void store(struct regs *r, uint64_t i, unsigned shift, uint32_t mask, uint32_t value)
{
	uint32_t old = atomic_load(&r->reg[i]), new;

	do {
		new = (old & ~mask) | (value << shift & mask);
	} while (!atomic_compare_exchange_weak(&r->reg[i], &old, new));
	if (r->cfg.written)
		r->cfg.written(r->cfg.arg, (uint32_t)i * 4, old, new);
}

static enum bus_result regs_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct regs *r = dev;
	unsigned shift = 8 * (offset & 3);

	if (offset & (size - 1))
		return BUS_ERROR;
	if (r->cfg.absent)
		return BUS_OK;
	if (r->cfg.touched)
		r->cfg.touched(r->cfg.arg, (uint32_t)(offset / 4) * 4, true);
	if (size == 8) {
		store(r, offset / 4, 0, ~0u, (uint32_t)value);
		store(r, offset / 4 + 1, 0, ~0u, (uint32_t)(value >> 32));
	} else {
		store(r, offset / 4, shift, (uint32_t)(BIT(8 * size) - 1) << shift,
		      (uint32_t)value);
	}
	return BUS_OK;
}

static const struct bus_direct_ops regs_ops = {.read = regs_read, .write = regs_write};

int regs_new(const struct regs_config *cfg, struct regs **out)
{
	struct bus_range range = {
		.base = cfg->base, .size = cfg->size, .name = cfg->name, .direct = &regs_ops};
	struct regs *r;
	int ret;

	if (!cfg->size || cfg->size % 8)
		return -EINVAL;
	r = calloc(1, sizeof(*r) + (cfg->absent ? 0 : cfg->size));
	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	regs_reset(r);
	range.dev = r;
	ret = bus_add(cfg->bus, &range);
	if (ret) {
		free(r);
		return ret;
	}
	*out = r;
	return 0;
}

void regs_reset(struct regs *r)
{
	if (r->cfg.absent)
		return;
	for (uint64_t i = 0; i < r->cfg.size / 4; i++)
		atomic_store(&r->reg[i], 0);
	for (unsigned i = 0; i < r->cfg.n_reset; i++)
		regs_set(r, r->cfg.reset[i].offset, r->cfg.reset[i].value);
}

void regs_free(struct regs *r)
{
	if (!r)
		return;
	(void)bus_remove(r->cfg.bus, r->cfg.base);
	free(r);
}

uint32_t regs_get(const struct regs *r, uint32_t offset)
{
	return atomic_load(&r->reg[offset / 4]);
}

void regs_set(struct regs *r, uint32_t offset, uint32_t value)
{
	atomic_store(&r->reg[offset / 4], value);
}
