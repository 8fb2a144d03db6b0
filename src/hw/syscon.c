/* SPDX-License-Identifier: MIT */
/* One register, no state: a store is decoded and handed on. */
#include "hw/syscon.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/bus.h"

#define SIZE 0x1000u

struct syscon {
	struct syscon_config cfg;
};

static enum bus_result syscon_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	return BUS_OK; /* 0 */
}

static enum bus_result syscon_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	const struct syscon_config *cfg = &((struct syscon *)dev)->cfg;

	if (offset != 0)
		return BUS_OK;
	switch (value & 0xffff) {
	case 0x5555: cfg->event(cfg->arg, SYSCON_POWEROFF, 0); break;
	case 0x7777: cfg->event(cfg->arg, SYSCON_RESET, 0); break;
	case 0x3333: cfg->event(cfg->arg, SYSCON_FAIL, (uint32_t)value >> 16); break;
	default: break;
	}
	return BUS_OK;
}

static const struct bus_direct_ops syscon_ops = {.read = syscon_read, .write = syscon_write};

int syscon_new(const struct syscon_config *cfg, struct syscon **out)
{
	struct syscon *s = calloc(1, sizeof(*s));
	struct bus_range range = {
		.base = cfg->base, .size = SIZE, .name = "syscon", .dev = s, .direct = &syscon_ops};
	int err;

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	err = bus_add(cfg->bus, &range);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void syscon_free(struct syscon *s)
{
	if (!s)
		return;
	(void)bus_remove(s->cfg.bus, s->cfg.base);
	free(s);
}
