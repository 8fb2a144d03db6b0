/* SPDX-License-Identifier: MIT */
/*
 * An interrupt wire, passed by value. Its holder does not know what is at the other end.
 *
 * irq_set() may be called from any thread, with any frequency, with the same level again. A zeroed
 * wire is connected to nothing.
 */
#ifndef BUS_IRQ_H
#define BUS_IRQ_H

#include <stdatomic.h>
#include <stdbool.h>

struct irq {
	void (*set)(void *controller, unsigned line, bool level);
	void *controller;
	unsigned line;
};

static inline void irq_set(struct irq irq, bool level)
{
	if (irq.set)
		irq.set(irq.controller, irq.line, level);
}

/* For a device whose level changes under several threads: each stores the new level in *level
 * (under its lock, if it has one), and then, outside of the lock, calls this. Whoever comes last,
 * the wire ends as *level says. */
static inline void irq_follow(struct irq irq, const atomic_bool *level)
{
	bool now;

	do {
		now = atomic_load(level);
		irq_set(irq, now);
	} while (atomic_load(level) != now);
}

/* The same for a wire that is high while any bit of *word is set: for whoever has changed bits. */
static inline void irq_follow_word(struct irq irq, atomic_uint *word)
{
	bool now = atomic_load(word) != 0;
	bool was;

	do {
		irq_set(irq, now);
		was = now;
		/* Ordered after whatever irq_set() did, by an operation that writes. */
		now = atomic_fetch_or(word, 0) != 0;
	} while (was != now);
}

/* Sets and clears bits of such a word. A wire moves only by the one who changes a bit. */
static inline void irq_raise_bits(struct irq irq, atomic_uint *word, unsigned bits)
{
	if (bits & ~atomic_fetch_or(word, bits))
		irq_follow_word(irq, word);
}

static inline void irq_clear_bits(struct irq irq, atomic_uint *word, unsigned bits)
{
	if (bits & atomic_fetch_and(word, ~bits))
		irq_follow_word(irq, word);
}

#endif
