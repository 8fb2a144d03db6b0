/* SPDX-License-Identifier: MIT */
/*
 * Harts that take turns add to one count one after the other, so the time is the same for all of
 * them and never goes back, at the price that with N harts each sees the time run N times as fast
 * as its own instructions.
 */
#include "machine/clock.h"

#include "base/fd.h"

void clock_init(struct clock *c, uint32_t hz, bool counted)
{
	*c = (struct clock){.counted = counted, .ns_per_tick = 1000000000u / hz};
	atomic_init(&c->host_start, host_now_ns());
}

static uint64_t insns_per_tick(const struct clock *c)
{
	return c->ns_per_tick / CLOCK_NS_PER_INSN;
}

static uint64_t insns_now(const struct clock *c)
{
	uint64_t now = c->insns;

	if (c->in_turn)
		now += c->in_turn->vm->engine->retired(c->in_turn) - c->retired_at_turn;
	return now;
}

uint64_t clock_ticks(const struct clock *c)
{
	uint64_t now;

	if (c->counted)
		return insns_now(c) / insns_per_tick(c);
	now = atomic_load_explicit(&c->held_since, memory_order_relaxed);
	if (!now)
		now = host_now_ns();
	return (now - atomic_load_explicit(&c->host_start, memory_order_relaxed)) / c->ns_per_tick;
}

uint64_t clock_loop_ns(void *clock)
{
	const struct clock *c = clock;

	return clock_ticks(c) * c->ns_per_tick;
}

void clock_turn_begin(struct clock *c, const struct cpu *cpu)
{
	c->in_turn = cpu;
	c->retired_at_turn = cpu->vm->engine->retired(cpu);
}

void clock_turn_end(struct clock *c)
{
	c->insns = insns_now(c);
	c->in_turn = NULL;
}

void clock_skip_to(struct clock *c, uint64_t tick)
{
	uint64_t insns;

	if (__builtin_mul_overflow(tick, insns_per_tick(c), &insns))
		insns = UINT64_MAX;
	if (insns > c->insns)
		c->insns = insns;
}

void clock_hold(struct clock *c)
{
	if (!atomic_load_explicit(&c->held_since, memory_order_relaxed))
		atomic_store_explicit(&c->held_since, host_now_ns(), memory_order_relaxed);
}

/* What a hart sees of this is ordered by the lock that it waits under. */
void clock_go_on(struct clock *c)
{
	uint64_t since = atomic_load_explicit(&c->held_since, memory_order_relaxed);

	if (!since)
		return;
	atomic_fetch_add_explicit(&c->host_start, host_now_ns() - since, memory_order_relaxed);
	atomic_store_explicit(&c->held_since, 0, memory_order_relaxed);
}
