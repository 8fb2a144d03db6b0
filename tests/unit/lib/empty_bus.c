/* SPDX-License-Identifier: MIT */
#include "empty_bus.h"

#include <stddef.h>

#include "bus/bus.h"

struct bus *empty_bus_new(void)
{
	struct bus *bus;

	return bus_new(&bus) ? NULL : bus;
}

void empty_bus_free(struct bus *bus)
{
	bus_free(bus);
}
