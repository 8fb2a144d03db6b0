/* SPDX-License-Identifier: MIT */
/*
 * Registers are bytes, and an access of several is one of each of them, the lowest first; spinlocks
 * and the channels' memory are wider, and handled apart. One leaf lock guards all; wires move
 * outside of it (irq_follow).
 */
#include "hw/cv_mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/trace.h"
#include "bus/bus.h"

#define EN_END     0x10u
#define INT_BLOCK  0x10u /* 16 bytes for each core */
#define INT_END    (INT_BLOCK + 16 * CV_MAILBOX_CORES)
#define INT_CLR    0x0u
#define INT_MASK   0x4u
#define INT_STATUS 0x8u
#define INT_RAW    0xcu
#define SET        0x60u
#define SPINLOCK   0xc0u
#define N_LOCKS    8u
#define MEMORY     0x400u
#define MEMORY_LEN (8u * CV_MAILBOX_CHANNELS)

struct core {
	uint8_t enabled, done, mask, pending;
	atomic_bool level; /* of its wire; written under the lock */
};

struct cv_mailbox {
	struct cv_mailbox_config cfg;
	pthread_mutex_t lock; /* for all below */
	struct core core[CV_MAILBOX_CORES];
	uint16_t spinlock[N_LOCKS];
	uint8_t memory[MEMORY_LEN];
};

static uint8_t status(const struct core *c)
{
	return c->pending & c->enabled & (uint8_t)~c->mask;
}

/* Unlocks, and moves the wires. */
static void leave(struct cv_mailbox *m)
{
	bool moved[CV_MAILBOX_CORES];

	for (unsigned i = 0; i < CV_MAILBOX_CORES; i++) {
		bool level = status(&m->core[i]) != 0;

		moved[i] = atomic_exchange(&m->core[i].level, level) != level;
		if (moved[i] && m->cfg.name[i])
			trace(m->cfg.trace, TRACE_LINE, m->cfg.name[i], level, 0);
	}
	pthread_mutex_unlock(&m->lock);
	for (unsigned i = 0; i < CV_MAILBOX_CORES; i++)
		if (moved[i])
			irq_follow(m->cfg.irq[i], &m->core[i].level);
}

/* ---- registers of a byte ---- */

static uint8_t read_byte(const struct cv_mailbox *m, uint64_t at)
{
	const struct core *c;

	if (at < EN_END) {
		c = &m->core[at / 4];
		return at % 4 == 0 ? c->enabled : at % 4 == 2 ? c->done : 0;
	}
	if (at >= INT_END)
		return 0;
	c = &m->core[(at - INT_BLOCK) / 16];
	switch (at % 16) {
	case INT_MASK: return c->mask;
	case INT_STATUS: return status(c);
	case INT_RAW: return c->pending;
	default: return 0;
	}
}

static uint64_t message_at(const struct cv_mailbox *m, unsigned channel)
{
	uint64_t data;

	memcpy(&data, m->memory + UINT64_C(8) * channel, 8);
	return data;
}

static void trace_channels(const struct cv_mailbox *m, enum trace_kind kind, unsigned core,
			   uint8_t channels)
{
	for (unsigned i = 0; i < CV_MAILBOX_CHANNELS && m->cfg.trace; i++)
		if (channels >> i & 1 && m->cfg.name[core])
			trace_put(m->cfg.trace, kind, m->cfg.name[core], i, message_at(m, i));
}

static void tell_rang(const struct cv_mailbox *m, unsigned core, uint8_t channels)
{
	for (unsigned i = 0; i < CV_MAILBOX_CHANNELS && m->cfg.rang; i++)
		if (channels >> i & 1)
			m->cfg.rang(m->cfg.rang_arg, core, message_at(m, i));
}

static void ring(struct cv_mailbox *m, uint8_t channels)
{
	uint8_t lost = channels;

	for (unsigned i = 0; i < CV_MAILBOX_CORES; i++) {
		uint8_t heard = channels & m->core[i].enabled;

		m->core[i].pending |= heard;
		lost &= (uint8_t)~heard;
		tell_rang(m, i, heard);
		trace_channels(m, TRACE_MAIL, i, heard);
	}
	tell_rang(m, CV_MAILBOX_CORES, lost);
}

static void write_byte(struct cv_mailbox *m, uint64_t at, uint8_t value)
{
	if (at < EN_END) {
		if (at % 4 == 0)
			m->core[at / 4].enabled = value;
		else if (at % 4 == 2)
			m->core[at / 4].done = value;
	} else if (at < INT_END) {
		struct core *c = &m->core[(at - INT_BLOCK) / 16];

		if (at % 16 == INT_CLR) {
			trace_channels(m, TRACE_TAKEN, (unsigned)(c - m->core), c->pending & value);
			c->pending &= (uint8_t)~value;
		} else if (at % 16 == INT_MASK) {
			c->mask = value;
		}
	} else if (at == SET) {
		ring(m, value);
	}
}

/* ---- the wider ones ---- */

static uint16_t *spinlock_at(struct cv_mailbox *m, uint64_t offset)
{
	uint64_t i = (offset - SPINLOCK) / 4;

	return offset >= SPINLOCK && i < N_LOCKS && offset % 4 == 0 ? &m->spinlock[i] : NULL;
}

static void write_spinlock(uint16_t *lock, uint16_t value)
{
	if (!*lock)
		*lock = value;
	else if (*lock == value)
		*lock = 0;
}

static bool in_memory(uint64_t offset)
{
	return offset >= MEMORY && offset < MEMORY + MEMORY_LEN;
}

static enum bus_result mailbox_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct cv_mailbox *m = dev;
	const uint16_t *lock;

	if (offset & (size - 1))
		return BUS_ERROR;
	pthread_mutex_lock(&m->lock);
	if (in_memory(offset)) {
		memcpy(value, m->memory + (offset - MEMORY), size);
	} else if ((lock = spinlock_at(m, offset))) {
		*value = size == 1 ? *lock & 0xff : *lock;
	} else {
		for (unsigned i = 0; i < size; i++)
			*value |= (uint64_t)read_byte(m, offset + i) << 8 * i;
	}
	pthread_mutex_unlock(&m->lock);
	return BUS_OK;
}

static enum bus_result mailbox_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct cv_mailbox *m = dev;
	uint16_t *lock;

	if (offset & (size - 1))
		return BUS_ERROR;
	pthread_mutex_lock(&m->lock);
	if (in_memory(offset)) {
		if (size >= 4)
			memcpy(m->memory + (offset - MEMORY), &value, size);
	} else if ((lock = spinlock_at(m, offset))) {
		if (size >= 2)
			write_spinlock(lock, (uint16_t)value);
	} else {
		for (unsigned i = 0; i < size; i++)
			write_byte(m, offset + i, (uint8_t)(value >> 8 * i));
	}
	leave(m);
	return BUS_OK;
}

static const struct bus_direct_ops mailbox_ops = {.read = mailbox_read, .write = mailbox_write};

int cv_mailbox_new(const struct cv_mailbox_config *cfg, struct cv_mailbox **out)
{
	struct bus_range range = {.base = cfg->base,
				  .size = CV_MAILBOX_SIZE,
				  .name = "mailbox",
				  .direct = &mailbox_ops};
	struct cv_mailbox *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return -ENOMEM;
	m->cfg = *cfg;
	pthread_mutex_init(&m->lock, NULL);
	range.dev = m;
	ret = bus_add(cfg->bus, &range);
	if (ret) {
		pthread_mutex_destroy(&m->lock);
		free(m);
		return ret;
	}
	*out = m;
	return 0;
}

void cv_mailbox_reset(struct cv_mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < CV_MAILBOX_CORES; i++) {
		struct core *c = &m->core[i];

		c->enabled = c->done = c->mask = c->pending = 0;
	}
	memset(m->spinlock, 0, sizeof(m->spinlock));
	memset(m->memory, 0, sizeof(m->memory));
	leave(m);
}

struct cv_mailbox_state cv_mailbox_look(struct cv_mailbox *m, unsigned core)
{
	const struct core *c = &m->core[core];
	struct cv_mailbox_state state;

	pthread_mutex_lock(&m->lock);
	state = (struct cv_mailbox_state){c->enabled, c->mask, c->pending};
	pthread_mutex_unlock(&m->lock);
	return state;
}

void cv_mailbox_free(struct cv_mailbox *m)
{
	if (!m)
		return;
	(void)bus_remove(m->cfg.bus, m->cfg.base);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
