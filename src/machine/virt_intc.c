/* SPDX-License-Identifier: MIT */
/*
 * PLIC contexts are numbered as on QEMU's board: 2n is hart n in M mode, 2n + 1 in S mode. With AIA
 * there is nothing for M mode: the APLIC has one domain, and a hart one file.
 */
#include "machine/virt_intc.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/aplic.h"
#include "hw/imsic.h"
#include "hw/plic.h"
#include "machine/board.h"
#include "machine/virt_map.h"

struct virt_intc {
	struct plic *plic; /* or */
	struct aplic *aplic;
	struct imsic *imsic;
};

/* The "line" of the wire packs hart and mip bit. */
static void hart_line_set(void *controller, unsigned line, bool level)
{
	struct machine *m = controller;

	m->cfg.engine->set_irq(m->vm->cpu[line / 16], line % 16, level);
}

struct irq virt_hart_line(struct machine *m, unsigned hart, enum cpu_irq irq)
{
	return (struct irq){.set = hart_line_set, .controller = m, .line = hart * 16 + irq};
}

static int add_plic(struct machine *m, struct virt_intc *c)
{
	struct irq external[2 * CPU_MAX_HARTS];
	const struct plic_config cfg = {.bus = m->bus,
					.base = VIRT_PLIC_BASE,
					.size = VIRT_PLIC_SIZE,
					.n_sources = VIRT_N_IRQS,
					.n_contexts = 2 * m->cfg.smp,
					.outputs = external};
	unsigned n = 0;

	for (unsigned hart = 0; hart < m->cfg.smp; hart++) {
		external[n++] = virt_hart_line(m, hart, CPU_IRQ_MEI);
		external[n++] = virt_hart_line(m, hart, CPU_IRQ_SEI);
	}
	return plic_new(&cfg, &c->plic);
}

static int add_aia(struct machine *m, struct virt_intc *c)
{
	struct irq external[CPU_MAX_HARTS];
	const struct imsic_config imsic = {
		.bus = m->bus, .base = VIRT_IMSIC_BASE, .n_harts = m->cfg.smp, .outputs = external};
	struct aplic_config aplic = {.bus = m->bus,
				     .base = VIRT_APLIC_BASE,
				     .n_sources = VIRT_N_IRQS,
				     .n_harts = m->cfg.smp,
				     .files = VIRT_IMSIC_BASE};
	int ret;

	for (unsigned hart = 0; hart < m->cfg.smp; hart++)
		external[hart] = virt_hart_line(m, hart, CPU_IRQ_SEI);
	ret = imsic_new(&imsic, &c->imsic);
	if (ret)
		return ret;
	m->imsic = c->imsic;
	aplic.sink = imsic_sink(c->imsic);
	return aplic_new(&aplic, &c->aplic);
}

int virt_intc_new(struct machine *m, struct virt_intc **out)
{
	struct virt_intc *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	ret = m->cfg.aia ? add_aia(m, c) : add_plic(m, c);
	if (ret)
		virt_intc_free(c);
	else
		*out = c;
	return ret;
}

void virt_intc_free(struct virt_intc *c)
{
	if (!c)
		return;
	aplic_free(c->aplic);
	imsic_free(c->imsic);
	plic_free(c->plic);
	free(c);
}

struct irq virt_intc_irq(struct virt_intc *c, unsigned source)
{
	return c->plic ? plic_irq(c->plic, source) : aplic_irq(c->aplic, source);
}

/* An APLIC's source is what the guest makes of it. */
struct irq virt_intc_edge(struct virt_intc *c, unsigned source)
{
	return c->plic ? plic_edge_irq(c->plic, source) : aplic_irq(c->aplic, source);
}

struct msi_sink virt_intc_msi(struct virt_intc *c)
{
	return c->imsic ? imsic_sink(c->imsic) : (struct msi_sink){0};
}
