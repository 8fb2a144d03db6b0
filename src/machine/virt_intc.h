/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controllers of the `virt` board: a PLIC, which takes wires, or an APLIC for wires
 * and a hart's IMSIC for messages (--interrupts plic|aia). On the thread that builds the machine.
 */
#ifndef MACHINE_VIRT_INTC_H
#define MACHINE_VIRT_INTC_H

#include "bus/irq.h"
#include "bus/msi.h"
#include "cpu/cpu.h"

struct machine;
struct virt_intc;

/* As cfg.aia says. 0 or -errno. The machine's bus and harts are there; sets m->imsic. */
int virt_intc_new(struct machine *m, struct virt_intc **out);
/* NULL is allowed. */
void virt_intc_free(struct virt_intc *c);

/* The wire into source 1 to VIRT_N_IRQS. */
struct irq virt_intc_irq(struct virt_intc *c, unsigned source);
/* The same for a source of edges. */
struct irq virt_intc_edge(struct virt_intc *c, unsigned source);
/* Where messages go; a zeroed one with a PLIC. */
struct msi_sink virt_intc_msi(struct virt_intc *c);

/* The wire into a hart. */
struct irq virt_hart_line(struct machine *m, unsigned hart, enum cpu_irq irq);

#endif
