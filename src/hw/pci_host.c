/* SPDX-License-Identifier: MIT */
/* Reads are answered on the hart's thread where that can be, since Linux makes a thousand of them;
 * writes go to the loop. */
#include "hw/pci_host.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/bus.h"
#include "bus/pci.h"

struct pci_host {
	struct pci_host_config cfg;
};

static enum bus_result direct_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	const struct pci_host *h = dev;

	return pci_config_read(h->cfg.pci, offset, size, value);
}

static enum bus_result posted_access(void *dev, struct bus_access *a)
{
	const struct pci_host *h = dev;

	pci_config_access(h->cfg.pci, a);
	return BUS_OK;
}

static const struct bus_direct_ops direct_ops = {.read = direct_read};
static const struct bus_posted_ops posted_ops = {.access = posted_access};

int pci_host_new(const struct pci_host_config *cfg, struct pci_host **out)
{
	struct bus_range range = {.base = cfg->base,
				  .size = cfg->size,
				  .name = "pci-ecam",
				  .direct = &direct_ops,
				  .posted = &posted_ops,
				  .loop = cfg->loop};
	struct pci_host *h = malloc(sizeof(*h));
	int ret;

	if (!h)
		return -ENOMEM;
	h->cfg = *cfg;
	range.dev = h;
	ret = bus_add(cfg->bus, &range);
	if (ret)
		free(h);
	else
		*out = h;
	return ret;
}

void pci_host_free(struct pci_host *h)
{
	if (!h)
		return;
	(void)bus_remove(h->cfg.bus, h->cfg.base);
	free(h);
}
