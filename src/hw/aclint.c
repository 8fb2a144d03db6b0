/* SPDX-License-Identifier: MIT */
/*
 * All registers are atomics, so every access is direct and needs no lock. Two harts that store to
 * the same register at once get one of the two values, as on hardware.
 */
#include "hw/aclint.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "bus/bus.h"

#define SIZE      0x10000u
#define MTIMECMP  0x4000u
#define MTIME     0xbff8u
#define MAX_HARTS 4095u

struct hart {
	struct irq msip_wire;
	atomic_bool msip;
	_Atomic uint64_t mtimecmp;
};

struct aclint {
	struct aclint_config cfg;
	struct hart hart[];
};

/* The part of a 64-bit register that an access of `size` at `offset` into it means. */
static uint64_t get_part(uint64_t reg, uint64_t offset, unsigned size)
{
	reg >>= 8 * (offset & 7);
	return size == 8 ? reg : (uint32_t)reg;
}

static uint64_t set_part(uint64_t reg, uint64_t offset, unsigned size, uint64_t value)
{
	const unsigned shift = 8 * (offset & 7);
	const uint64_t mask = (size == 8 ? ~0ull : 0xffffffffull) << shift;

	return (reg & ~mask) | (value << shift & mask);
}

/* The hart whose register of `width` bytes in an array at `start` is at offset; NULL: none. */
static struct hart *find_hart(struct aclint *a, uint64_t offset, uint64_t start, unsigned width)
{
	uint64_t i = (offset - start) / width;

	return offset >= start && i < a->cfg.n_harts ? &a->hart[i] : NULL;
}

/* Hardware knows aligned words and double words only. */
static bool is_odd_access(uint64_t offset, unsigned size)
{
	return size < 4 || (offset & (size - 1));
}

static enum bus_result aclint_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct aclint *a = dev;
	struct hart *h;

	if (is_odd_access(offset, size))
		return BUS_ERROR;
	if (offset >= MTIME)
		*value = offset < MTIME + 8 ? get_part(a->cfg.time_now(a->cfg.arg), offset, size)
					    : 0;
	else if ((h = find_hart(a, offset, MTIMECMP, 8)))
		*value = get_part(atomic_load(&h->mtimecmp), offset, size);
	else if (offset < MTIMECMP && (h = find_hart(a, offset, 0, 4)))
		*value = atomic_load(&h->msip);
	return BUS_OK;
}

static void write_mtimecmp(struct aclint *a, struct hart *h, uint64_t offset, unsigned size,
			   uint64_t value)
{
	uint64_t old = atomic_load(&h->mtimecmp), new;

	do {
		new = set_part(old, offset, size, value);
	} while (!atomic_compare_exchange_weak(&h->mtimecmp, &old, new));
	a->cfg.set_timer(a->cfg.arg, (unsigned)(h - a->hart), new);
}

static enum bus_result aclint_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct aclint *a = dev;
	struct hart *h;

	if (is_odd_access(offset, size))
		return BUS_ERROR;
	if (offset < MTIME && (h = find_hart(a, offset, MTIMECMP, 8))) {
		write_mtimecmp(a, h, offset, size, value);
	} else if (offset < MTIMECMP && (h = find_hart(a, offset, 0, 4))) {
		atomic_store(&h->msip, value & 1);
		irq_follow(h->msip_wire, &h->msip);
	}
	return BUS_OK;
}

static const struct bus_direct_ops aclint_ops = {.read = aclint_read, .write = aclint_write};

int aclint_new(const struct aclint_config *cfg, struct aclint **out)
{
	struct bus_range range = {
		.base = cfg->base, .size = SIZE, .name = "aclint", .direct = &aclint_ops};
	struct aclint *a;
	int err;

	if (cfg->n_harts > MAX_HARTS)
		return -EINVAL;
	a = calloc(1, sizeof(*a) + cfg->n_harts * sizeof(a->hart[0]));
	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	for (unsigned i = 0; i < cfg->n_harts; i++) {
		a->hart[i].msip_wire = cfg->msip[i];
		atomic_init(&a->hart[i].mtimecmp, UINT64_MAX);
	}
	range.dev = a;
	err = bus_add(cfg->bus, &range);
	if (err) {
		free(a);
		return err;
	}
	*out = a;
	return 0;
}

void aclint_reset(struct aclint *a)
{
	for (unsigned i = 0; i < a->cfg.n_harts; i++) {
		struct hart *h = &a->hart[i];

		atomic_store(&h->msip, false);
		irq_follow(h->msip_wire, &h->msip);
		atomic_store(&h->mtimecmp, UINT64_MAX);
		a->cfg.set_timer(a->cfg.arg, i, UINT64_MAX);
	}
}

void aclint_free(struct aclint *a)
{
	if (!a)
		return;
	(void)bus_remove(a->cfg.bus, a->cfg.base);
	free(a);
}
