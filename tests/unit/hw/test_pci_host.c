/* SPDX-License-Identifier: MIT */
/* The window of configuration space: the access of a hart reaches the function that its address
 * names, at once or on the loop, and elsewhere there are ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/loop.h"
#include "bus/bus.h"
#include "bus/pci.h"
#include "hw/pci_host.h"

#define BASE  0x30000000ull
#define SLOT  7u
#define BUSES 4u

struct world {
	struct loop *loop;
	struct bus *bus;
	struct pci_bus *pci;
	struct pci_function *f;
	struct pci_host *host;
	struct pci_host_config cfg;
};

static int setup(void **state)
{
	static struct world w;
	static const struct pci_function_config function = {
		.slot = SLOT, .vendor = 0x1af4, .device = 0x1042};
	struct pci_bus_config cfg = {0};

	w = (struct world){0};
	assert_int_equal(loop_new(&w.loop), 0);
	assert_int_equal(bus_new(&w.bus), 0);
	cfg.bus = w.bus;
	cfg.loop = w.loop;
	assert_int_equal(pci_bus_new(&cfg, &w.pci), 0);
	assert_int_equal(pci_function_new(w.pci, &function, &w.f), 0);
	w.cfg = (struct pci_host_config){.bus = w.bus,
					 .loop = w.loop,
					 .pci = w.pci,
					 .base = BASE,
					 .size = (uint64_t)BUSES * PCI_ECAM_BUS};
	assert_int_equal(pci_host_new(&w.cfg, &w.host), 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	uint64_t v;

	pci_host_free(w->host);
	assert_int_equal(bus_read(w->bus, BASE, 4, &v), -ENXIO);
	pci_host_free(NULL);
	pci_function_free(w->f);
	pci_bus_free(w->pci);
	bus_free(w->bus);
	loop_free(w->loop);
	return 0;
}

static uint64_t get(struct world *w, unsigned n, unsigned slot, unsigned reg, unsigned size)
{
	uint64_t v = 0;

	assert_int_equal(
		bus_read(w->bus, BASE + (uint64_t)n * PCI_ECAM_BUS + (slot << 15) + reg, size, &v),
		0);
	return v;
}

static void test_addresses(void **state)
{
	struct world *w = *state;
	uint64_t v;

	for (unsigned n = 0; n < BUSES; n++)
		for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
			assert_int_equal(get(w, n, slot, 0, 4),
					 n == 0 && slot == SLOT ? 0x10421af4 : UINT32_MAX);
	assert_int_equal(bus_read(w->bus, BASE + w->cfg.size, 4, &v), -ENXIO);
}

static void test_writes(void **state)
{
	struct world *w = *state;
	const uint64_t command = BASE + (SLOT << 15) + PCI_COMMAND;

	assert_int_equal(bus_write(w->bus, command, 2, PCI_COMMAND_MASTER), 0);
	assert_int_equal(get(w, 0, SLOT, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	assert_int_equal(bus_write(w->bus, BASE + PCI_ECAM_BUS + (SLOT << 15) + PCI_COMMAND, 2, 0),
			 0);
	assert_int_equal(bus_write(w->bus, BASE, 4, 0), 0);
	assert_int_equal(get(w, 0, SLOT, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
}

static void test_window_taken(void **state)
{
	struct world *w = *state;
	struct pci_host *other;

	assert_int_equal(pci_host_new(&w->cfg, &other), -EEXIST);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_addresses), T(test_writes), T(test_window_taken)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
