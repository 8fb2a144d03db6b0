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
#define SSIP      0xc000u
#define STIMECMP  0xd000u
#define MAX_HARTS 4095u

/* One hart's registers of one mode. */
struct mode {
	struct irq sip_wire;
	atomic_bool sip;
	_Atomic uint64_t timecmp;
};

struct hart {
	struct mode m, s;
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

/* Hardware knows aligned words and double words only. */
static bool is_odd_access(uint64_t offset, unsigned size)
{
	return size < 4 || (offset & (size - 1));
}

/* What is at an offset. */
struct place {
	struct mode *mode; /* NULL: nothing is there */
	unsigned hart;
	bool is_timer, is_s;
};

/* The register of a hart in an array of them. */
static struct place in_array(struct aclint *a, uint64_t offset, bool is_timer, bool is_s)
{
	uint64_t i = offset / (is_timer ? 8 : 4);
	struct place p = {.hart = (unsigned)i, .is_timer = is_timer, .is_s = is_s};

	if (i < a->cfg.n_harts)
		p.mode = is_s ? &a->hart[i].s : &a->hart[i].m;
	return p;
}

static struct place find(struct aclint *a, uint64_t offset)
{
	if (offset < MTIMECMP)
		return in_array(a, offset, false, false);
	if (offset < MTIME)
		return in_array(a, offset - MTIMECMP, true, false);
	if (!a->cfg.c900 || offset < SSIP)
		return (struct place){0};
	return offset < STIMECMP ? in_array(a, offset - SSIP, false, true)
				 : in_array(a, offset - STIMECMP, true, true);
}

static enum bus_result aclint_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct aclint *a = dev;
	struct place p = find(a, offset);

	if (is_odd_access(offset, size))
		return BUS_ERROR;
	if (p.mode)
		*value = p.is_timer ? get_part(atomic_load(&p.mode->timecmp), offset, size)
				    : atomic_load(&p.mode->sip);
	else if (!a->cfg.c900 && offset >= MTIME && offset < MTIME + 8)
		*value = get_part(a->cfg.time_now(a->cfg.arg), offset, size);
	return BUS_OK;
}

static void set_timecmp(struct aclint *a, const struct place *p, uint64_t value)
{
	(p->is_s ? a->cfg.set_stimer : a->cfg.set_timer)(a->cfg.arg, p->hart, value);
}

static void write_timecmp(struct aclint *a, const struct place *p, uint64_t offset, unsigned size,
			  uint64_t value)
{
	uint64_t old = atomic_load(&p->mode->timecmp), new;

	do {
		new = set_part(old, offset, size, value);
	} while (!atomic_compare_exchange_weak(&p->mode->timecmp, &old, new));
	set_timecmp(a, p, new);
}

static enum bus_result aclint_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct aclint *a = dev;
	struct place p = find(a, offset);

	if (is_odd_access(offset, size) || (a->cfg.c900 && size != 4))
		return BUS_ERROR;
	if (!p.mode)
		return BUS_OK;
	if (p.is_timer) {
		write_timecmp(a, &p, offset, size, value);
	} else {
		atomic_store(&p.mode->sip, value & 1);
		irq_follow(p.mode->sip_wire, &p.mode->sip);
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
		a->hart[i].m.sip_wire = cfg->msip[i];
		a->hart[i].s.sip_wire = cfg->c900 ? cfg->ssip[i] : (struct irq){0};
		atomic_init(&a->hart[i].m.timecmp, UINT64_MAX);
		atomic_init(&a->hart[i].s.timecmp, UINT64_MAX);
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

static void reset_mode(struct aclint *a, struct place p)
{
	atomic_store(&p.mode->sip, false);
	irq_follow(p.mode->sip_wire, &p.mode->sip);
	atomic_store(&p.mode->timecmp, UINT64_MAX);
	set_timecmp(a, &p, UINT64_MAX);
}

void aclint_reset(struct aclint *a)
{
	for (unsigned i = 0; i < a->cfg.n_harts; i++) {
		reset_mode(a, (struct place){.mode = &a->hart[i].m, .hart = i});
		if (a->cfg.c900)
			reset_mode(a,
				   (struct place){.mode = &a->hart[i].s, .hart = i, .is_s = true});
	}
}

void aclint_free(struct aclint *a)
{
	if (!a)
		return;
	(void)bus_remove(a->cfg.bus, a->cfg.base);
	free(a);
}
