/* SPDX-License-Identifier: MIT */
/*
 * The Platform-Level Interrupt Controller, as "sifive,plic-1.0.0": RISC-V PLIC Specification 1.0.0
 * with priorities 0 to 7; a source is of levels or of edges, as the machine wires it.
 *
 * What a context is (a hart's M or S mode), the machine decides by the wires it gives. Sources may
 * be raised from any thread.
 */
#ifndef HW_PLIC_H
#define HW_PLIC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/irq.h"

struct bus;
struct plic;
struct trace;

#define PLIC_MAX_SOURCES  127u
#define PLIC_MAX_CONTEXTS 64u

struct plic_config {
	struct bus *bus;
	uint64_t base;      /* of `size` bytes */
	uint64_t size;      /* at least 0x200000 + 0x1000 for each context */
	unsigned n_sources; /* numbered from 1 */
	unsigned n_contexts;
	const struct irq *outputs; /* n_contexts wires; copied */
	struct trace *trace;       /* is told of claims and completions (base/trace.h); or NULL */
};

/* 0, -EINVAL, -ENOMEM or what bus_add() says. */
int plic_new(const struct plic_config *cfg, struct plic **out);
/* Everything as after plic_new(), but for the levels at the sources. While no vCPU runs. */
void plic_reset(struct plic *p);
/* How a source stands. Any thread. */
struct plic_source {
	bool enabled;                 /* in some context, ... */
	uint32_t priority, threshold; /* ... the first of which has this one */
	bool pending, claimed;
};
struct plic_source plic_look(struct plic *p, unsigned source);
/* No source may be raised any more. NULL is allowed. */
void plic_free(struct plic *p);

/* The wire into source 1 to n_sources. */
struct irq plic_irq(struct plic *p, unsigned source);

/* The same for a source of edges: each rise makes it pending, however long it lasts, but for those
 * between claim and completion, which are lost (1.0.0, chapter 3.2, lets a gateway do so). A source
 * has one of the two wires. */
struct irq plic_edge_irq(struct plic *p, unsigned source);

#endif
