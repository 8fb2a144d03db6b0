/* SPDX-License-Identifier: MIT */
/*
 * One leaf lock guards all registers. Whatever changes STATUS, ENABLE or STUCK computes under it
 * what the level wire and the messages have to do (settle), and does it outside (release): the wire
 * follows an atomic, so that it ends as the last change says whoever is last, and messages are a
 * set of bits that belongs to whoever has taken it.
 *
 * What happens later (the end of a transfer, a tick) is a timer of the loop, and the registers that
 * start or stop such things are POSTED, so a driver that has reset the device knows that nothing
 * is under way. Memory is read and written at the end of a transfer, all at once, and without the
 * lock.
 */
#include "hw/irqlab.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/loop.h"
#include "mem/gmem.h"

#define BIT32(n) (1u << (n))
#define ALL      (BIT32(IRQLAB_N_CAUSES) - 1)

struct transfer {
	uint64_t src, dst;
	uint32_t len, command;
};

struct irqlab {
	struct irqlab_config cfg;
	struct loop_timer tick, end;
	struct transfer transfer; /* under way; loop */
	uint64_t period;          /* of the running timer; loop */
	uint64_t next_tick;       /* loop */
	atomic_bool level;        /* of the wire; written under the lock */

	pthread_mutex_t lock; /* for all below */
	uint32_t status, enable, pulses, storm, raises;
	bool stuck;
	uint32_t reg_period, repeat, timer;
	uint64_t src, dst;
	uint32_t len, delay, result;
	uint32_t events[IRQLAB_N_CAUSES], overruns[IRQLAB_N_CAUSES];
	uint64_t raised[IRQLAB_N_CAUSES];
};

/* ---- wires and messages ---- */

static uint64_t now(const struct irqlab *d)
{
	return d->cfg.now(d->cfg.now_arg);
}

static void lock(struct irqlab *d)
{
	pthread_mutex_lock(&d->lock);
}

/* After a change, under the lock; active is what STATUS & ENABLE was before it. Gives the wire its
 * new level and unlocks; then moves the wire, and sends a message for each bit that is set now and
 * was not, or is in `anew`. */
static void release(struct irqlab *d, uint32_t active, uint32_t anew)
{
	uint32_t is_active = d->status & d->enable;
	uint32_t fresh = is_active & (~active | anew);
	bool level = is_active || d->stuck;

	if (level && !atomic_load(&d->level))
		d->raises++;
	atomic_store(&d->level, level);
	pthread_mutex_unlock(&d->lock);
	irq_follow(d->cfg.level, &d->level);
	for (; fresh && d->cfg.message; fresh &= fresh - 1)
		d->cfg.message(d->cfg.arg, (unsigned)__builtin_ctz(fresh));
}

/* Under the lock: a cause happens. */
static void happen(struct irqlab *d, enum irqlab_cause cause)
{
	d->events[cause]++;
	if (d->status & BIT32(cause)) {
		d->overruns[cause]++;
		return;
	}
	d->status |= BIT32(cause);
	d->raised[cause] = now(d);
}

static void raise_cause(struct irqlab *d, enum irqlab_cause cause)
{
	uint32_t active;

	lock(d);
	active = d->status & d->enable;
	happen(d, cause);
	release(d, active, 0);
}

/* A storm is back as soon as it is acknowledged. */
static void acknowledge(struct irqlab *d, uint32_t bits)
{
	uint32_t active, anew = 0;

	lock(d);
	active = d->status & d->enable;
	d->status &= ~bits;
	if (bits & BIT32(IRQLAB_STORMING) && d->storm) {
		d->storm--;
		happen(d, IRQLAB_STORMING);
		anew = BIT32(IRQLAB_STORMING);
	}
	release(d, active, anew);
}

static void begin_storm(struct irqlab *d, uint32_t n)
{
	uint32_t active;

	lock(d);
	active = d->status & d->enable;
	d->storm = n;
	if (n) {
		d->storm--;
		happen(d, IRQLAB_STORMING);
	}
	release(d, active, 0);
}

static void pulse(struct irqlab *d, uint32_t n)
{
	n = (uint32_t)min_u64(n, IRQLAB_PULSE_MAX);
	lock(d);
	d->pulses += n;
	pthread_mutex_unlock(&d->lock);
	for (uint32_t i = 0; i < n; i++) {
		irq_set(d->cfg.edge, true);
		irq_set(d->cfg.edge, false);
		if (d->cfg.message)
			d->cfg.message(d->cfg.arg, IRQLAB_EDGE);
	}
}

/* ---- the timer ---- */

static uint64_t at_least(uint64_t ns)
{
	return ns < IRQLAB_NS_MIN ? IRQLAB_NS_MIN : ns;
}

/* The next tick is a period after the last one was due, unless that has passed as well. */
static void arm_tick(struct irqlab *d)
{
	uint64_t t = loop_now(d->cfg.loop);

	d->next_tick += d->period;
	if (d->next_tick < t)
		d->next_tick = t + d->period;
	loop_timer_arm(d->cfg.loop, &d->tick, d->next_tick);
}

static void ticked(struct loop_timer *timer)
{
	struct irqlab *d = timer->arg;
	bool edge, on;

	lock(d);
	edge = d->timer & IRQLAB_TIMER_EDGE;
	on = d->repeat != 1; /* this was the last one */
	if (d->repeat)
		d->repeat--;
	if (!on)
		d->timer &= ~IRQLAB_TIMER_RUN;
	pthread_mutex_unlock(&d->lock);
	if (on)
		arm_tick(d);
	if (edge)
		pulse(d, 1);
	else
		raise_cause(d, IRQLAB_TICK);
}

static void set_timer(struct irqlab *d, uint32_t value)
{
	lock(d);
	d->timer = value & (IRQLAB_TIMER_RUN | IRQLAB_TIMER_EDGE);
	d->period = at_least(d->reg_period);
	pthread_mutex_unlock(&d->lock);
	loop_timer_cancel(&d->tick);
	d->next_tick = loop_now(d->cfg.loop);
	if (value & IRQLAB_TIMER_RUN)
		arm_tick(d);
}

/* ---- DMA ---- */

static enum irqlab_result carry_out(const struct irqlab *d, const struct transfer *t)
{
	const void *src = NULL;
	void *dst;

	if (t->command != IRQLAB_DMA_COPY && t->command != IRQLAB_DMA_FILL)
		return IRQLAB_RESULT_COMMAND;
	if (!t->len || t->len > IRQLAB_DMA_MAX)
		return IRQLAB_RESULT_LENGTH;
	if (d->cfg.master && !d->cfg.master(d->cfg.arg))
		return IRQLAB_RESULT_MASTER;
	dst = gmem_map(d->cfg.mem, t->dst, t->len);
	if (t->command == IRQLAB_DMA_COPY)
		src = gmem_map(d->cfg.mem, t->src, t->len);
	if (!dst || (t->command == IRQLAB_DMA_COPY && !src))
		return IRQLAB_RESULT_ADDRESS;
	if (src)
		memmove(dst, src, t->len);
	else
		memset(dst, (int)(t->src & 0xff), t->len);
	gmem_note_write(d->cfg.mem, t->dst, t->len);
	return IRQLAB_RESULT_OK;
}

static void transferred(struct loop_timer *timer)
{
	struct irqlab *d = timer->arg;
	enum irqlab_result result = carry_out(d, &d->transfer);
	uint32_t active;

	lock(d);
	active = d->status & d->enable;
	d->result = result;
	happen(d, IRQLAB_DONE);
	release(d, active, 0);
}

static void begin_transfer(struct irqlab *d, uint32_t command)
{
	bool busy;
	uint64_t delay;

	lock(d);
	busy = d->result == IRQLAB_RESULT_BUSY;
	if (!busy) {
		d->result = IRQLAB_RESULT_BUSY;
		d->transfer = (struct transfer){
			.src = d->src, .dst = d->dst, .len = d->len, .command = command};
	}
	delay = d->delay;
	pthread_mutex_unlock(&d->lock);
	if (!busy)
		loop_timer_arm(d->cfg.loop, &d->end, loop_now(d->cfg.loop) + delay);
}

static void reset(struct irqlab *d)
{
	loop_timer_cancel(&d->tick);
	loop_timer_cancel(&d->end);
	lock(d);
	d->status = d->enable = d->pulses = d->storm = d->raises = 0;
	d->stuck = false;
	d->reg_period = d->repeat = d->timer = 0;
	d->src = d->dst = 0;
	d->len = d->delay = d->result = 0;
	memset(d->events, 0, sizeof(d->events));
	memset(d->overruns, 0, sizeof(d->overruns));
	memset(d->raised, 0, sizeof(d->raised));
	release(d, 0, 0);
}

/* ---- registers ---- */

/* What holds a register that is read as it stands; NULL: there is none there. */
static const uint32_t *word_at(const struct irqlab *d, uint64_t offset)
{
	switch (offset) {
	case IRQLAB_REG_INDEX: return &d->cfg.index;
	case IRQLAB_REG_STATUS: return &d->status;
	case IRQLAB_REG_ENABLE: return &d->enable;
	case IRQLAB_REG_PULSES: return &d->pulses;
	case IRQLAB_REG_STORM: return &d->storm;
	case IRQLAB_REG_PERIOD: return &d->reg_period;
	case IRQLAB_REG_REPEAT: return &d->repeat;
	case IRQLAB_REG_TIMER: return &d->timer;
	case IRQLAB_REG_RAISES: return &d->raises;
	case IRQLAB_REG_LEN: return &d->len;
	case IRQLAB_REG_DELAY: return &d->delay;
	case IRQLAB_REG_RESULT: return &d->result;
	default: break;
	}
	if (offset - IRQLAB_REG_EVENTS < sizeof(d->events))
		return &d->events[(offset - IRQLAB_REG_EVENTS) / 4];
	if (offset - IRQLAB_REG_OVERRUNS < sizeof(d->overruns))
		return &d->overruns[(offset - IRQLAB_REG_OVERRUNS) / 4];
	return NULL;
}

/* Of a register of 64 bits; `offset` is a multiple of 8. False: there is none there. */
static bool wide_read(const struct irqlab *d, uint64_t offset, uint64_t *value)
{
	if (offset == IRQLAB_REG_NOW)
		*value = now(d);
	else if (offset == IRQLAB_REG_SRC)
		*value = d->src;
	else if (offset == IRQLAB_REG_DST)
		*value = d->dst;
	else if (offset - IRQLAB_REG_RAISED < sizeof(d->raised))
		*value = d->raised[(offset - IRQLAB_REG_RAISED) / 8];
	else
		return false;
	return true;
}

static uint32_t word_read(const struct irqlab *d, uint64_t offset)
{
	const uint32_t *word = word_at(d, offset);
	uint64_t wide;

	if (word)
		return *word;
	if (wide_read(d, offset & ~7ull, &wide))
		return (uint32_t)(wide >> 8 * (offset & 4));
	switch (offset) {
	case IRQLAB_REG_MAGIC: return IRQLAB_MAGIC;
	case IRQLAB_REG_VERSION: return IRQLAB_VERSION;
	case IRQLAB_REG_STUCK: return d->stuck;
	default: return 0;
	}
}

static bool is_wide(uint64_t offset)
{
	return offset == IRQLAB_REG_NOW || offset == IRQLAB_REG_SRC || offset == IRQLAB_REG_DST ||
	       offset - IRQLAB_REG_RAISED < IRQLAB_N_CAUSES * sizeof(uint64_t);
}

static bool is_access(uint64_t offset, unsigned size)
{
	return offset % size == 0 && (size == 4 || (size == 8 && is_wide(offset)));
}

static enum bus_result irqlab_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct irqlab *d = dev;

	if (!is_access(offset, size))
		return BUS_ERROR;
	lock(d);
	if (size == 4)
		*value = word_read(d, offset);
	else
		(void)wide_read(d, offset, value);
	pthread_mutex_unlock(&d->lock);
	return BUS_OK;
}

/* Parameters: nothing happens when they are written. */
static void store(struct irqlab *d, uint64_t offset, unsigned size, uint64_t value)
{
	uint64_t *wide = (offset & ~7ull) == IRQLAB_REG_SRC   ? &d->src
			 : (offset & ~7ull) == IRQLAB_REG_DST ? &d->dst
							      : NULL;
	const unsigned shift = 8 * (offset & 4);

	lock(d);
	if (wide && size == 8)
		*wide = value;
	else if (wide)
		*wide = (*wide & ~((uint64_t)UINT32_MAX << shift)) | value << shift;
	else if (offset == IRQLAB_REG_PERIOD)
		d->reg_period = (uint32_t)value;
	else if (offset == IRQLAB_REG_REPEAT)
		d->repeat = (uint32_t)value;
	else if (offset == IRQLAB_REG_LEN)
		d->len = (uint32_t)value;
	else if (offset == IRQLAB_REG_DELAY)
		d->delay = (uint32_t)value;
	pthread_mutex_unlock(&d->lock);
}

static void set_gate(struct irqlab *d, uint64_t offset, uint32_t value)
{
	uint32_t active;

	lock(d);
	active = d->status & d->enable;
	if (offset == IRQLAB_REG_ENABLE)
		d->enable = value & ALL;
	else
		d->stuck = value & 1;
	release(d, active, 0);
}

static enum bus_result irqlab_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct irqlab *d = dev;
	const uint32_t v = (uint32_t)value;

	if (!is_access(offset, size))
		return BUS_ERROR;
	switch (offset) {
	case IRQLAB_REG_CONTROL:
	case IRQLAB_REG_TIMER:
	case IRQLAB_REG_DMA: return BUS_POST;
	case IRQLAB_REG_ENABLE:
	case IRQLAB_REG_STUCK: set_gate(d, offset, v); break;
	case IRQLAB_REG_ACK: acknowledge(d, v); break;
	case IRQLAB_REG_TRIGGER: raise_cause(d, IRQLAB_SOFT); break;
	case IRQLAB_REG_PULSE: pulse(d, v); break;
	case IRQLAB_REG_STORM: begin_storm(d, v); break;
	default: store(d, offset, size, value); break;
	}
	return BUS_OK;
}

/* What the direct handlers leave to the loop. */
static enum bus_result irqlab_access(void *dev, struct bus_access *a)
{
	struct irqlab *d = dev;

	if (a->offset == IRQLAB_REG_CONTROL && a->value & 1)
		reset(d);
	else if (a->offset == IRQLAB_REG_TIMER)
		set_timer(d, (uint32_t)a->value);
	else if (a->offset == IRQLAB_REG_DMA)
		begin_transfer(d, (uint32_t)a->value);
	return BUS_OK;
}

const struct bus_direct_ops irqlab_direct_ops = {.read = irqlab_read, .write = irqlab_write};
const struct bus_posted_ops irqlab_posted_ops = {.access = irqlab_access};

/* ---- the device ---- */

int irqlab_new(const struct irqlab_config *cfg, struct irqlab **out)
{
	struct irqlab *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->cfg = *cfg;
	pthread_mutex_init(&d->lock, NULL);
	d->tick = (struct loop_timer){.fn = ticked, .arg = d};
	d->end = (struct loop_timer){.fn = transferred, .arg = d};
	*out = d;
	return 0;
}

void irqlab_free(struct irqlab *d)
{
	if (!d)
		return;
	loop_timer_cancel(&d->tick);
	loop_timer_cancel(&d->end);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
