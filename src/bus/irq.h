/* SPDX-License-Identifier: MIT */
/*
 * An interrupt wire, passed by value. Its holder does not know what is at the other end.
 *
 * irq_set() may be called from any thread, with any frequency, with the same level again. A zeroed
 * wire is connected to nothing.
 */
#ifndef BUS_IRQ_H
#define BUS_IRQ_H

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

#endif
