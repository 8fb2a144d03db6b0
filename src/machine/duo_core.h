/* SPDX-License-Identifier: MIT */
/*
 * What each core of the Duo boards has for itself: a PLIC and a CLINT, at the same addresses for
 * both. On the thread that builds the machine.
 */
#ifndef MACHINE_DUO_CORE_H
#define MACHINE_DUO_CORE_H

struct aclint;
struct bus;
struct cpu;
struct plic;
struct trace;

struct duo_core {
	struct cpu *cpu;
	struct plic *plic;
	struct aclint *clint;
};

/* `bus` is the core's; n_irqs: sources of its PLIC, whose contexts are M mode and S mode; trace: or
 * NULL. 0 or -errno; duo_core_fini() is due in any case. */
int duo_core_init(struct duo_core *c, struct bus *bus, struct cpu *cpu, unsigned n_irqs,
		  struct trace *trace);
/* Also of a zeroed one. */
void duo_core_fini(struct duo_core *c);

#endif
