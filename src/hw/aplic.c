/* SPDX-License-Identifier: MIT */
/*
 * What a source makes of its wire is its mode: the wire's level, perhaps inverted, is its input
 * ("rectified"), a rise of which makes it pending. A source that is pending, enabled, and in a
 * domain that is switched on, sends its message and is not pending any more. A level that stays
 * high after that says nothing: the driver asks by setipnum when it is done, and the source is
 * pending again if its input still is (4.9.2).
 *
 * One leaf lock guards all. What is to be sent is taken out under it one by one and sent outside.
 */
#include "hw/aplic.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/bits.h"
#include "bus/bus.h"

enum {
	DOMAINCFG = 0x0000,
	SOURCECFG = 0x0004,
	SETIP = 0x1c00,
	SETIPNUM = 0x1cdc,
	IN_CLRIP = 0x1d00,
	CLRIPNUM = 0x1ddc,
	SETIE = 0x1e00,
	SETIENUM = 0x1edc,
	CLRIE = 0x1f00,
	CLRIENUM = 0x1fdc,
	SETIPNUM_LE = 0x2000,
	SETIPNUM_BE = 0x2004,
	GENMSI = 0x3000,
	TARGET = 0x3004,
};

#define ARRAY_MASK      0x7fu /* of the offset in setip, in_clrip, setie, clrie */
#define DOMAINCFG_FIXED 0x80000004u
#define DOMAINCFG_IE    0x100u
#define SOURCECFG_MODE  7u
#define SOURCECFG_D     0x400u
#define TARGET_EIID     0x7ffu
#define TARGET_HART(v)  ((v) >> 18)
#define TARGET_MASK     0xfffc07ffu /* there are no guests */
#define N_WORDS         ((APLIC_MAX_SOURCES + 32) / 32)

enum mode { INACTIVE, DETACHED, EDGE_RISE = 4, EDGE_FALL, LEVEL_HIGH, LEVEL_LOW };

struct aplic {
	struct aplic_config cfg;
	pthread_mutex_t lock; /* for all below */
	bool on;
	uint8_t mode[APLIC_MAX_SOURCES + 1];
	uint32_t target[APLIC_MAX_SOURCES + 1];
	uint32_t wire[N_WORDS], input[N_WORDS], pending[N_WORDS], enabled[N_WORDS];
	uint32_t extempore; /* of genmsi, */
	bool has_extempore; /* to be sent */
};

static uint32_t bit(unsigned source)
{
	return 1u << source % 32;
}

/* ---- sending ---- */

static bool take(struct aplic *a, uint32_t *target)
{
	if (a->has_extempore) {
		a->has_extempore = false;
		*target = a->extempore;
		return true;
	}
	for (unsigned w = 0; a->on && w < N_WORDS; w++) {
		uint32_t ready = a->pending[w] & a->enabled[w];

		if (!ready)
			continue;
		a->pending[w] &= ~(ready & -ready);
		*target = a->target[w * 32 + (unsigned)__builtin_ctz(ready)];
		return true;
	}
	return false;
}

/* Unlocks, and sends what there is to be sent. */
static void unlock_and_send(struct aplic *a)
{
	const struct msi_sink sink = a->cfg.sink;
	uint32_t target;
	bool more;

	for (;;) {
		more = take(a, &target);
		pthread_mutex_unlock(&a->lock);
		if (!more)
			return;
		if (TARGET_HART(target) < a->cfg.n_harts)
			sink.send(sink.controller, a->cfg.files + TARGET_HART(target) * 0x1000ull,
				  target & TARGET_EIID);
		pthread_mutex_lock(&a->lock);
	}
}

/* ---- sources; all under the lock ---- */

static bool is_level(const struct aplic *a, unsigned source)
{
	return a->mode[source] >= LEVEL_HIGH;
}

/* The wire or the mode has changed. */
static void update(struct aplic *a, unsigned source)
{
	const uint32_t b = bit(source);
	const unsigned w = source / 32;
	const uint8_t mode = a->mode[source];
	const bool inverted = mode == EDGE_FALL || mode == LEVEL_LOW;
	bool input = mode >= EDGE_RISE && !!(a->wire[w] & b) != inverted;

	if (input && !(a->input[w] & b))
		a->pending[w] |= b;
	if (!input && is_level(a, source))
		a->pending[w] &= ~b;
	a->input[w] = input ? a->input[w] | b : a->input[w] & ~b;
}

static void set_mode(struct aplic *a, unsigned source, uint32_t value)
{
	static const uint8_t known[] = {INACTIVE,  DETACHED,  INACTIVE,   INACTIVE,
					EDGE_RISE, EDGE_FALL, LEVEL_HIGH, LEVEL_LOW};

	/* There are no other domains that a source could be delegated to. */
	a->mode[source] = value & SOURCECFG_D ? INACTIVE : known[value & SOURCECFG_MODE];
	update(a, source);
	if (a->mode[source] == INACTIVE) {
		a->pending[source / 32] &= ~bit(source);
		a->enabled[source / 32] &= ~bit(source);
		a->target[source] = 0;
	}
}

/* Those of `bits` in word w that are sources in use. */
static uint32_t active(const struct aplic *a, unsigned w, uint32_t bits)
{
	for (unsigned i = 0; i < 32; i++) {
		unsigned source = w * 32 + i;

		if (!source || source > a->cfg.n_sources || a->mode[source] == INACTIVE)
			bits &= ~(1u << i);
	}
	return bits;
}

static void set_pending(struct aplic *a, unsigned w, uint32_t bits)
{
	bits = active(a, w, bits);
	for (unsigned i = 0; i < 32; i++)
		if (is_level(a, w * 32 + i))
			bits &= a->input[w] | ~(1u << i);
	a->pending[w] |= bits;
}

/* ---- registers ---- */

static bool is_source(const struct aplic *a, uint64_t source)
{
	return source && source <= a->cfg.n_sources;
}

/* The source whose register lies at `offset`, where that of source 1 is at `first`; 0: none. */
static unsigned source_at(const struct aplic *a, uint64_t offset, uint64_t first)
{
	uint64_t source = (offset - first) / 4 + 1;

	return offset >= first && source <= a->cfg.n_sources ? (unsigned)source : 0;
}

/* The word that a register of an array at `first` stands for; N_WORDS: it is not of that array. */
static unsigned word_of(uint64_t offset, uint64_t first)
{
	return offset - first <= ARRAY_MASK ? (unsigned)min_u64((offset - first) / 4, N_WORDS)
					    : N_WORDS;
}

static void write_number(struct aplic *a, uint64_t offset, uint32_t n)
{
	unsigned w;

	if (offset == SETIPNUM_BE)
		n = __builtin_bswap32(n);
	if (!is_source(a, n))
		return;
	w = n / 32;
	switch (offset) {
	case CLRIPNUM: a->pending[w] &= ~bit(n); break;
	case SETIENUM: a->enabled[w] |= active(a, w, bit(n)); break;
	case CLRIENUM: a->enabled[w] &= ~bit(n); break;
	default: set_pending(a, w, bit(n)); break;
	}
}

static void write_bits(struct aplic *a, uint64_t offset, uint32_t v)
{
	unsigned w;

	if ((w = word_of(offset, SETIP)) < N_WORDS)
		set_pending(a, w, v);
	else if ((w = word_of(offset, IN_CLRIP)) < N_WORDS)
		a->pending[w] &= ~v;
	else if ((w = word_of(offset, SETIE)) < N_WORDS)
		a->enabled[w] |= active(a, w, v);
	else if ((w = word_of(offset, CLRIE)) < N_WORDS)
		a->enabled[w] &= ~v;
}

static void write_word(struct aplic *a, uint64_t offset, uint32_t v)
{
	unsigned source;

	switch (offset) {
	case DOMAINCFG: a->on = v & DOMAINCFG_IE; return;
	case SETIPNUM:
	case CLRIPNUM:
	case SETIENUM:
	case CLRIENUM:
	case SETIPNUM_LE:
	case SETIPNUM_BE: write_number(a, offset, v); return;
	case GENMSI:
		a->extempore = v & TARGET_MASK;
		a->has_extempore = true;
		return;
	default: break;
	}
	source = source_at(a, offset, SOURCECFG);
	if (source) {
		set_mode(a, source, v);
		return;
	}
	source = source_at(a, offset, TARGET);
	if (source)
		a->target[source] = a->mode[source] == INACTIVE ? 0 : v & TARGET_MASK;
	else
		write_bits(a, offset, v);
}

static uint32_t read_word(const struct aplic *a, uint64_t offset)
{
	unsigned w;

	if (offset == DOMAINCFG)
		return DOMAINCFG_FIXED | (a->on ? DOMAINCFG_IE : 0);
	if (offset == GENMSI)
		return a->extempore;
	if (source_at(a, offset, TARGET))
		return a->target[source_at(a, offset, TARGET)];
	if (source_at(a, offset, SOURCECFG))
		return a->mode[source_at(a, offset, SOURCECFG)];
	if ((w = word_of(offset, SETIP)) < N_WORDS)
		return a->pending[w];
	if ((w = word_of(offset, IN_CLRIP)) < N_WORDS)
		return a->input[w];
	if ((w = word_of(offset, SETIE)) < N_WORDS)
		return a->enabled[w];
	return 0;
}

static enum bus_result aplic_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct aplic *a = dev;

	if (size != 4 || offset % 4)
		return BUS_ERROR;
	pthread_mutex_lock(&a->lock);
	*value = read_word(a, offset);
	pthread_mutex_unlock(&a->lock);
	return BUS_OK;
}

static enum bus_result aplic_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct aplic *a = dev;

	if (size != 4 || offset % 4)
		return BUS_ERROR;
	pthread_mutex_lock(&a->lock);
	write_word(a, offset, (uint32_t)value);
	unlock_and_send(a);
	return BUS_OK;
}

static const struct bus_direct_ops aplic_ops = {.read = aplic_read, .write = aplic_write};

/* ---- wires ---- */

static void source_set(void *controller, unsigned source, bool level)
{
	struct aplic *a = controller;
	const unsigned w = source / 32;

	pthread_mutex_lock(&a->lock);
	a->wire[w] = level ? a->wire[w] | bit(source) : a->wire[w] & ~bit(source);
	update(a, source);
	unlock_and_send(a);
}

struct irq aplic_irq(struct aplic *a, unsigned source)
{
	return (struct irq){.set = source_set, .controller = a, .line = source};
}

int aplic_new(const struct aplic_config *cfg, struct aplic **out)
{
	struct bus_range range = {
		.base = cfg->base, .size = APLIC_SIZE, .name = "aplic", .direct = &aplic_ops};
	struct aplic *a;
	int ret;

	if (cfg->n_sources > APLIC_MAX_SOURCES)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	pthread_mutex_init(&a->lock, NULL);
	range.dev = a;
	ret = bus_add(cfg->bus, &range);
	if (ret) {
		pthread_mutex_destroy(&a->lock);
		free(a);
		return ret;
	}
	*out = a;
	return 0;
}

void aplic_free(struct aplic *a)
{
	if (!a)
		return;
	(void)bus_remove(a->cfg.bus, a->cfg.base);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
