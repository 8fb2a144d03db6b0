/* SPDX-License-Identifier: MIT */
/* A PCI function is made after the device that it carries, so the device gets a wire that looks up
 * the function's when it moves. */
#include "hw/irqlab_carrier.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/pci.h"

struct irqlab_carrier {
	struct irqlab *device;
	struct bus *bus; /* NULL: on PCI */
	uint64_t base;
	struct pci_function *f;
};

int irqlab_mmio_new(const struct irqlab_config *cfg, struct bus *bus, uint64_t base,
		    struct irqlab_carrier **out)
{
	struct bus_range range = {.base = base,
				  .size = IRQLAB_SIZE,
				  .name = "irqlab",
				  .direct = &irqlab_direct_ops,
				  .posted = &irqlab_posted_ops,
				  .loop = cfg->loop};
	struct irqlab_carrier *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->base = base;
	ret = irqlab_new(cfg, &c->device);
	if (ret)
		goto fail;
	range.dev = c->device;
	ret = bus_add(bus, &range);
	if (ret)
		goto fail;
	c->bus = bus;
	*out = c;
	return 0;
fail:
	irqlab_carrier_free(c);
	return ret;
}

/* ---- PCI ---- */

static void intx_set(void *controller, unsigned line, bool level)
{
	struct irqlab_carrier *c = controller;

	irq_set(pci_intx(c->f), level);
}

static void message(void *arg, unsigned n)
{
	struct irqlab_carrier *c = arg;

	pci_msix_send(c->f, n);
}

static bool master(void *arg)
{
	struct irqlab_carrier *c = arg;

	return pci_config_word(c->f, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

int irqlab_pci_new(const struct irqlab_config *cfg, struct pci_bus *pci, unsigned slot,
		   struct irqlab_carrier **out)
{
	struct irqlab_config device = *cfg;
	struct pci_function_config function = {.slot = slot,
					       .vendor = IRQLAB_PCI_VENDOR,
					       .device = IRQLAB_PCI_DEVICE,
					       .subsystem_vendor = IRQLAB_PCI_VENDOR,
					       .subsystem = IRQLAB_PCI_DEVICE,
					       .revision = IRQLAB_VERSION,
					       .class_code = IRQLAB_PCI_CLASS,
					       .irq = cfg->level,
					       .bar = {{.size = IRQLAB_SIZE,
							.name = "irqlab",
							.direct = &irqlab_direct_ops,
							.posted = &irqlab_posted_ops}},
					       .n_vectors = IRQLAB_N_MESSAGES};
	struct irqlab_carrier *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	device.level = (struct irq){.set = intx_set, .controller = c};
	device.edge = (struct irq){0};
	device.message = message;
	device.master = master;
	device.arg = c;
	ret = irqlab_new(&device, &c->device);
	if (ret)
		goto fail;
	function.bar[0].dev = c->device;
	ret = pci_function_new(pci, &function, &c->f);
	if (ret)
		goto fail;
	*out = c;
	return 0;
fail:
	irqlab_carrier_free(c);
	return ret;
}

void irqlab_carrier_free(struct irqlab_carrier *c)
{
	if (!c)
		return;
	if (c->bus)
		(void)bus_remove(c->bus, c->base);
	pci_function_free(c->f);
	irqlab_free(c->device);
	free(c);
}
