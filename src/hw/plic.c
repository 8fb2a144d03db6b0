/* SPDX-License-Identifier: MIT */
/*
 * A gateway for each source: a high level makes it pending, once; a claim takes the pending bit and
 * closes the gateway until completion, when the level is looked at again. A source that goes low
 * before it is claimed stays pending, as the specification says. A gateway of edges has no level:
 * its pulses take no time, since a vCPU that makes one may be stopped by the host in the middle.
 *
 * One leaf lock guards everything. The outputs are computed under it and set outside of it, each
 * following its own atomic, so that nothing is called while the lock is held. A source whose level
 * does not change takes no lock.
 */
#include "hw/plic.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/trace.h"
#include "bus/bus.h"

#define PENDING       0x1000u
#define ENABLE        0x2000u
#define ENABLE_STEP   0x80u
#define CONTEXT       0x200000u
#define CONTEXT_STEP  0x1000u
#define THRESHOLD     0u
#define CLAIM         4u
#define PRIORITY_MASK 7u

#define N_WORDS ((PLIC_MAX_SOURCES + 32) / 32)

struct context {
	struct irq output;
	atomic_bool level; /* of the output */
	uint32_t enable[N_WORDS];
	uint32_t threshold;
};

struct plic {
	struct plic_config cfg;
	_Atomic uint32_t level[N_WORDS]; /* written under the lock */
	pthread_mutex_t lock;            /* for all below */
	uint32_t pending[N_WORDS];
	uint32_t claimed[N_WORDS]; /* gateways that are closed */
	uint8_t priority[PLIC_MAX_SOURCES + 1];
	struct context ctx[];
};

static uint32_t bit(unsigned source)
{
	return 1u << source % 32;
}

/* The source that ctx would claim: the highest priority above `above`, then the lowest number; 0:
 * none. */
static unsigned best(const struct plic *p, const struct context *ctx, uint32_t above)
{
	unsigned found = 0;

	for (unsigned w = 0; w < N_WORDS; w++) {
		uint32_t bits = p->pending[w] & ctx->enable[w];

		for (; bits; bits &= bits - 1) {
			unsigned source = w * 32 + (unsigned)__builtin_ctz(bits);

			if (p->priority[source] > above) {
				above = p->priority[source];
				found = source;
			}
		}
	}
	return found;
}

/* Under the lock: new levels for the outputs. Returns the set of contexts whose level changed. */
static uint64_t update(struct plic *p)
{
	uint64_t changed = 0;

	for (unsigned c = 0; c < p->cfg.n_contexts; c++) {
		bool level = best(p, &p->ctx[c], p->ctx[c].threshold) != 0;

		if (atomic_exchange(&p->ctx[c].level, level) != level)
			changed |= BIT(c);
	}
	return changed;
}

static void set_outputs(struct plic *p, uint64_t changed)
{
	for (; changed; changed &= changed - 1) {
		struct context *ctx = &p->ctx[__builtin_ctzll(changed)];

		irq_follow(ctx->output, &ctx->level);
	}
}

static void unlock_and_set(struct plic *p)
{
	uint64_t changed = update(p);

	pthread_mutex_unlock(&p->lock);
	set_outputs(p, changed);
}

static void source_set(void *controller, unsigned source, bool level)
{
	struct plic *p = controller;
	const unsigned w = source / 32;

	if (!!(atomic_load(&p->level[w]) & bit(source)) == level)
		return;
	pthread_mutex_lock(&p->lock);
	if (level) {
		atomic_fetch_or(&p->level[w], bit(source));
		if (!(p->claimed[w] & bit(source)))
			p->pending[w] |= bit(source);
	} else {
		atomic_fetch_and(&p->level[w], ~bit(source));
	}
	unlock_and_set(p);
}

struct irq plic_irq(struct plic *p, unsigned source)
{
	return (struct irq){.set = source_set, .controller = p, .line = source};
}

static void edge_set(void *controller, unsigned source, bool level)
{
	struct plic *p = controller;
	const unsigned w = source / 32;

	if (!level)
		return;
	pthread_mutex_lock(&p->lock);
	if (!(p->claimed[w] & bit(source)))
		p->pending[w] |= bit(source);
	unlock_and_set(p);
}

struct irq plic_edge_irq(struct plic *p, unsigned source)
{
	return (struct irq){.set = edge_set, .controller = p, .line = source};
}

static uint32_t claim(struct plic *p, struct context *ctx)
{
	unsigned source = best(p, ctx, 0); /* whatever the threshold is */

	if (source) {
		p->pending[source / 32] &= ~bit(source);
		p->claimed[source / 32] |= bit(source);
		trace(p->cfg.trace, TRACE_CLAIM, NULL, source, 0);
	}
	return source;
}

static void complete(struct plic *p, struct context *ctx, uint64_t source)
{
	unsigned w = (unsigned)(source / 32);

	if (source > p->cfg.n_sources || !(ctx->enable[w] & p->claimed[w] & bit((unsigned)source)))
		return;
	trace(p->cfg.trace, TRACE_COMPLETE, NULL, source, 0);
	p->claimed[w] &= ~bit((unsigned)source);
	p->pending[w] |= atomic_load(&p->level[w]) & bit((unsigned)source);
}

/* The word of sources at `offset` into a bit array, or N_WORDS. */
static unsigned word_at(uint64_t offset)
{
	return (unsigned)min_u64(offset / 4, N_WORDS);
}

/* Bits of the sources that exist, in word w. */
static uint32_t existing(const struct plic *p, unsigned w)
{
	uint32_t mask = w ? ~0u : ~1u;

	if (p->cfg.n_sources < w * 32)
		return 0;
	if (p->cfg.n_sources < w * 32 + 31)
		mask &= (2u << p->cfg.n_sources % 32) - 1;
	return mask;
}

/* The context whose registers, `step` bytes each from `start`, hold offset; NULL: none. */
static struct context *find_context(struct plic *p, uint64_t *offset, uint64_t start, uint64_t step)
{
	uint64_t c = (*offset - start) / step;

	if (*offset < start || c >= p->cfg.n_contexts)
		return NULL;
	*offset = (*offset - start) % step;
	return &p->ctx[c];
}

static uint32_t read_context(struct plic *p, struct context *ctx, uint64_t offset)
{
	switch (offset) {
	case THRESHOLD: return ctx->threshold;
	case CLAIM: return claim(p, ctx);
	default: return 0;
	}
}

static enum bus_result plic_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct plic *p = dev;
	struct context *ctx;

	if (size != 4 || offset & 3)
		return BUS_ERROR;
	pthread_mutex_lock(&p->lock);
	if (offset < PENDING) {
		if (offset / 4 <= p->cfg.n_sources)
			*value = p->priority[offset / 4];
	} else if (offset < ENABLE) {
		if (word_at(offset - PENDING) < N_WORDS)
			*value = p->pending[word_at(offset - PENDING)];
	} else if (offset >= CONTEXT) {
		ctx = find_context(p, &offset, CONTEXT, CONTEXT_STEP);
		if (ctx)
			*value = read_context(p, ctx, offset);
	} else {
		ctx = find_context(p, &offset, ENABLE, ENABLE_STEP);
		if (ctx && word_at(offset) < N_WORDS)
			*value = ctx->enable[word_at(offset)];
	}
	unlock_and_set(p);
	return BUS_OK;
}

static enum bus_result plic_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct plic *p = dev;
	struct context *ctx;

	if (size != 4 || offset & 3)
		return BUS_ERROR;
	pthread_mutex_lock(&p->lock);
	if (offset < PENDING) {
		if (offset && offset / 4 <= p->cfg.n_sources)
			p->priority[offset / 4] = value & PRIORITY_MASK;
	} else if (offset >= CONTEXT) {
		ctx = find_context(p, &offset, CONTEXT, CONTEXT_STEP);
		if (ctx && offset == THRESHOLD)
			ctx->threshold = value & PRIORITY_MASK;
		else if (ctx && offset == CLAIM)
			complete(p, ctx, value);
	} else if (offset >= ENABLE) {
		ctx = find_context(p, &offset, ENABLE, ENABLE_STEP);
		if (ctx && word_at(offset) < N_WORDS)
			ctx->enable[word_at(offset)] = (uint32_t)value &
						       existing(p, word_at(offset));
	}
	unlock_and_set(p);
	return BUS_OK;
}

static const struct bus_direct_ops plic_ops = {.read = plic_read, .write = plic_write};

int plic_new(const struct plic_config *cfg, struct plic **out)
{
	struct bus_range range = {
		.base = cfg->base, .size = cfg->size, .name = "plic", .direct = &plic_ops};
	struct plic *p;
	int err;

	if (cfg->n_sources > PLIC_MAX_SOURCES || cfg->n_contexts > PLIC_MAX_CONTEXTS ||
	    cfg->size < CONTEXT + (uint64_t)cfg->n_contexts * CONTEXT_STEP)
		return -EINVAL;
	p = calloc(1, sizeof(*p) + cfg->n_contexts * sizeof(p->ctx[0]));
	if (!p)
		return -ENOMEM;
	p->cfg = *cfg;
	pthread_mutex_init(&p->lock, NULL);
	for (unsigned c = 0; c < cfg->n_contexts; c++)
		p->ctx[c].output = cfg->outputs[c];
	range.dev = p;
	err = bus_add(cfg->bus, &range);
	if (err) {
		pthread_mutex_destroy(&p->lock);
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

void plic_reset(struct plic *p)
{
	pthread_mutex_lock(&p->lock);
	memset(p->claimed, 0, sizeof(p->claimed));
	memset(p->priority, 0, sizeof(p->priority));
	for (unsigned w = 0; w < N_WORDS; w++)
		p->pending[w] = atomic_load(&p->level[w]);
	for (unsigned c = 0; c < p->cfg.n_contexts; c++) {
		memset(p->ctx[c].enable, 0, sizeof(p->ctx[c].enable));
		p->ctx[c].threshold = 0;
	}
	unlock_and_set(p);
}

struct plic_source plic_look(struct plic *p, unsigned source)
{
	const unsigned w = source / 32;
	struct plic_source s = {0};

	pthread_mutex_lock(&p->lock);
	s.priority = p->priority[source];
	s.pending = p->pending[w] & bit(source);
	s.claimed = p->claimed[w] & bit(source);
	for (unsigned c = 0; c < p->cfg.n_contexts && !s.enabled; c++) {
		s.enabled = p->ctx[c].enable[w] & bit(source);
		s.threshold = p->ctx[c].threshold;
	}
	pthread_mutex_unlock(&p->lock);
	return s;
}

void plic_free(struct plic *p)
{
	if (!p)
		return;
	(void)bus_remove(p->cfg.bus, p->cfg.base);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
