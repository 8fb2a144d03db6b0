/* SPDX-License-Identifier: MIT */
/*
 * The machine's time in ticks of its own frequency, from the host's clock or from the instructions
 * that have retired.
 *
 * Counted time makes a run repeatable: an instruction takes CLOCK_NS_PER_INSN, whoever retires it,
 * and when every hart is idle the machine moves the time to the next deadline.
 */
#ifndef MACHINE_CLOCK_H
#define MACHINE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"

#define CLOCK_NS_PER_INSN 10u /* a machine of 100 million instructions a second */

struct clock {
	bool counted;
	unsigned ns_per_tick;
	_Atomic uint64_t host_start; /* ns */
	_Atomic uint64_t
		held_since; /* ns of the host's clock at which the time stands; 0: it runs */
	/* counted: the time before the running hart's turn, and that hart's count at its start. All
	 * of this belongs to the one thread on which harts take turns. */
	uint64_t insns;
	const struct cpu *in_turn;
	uint64_t retired_at_turn;
};

/* hz: ticks in a second, such that one is a multiple of CLOCK_NS_PER_INSN. */
void clock_init(struct clock *c, uint32_t hz, bool counted);

/* Ticks now; any thread with host time, the machine's thread with counted time. */
uint64_t clock_ticks(const struct clock *c);
/* The same in ns, of the form that a loop wants. */
uint64_t clock_loop_ns(void *clock);

/* Counted time: a hart's turn begins and ends; all harts idle until `tick`. */
void clock_turn_begin(struct clock *c, const struct cpu *cpu);
void clock_turn_end(struct clock *c);
void clock_skip_to(struct clock *c, uint64_t tick);

/* Host time: stands still until clock_go_on(). No hart runs in between. The loop's thread; asking
 * twice is the same as asking once. Counted time stands anyway when no hart runs. */
void clock_hold(struct clock *c);
void clock_go_on(struct clock *c);

#endif
