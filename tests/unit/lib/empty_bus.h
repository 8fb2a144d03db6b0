/* SPDX-License-Identifier: MIT */
/* A bus with nothing on it, for tests of layers that may not see a bus but make what needs one. */
#ifndef TESTS_UNIT_LIB_EMPTY_BUS_H
#define TESTS_UNIT_LIB_EMPTY_BUS_H

struct bus;

/* NULL when there is no memory. */
struct bus *empty_bus_new(void);
void empty_bus_free(struct bus *bus);

#endif
