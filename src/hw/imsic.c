/* SPDX-License-Identifier: MIT */
/*
 * A file is two arrays of bits, pending and enabled, a threshold, and a switch. The lower the
 * number, the more important it is. One leaf lock a file; the wire follows an atomic outside of it.
 */
#include "hw/imsic.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bits.h"
#include "bus/bus.h"

#define SETEIPNUM_LE 0u
#define SETEIPNUM_BE 4u
#define N_WORDS      ((IMSIC_IDS + 64) / 64)

/* Registers behind sireg, of which the odd ones of the arrays do not exist. */
#define EIDELIVERY  0x70u
#define EITHRESHOLD 0x72u
#define EIP0        0x80u
#define EIE0        0xc0u
#define EIE63       0xffu

struct file {
	struct irq output;
	atomic_bool level;    /* of it; written under the lock */
	pthread_mutex_t lock; /* for all below */
	uint64_t pending[N_WORDS], enabled[N_WORDS];
	uint64_t threshold; /* 0: none; else numbers from it on are held back */
	bool delivery;
};

struct imsic {
	struct imsic_config cfg;
	struct file file[IMSIC_MAX_HARTS];
};

/* Under the lock. 0: none. */
static unsigned first(const struct file *f)
{
	for (unsigned w = 0; w < N_WORDS; w++) {
		uint64_t ready = f->pending[w] & f->enabled[w];
		unsigned id = ready ? w * 64 + (unsigned)__builtin_ctzll(ready) : 0;

		if (ready)
			return !f->threshold || id < f->threshold ? id : 0;
	}
	return 0;
}

static void unlock_and_set(struct file *f)
{
	bool level = f->delivery && first(f);
	bool changed = atomic_exchange(&f->level, level) != level;

	pthread_mutex_unlock(&f->lock);
	if (changed)
		irq_follow(f->output, &f->level);
}

static void arrive(struct imsic *s, uint64_t hart, uint32_t id)
{
	struct file *f = &s->file[hart];

	if (!id || id > IMSIC_IDS)
		return;
	pthread_mutex_lock(&f->lock);
	f->pending[id / 64] |= BIT(id % 64);
	unlock_and_set(f);
}

/* ---- the hart's side ---- */

/* The word of an array that a register stands for; NULL: it is none, or beyond the numbers. */
static uint64_t *word_of(struct file *f, unsigned reg)
{
	unsigned w = reg % 0x40 / 2;

	if (reg < EIP0 || reg > EIE63 || w >= N_WORDS)
		return NULL;
	return reg < EIE0 ? &f->pending[w] : &f->enabled[w];
}

uint64_t imsic_change(void *arg, unsigned hart, unsigned reg, uint64_t clear, uint64_t set)
{
	struct imsic *s = arg;
	struct file *f = &s->file[hart];
	uint64_t *word = word_of(f, reg);
	uint64_t old = 0, new;

	pthread_mutex_lock(&f->lock);
	if (word)
		old = *word;
	else if (reg == EIDELIVERY)
		old = f->delivery;
	else if (reg == EITHRESHOLD)
		old = f->threshold;
	new = (old & ~clear) | set;
	if (word) /* there is no number 0 */
		*word = word == f->pending || word == f->enabled ? new & ~1ull : new;
	else if (reg == EIDELIVERY && new <= 1)
		f->delivery = new;
	else if (reg == EITHRESHOLD && new <= IMSIC_IDS)
		f->threshold = new;
	unlock_and_set(f);
	return old;
}

uint32_t imsic_top(void *arg, unsigned hart, bool claim)
{
	struct imsic *s = arg;
	struct file *f = &s->file[hart];
	unsigned id;

	pthread_mutex_lock(&f->lock);
	id = first(f);
	if (claim && id)
		f->pending[id / 64] &= ~BIT(id % 64);
	unlock_and_set(f);
	return id << 16 | id;
}

/* ---- the others' side ---- */

static enum bus_result imsic_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	return size == 4 && offset % 4 == 0 ? BUS_OK : BUS_ERROR;
}

static enum bus_result imsic_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct imsic *s = dev;
	const uint32_t id = (uint32_t)value;

	if (size != 4 || offset % 4)
		return BUS_ERROR;
	if (offset % IMSIC_PAGE == SETEIPNUM_LE)
		arrive(s, offset / IMSIC_PAGE, id);
	else if (offset % IMSIC_PAGE == SETEIPNUM_BE)
		arrive(s, offset / IMSIC_PAGE, __builtin_bswap32(id));
	return BUS_OK;
}

static const struct bus_direct_ops imsic_ops = {.read = imsic_read, .write = imsic_write};

static void imsic_send(void *controller, uint64_t addr, uint32_t data)
{
	struct imsic *s = controller;

	if (addr - s->cfg.base < (uint64_t)s->cfg.n_harts * IMSIC_PAGE)
		(void)imsic_write(s, addr - s->cfg.base, 4, data);
}

struct msi_sink imsic_sink(struct imsic *s)
{
	return (struct msi_sink){.send = imsic_send, .controller = s};
}

int imsic_new(const struct imsic_config *cfg, struct imsic **out)
{
	struct bus_range range = {.base = cfg->base,
				  .size = (uint64_t)cfg->n_harts * IMSIC_PAGE,
				  .name = "imsic",
				  .direct = &imsic_ops};
	struct imsic *s;
	int ret;

	if (!cfg->n_harts || cfg->n_harts > IMSIC_MAX_HARTS)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	s->cfg.outputs = NULL;
	for (unsigned i = 0; i < cfg->n_harts; i++) {
		s->file[i].output = cfg->outputs[i];
		pthread_mutex_init(&s->file[i].lock, NULL);
	}
	range.dev = s;
	ret = bus_add(cfg->bus, &range);
	if (ret) {
		s->cfg.bus = NULL;
		imsic_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void imsic_free(struct imsic *s)
{
	if (!s)
		return;
	if (s->cfg.bus)
		(void)bus_remove(s->cfg.bus, s->cfg.base);
	for (unsigned i = 0; i < s->cfg.n_harts; i++)
		pthread_mutex_destroy(&s->file[i].lock);
	free(s);
}
