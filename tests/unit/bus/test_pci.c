/* SPDX-License-Identifier: MIT */
/* Configuration space, BARs that the guest moves, INTx and MSI-X, as a guest meets them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pci_rig.h"

#include "base/bits.h"

#define ALL       (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define MSIX_BAR  4u
#define MSIX_AT   (WINDOW + 0x800000)
#define MSIX_CTRL 2u
#define PBA       0x800u
#define ENABLE    0x8000u
#define MASK      0x4000u

static int setup(void **state)
{
	static struct pci_rig r;

	pci_rig_init(&r, true);
	*state = &r;
	return 0;
}

static int setup_without_messages(void **state)
{
	static struct pci_rig r;

	pci_rig_init(&r, false);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	pci_rig_fini(*state);
	return 0;
}

static void command(struct pci_rig *r, unsigned slot, uint16_t v)
{
	pci_rig_write(r, slot, PCI_COMMAND, 2, v);
}

/* ---- configuration space ---- */

static void test_header(void **state)
{
	struct pci_rig *r = *state;

	assert_int_equal(pci_rig_read(r, SLOT_A, 0, 4), 0x10421af4);
	assert_int_equal(pci_rig_read(r, SLOT_A, 2, 2), 0x1042);
	assert_int_equal(pci_rig_read(r, SLOT_A, 0, 8), 0x0010000010421af4);
	assert_int_equal(pci_rig_read(r, SLOT_A, 1, 4), 0x0010421a); /* not aligned */
	assert_int_equal(pci_rig_read(r, SLOT_A, 8, 4), 0x01020301);
	assert_int_equal(pci_rig_read(r, SLOT_A, 0x0e, 1), 0); /* type 0, one function */
	assert_int_equal(pci_rig_read(r, SLOT_A, 0x2c, 4), 0x56781234);
	assert_int_equal(pci_rig_read(r, SLOT_A, 0x3c, 4), 0x100); /* INTA# */
	assert_int_equal(pci_rig_read(r, SLOT_A, 6, 2), 0x10);     /* capabilities */
	assert_int_equal(pci_rig_read(r, SLOT_B, 6, 2), 0);
	/* Behind the 256 bytes there is nothing. */
	for (unsigned reg = 0x100; reg < PCI_CONFIG_SIZE; reg += 4)
		assert_int_equal(pci_rig_read(r, SLOT_A, reg, 4), 0);
	assert_int_equal(pci_rig_read(r, SLOT_A, PCI_CONFIG_SIZE - 1, 8), 0);
}

static void test_nobody(void **state)
{
	struct pci_rig *r = *state;
	uint64_t v;

	for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
		if (slot != SLOT_A && slot != SLOT_B)
			assert_int_equal(pci_rig_read(r, slot, 0, 4), UINT32_MAX);
	/* Other functions of a slot, other buses, the end of what an address can say. */
	for (unsigned function = 1; function < 8; function++)
		assert_int_equal(pci_rig_read(r, SLOT_A, function << 12, 4), UINT32_MAX);
	for (uint64_t at = PCI_ECAM_BUS; at < PCI_ECAM_BUS << 9; at += PCI_ECAM_BUS) {
		struct bus_access a = {.offset = at | SLOT_A << 15, .size = 4, .is_write = true};

		assert_int_equal(pci_config_read(r->pci, a.offset, 4, &v), BUS_OK);
		assert_int_equal((uint32_t)v, UINT32_MAX);
		pci_config_access(r->pci, &a);
	}
	assert_int_equal(pci_config_read(r->pci, ~0ull, 1, &v), BUS_OK);
	assert_int_equal(v & 0xff, 0xff);
	assert_int_equal(pci_rig_read(r, SLOT_A, 0, 4), 0x10421af4);
}

/* All bits of all registers, in every width and at every offset: what is not the guest's stays. */
static void test_read_only(void **state)
{
	struct pci_rig *r = *state;
	unsigned msix = pci_rig_capability(r, SLOT_A, PCI_CAP_MSIX);
	uint32_t before[64],
		mask[64] = {[1] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX,
			    [4] = ~0x3fffu,
			    [5] = ~0u,
			    [6] = ~0xfffffu,
			    [7] = ~0u,
			    [8] = ~0xfffu,
			    [9] = ~0u,
			    [15] = 0xff};

	mask[msix / 4] = (ENABLE | MASK) << 16;
	mask[pci_rig_capability(r, SLOT_A, PCI_CAP_VENDOR) / 4 + 3] = ~0u; /* the portal */
	for (unsigned i = 0; i < 64; i++)
		before[i] = (uint32_t)pci_rig_read(r, SLOT_A, 4 * i, 4);
	for (unsigned size = 1; size <= 8; size *= 2) {
		for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg++)
			pci_rig_write(r, SLOT_A, reg, size, ~0ull);
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(pci_rig_read(r, SLOT_A, 4 * i, 4), before[i] | mask[i]);
		for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg++)
			pci_rig_write(r, SLOT_A, reg, size, 0);
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(pci_rig_read(r, SLOT_A, 4 * i, 4), before[i] & ~mask[i]);
	}
}

static void test_portal(void **state)
{
	struct pci_rig *r = *state;
	unsigned at = pci_rig_capability(r, SLOT_A, PCI_CAP_VENDOR) + 12;
	uint64_t v;

	r->portal_value = 0x11223344;
	assert_int_equal(pci_config_read(r->pci, SLOT_A << 15 | at, 4, &v), BUS_POST);
	assert_int_equal(pci_rig_read(r, SLOT_A, at, 4), 0x11223344);
	assert_int_equal(pci_rig_read(r, SLOT_A, at + 1, 1), 0x33);
	assert_int_equal(r->n_portal_reads, 2);
	pci_rig_write(r, SLOT_A, at + 2, 2, 0xaabb);
	assert_int_equal(r->n_portal_writes, 1);
	assert_int_equal(r->portal_value, 0xaabb3344);
	/* Beside it. */
	pci_rig_write(r, SLOT_A, at + 4, 4, 1);
	pci_rig_write(r, SLOT_A, at - 4, 4, 1);
	(void)pci_rig_read(r, SLOT_A, at - 4, 4);
	assert_int_equal(r->n_portal_reads, 2);
	assert_int_equal(r->n_portal_writes, 1);
}

static void test_refused(void **state)
{
	struct pci_rig *r = *state;
	struct pci_function_config cfg = {.slot = SLOT_A};
	struct pci_function *f;

	assert_int_equal(pci_function_new(r->pci, &cfg, &f), -EEXIST);
	cfg.slot = PCI_SLOTS;
	assert_int_equal(pci_function_new(r->pci, &cfg, &f), -EINVAL);
	cfg.slot = 0;
	cfg.bar[1].size = 0x3000;
	assert_int_equal(pci_function_new(r->pci, &cfg, &f), -EINVAL);
	cfg.bar[1].size = 0x800;
	assert_int_equal(pci_function_new(r->pci, &cfg, &f), -EINVAL);
	cfg.bar[1].size = 0;
	cfg.n_vectors = PCI_VECTORS_MAX + 1;
	assert_int_equal(pci_function_new(r->pci, &cfg, &f), -EINVAL);
}

/* ---- BARs ---- */

static void test_bar_sizes(void **state)
{
	struct pci_rig *r = *state;
	static const uint64_t sizes[] = {0x4000, 0x100000, 0x1000};

	for (unsigned n = 0; n < 6; n += 2) {
		uint64_t v;

		pci_rig_place(r, SLOT_A, n, ~0ull);
		v = pci_rig_read(r, SLOT_A, 0x10 + 4 * n, 4) |
		    pci_rig_read(r, SLOT_A, 0x14 + 4 * n, 4) << 32;
		assert_int_equal(v & 0xf, 4); /* 64 bits, memory */
		assert_int_equal(~(v & ~0xfull) + 1, sizes[n / 2]);
	}
	/* Those that are not there are 0 whatever is written. */
	pci_rig_place(r, SLOT_B, 2, ~0ull);
	assert_int_equal(pci_rig_read(r, SLOT_B, 0x18, 8), 0);
	pci_rig_write(r, SLOT_A, 0x30, 4, ~0u); /* no ROM */
	assert_int_equal(pci_rig_read(r, SLOT_A, 0x30, 4), 0);
}

static void test_bar_moves(void **state)
{
	struct pci_rig *r = *state;
	static const uint64_t places[] = {WINDOW, WINDOW + WINDOW_SZ - 0x4000, HIGH + 0x4000,
					  HIGH + HIGH_SZ - 0x4000};
	uint64_t v;

	pci_rig_place(r, SLOT_A, 0, WINDOW);
	assert_false(pci_rig_answers(r, WINDOW, &v));
	command(r, SLOT_A, ALL);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		pci_rig_place(r, SLOT_A, 0, places[i]);
		for (unsigned k = 0; k < ARRAY_SIZE(places); k++)
			assert_int_equal(pci_rig_answers(r, places[k], &v), i == k);
		assert_true(pci_rig_answers(r, places[i] + 0x3ffc, &v));
		assert_int_equal(v, 100);
		assert_false(pci_rig_answers(r, places[i] + 0x4000, &v));
	}
	/* Posted ones too. */
	assert_true(pci_rig_answers(r, places[3] + 8, &v));
	assert_int_equal(atomic_load(&r->cell[0].n_posted), 1);
	command(r, SLOT_A, PCI_COMMAND_MASTER);
	assert_false(pci_rig_answers(r, places[3], &v));
	command(r, SLOT_A, ALL);
	assert_true(pci_rig_answers(r, places[3], &v));
}

/* RAM, other devices, address 0, the end of memory, half out of a window: it answers nowhere. */
static void test_bar_out_of_windows(void **state)
{
	struct pci_rig *r = *state;
	static const uint64_t places[] = {0,
					  0x80000000,
					  0x10000000,
					  0x0c000000,
					  ~0x3fffull,
					  WINDOW - 0x4000,
					  WINDOW + WINDOW_SZ,
					  HIGH - 0x4000,
					  HIGH + HIGH_SZ,
					  WINDOW | 1ull << 32};
	uint64_t v;

	command(r, SLOT_A, ALL);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		pci_rig_place(r, SLOT_A, 0, places[i]);
		assert_false(pci_rig_answers(r, places[i], &v));
		/* But it stands in the register, and a legal place works next. */
		assert_int_equal(pci_rig_read(r, SLOT_A, 0x10, 8), places[i] | 4);
		pci_rig_place(r, SLOT_A, 0, HIGH);
		assert_true(pci_rig_answers(r, HIGH, &v));
	}
}

static void test_bars_overlap(void **state)
{
	struct pci_rig *r = *state;
	uint64_t v;

	command(r, SLOT_A, ALL);
	command(r, SLOT_B, ALL);
	pci_rig_place(r, SLOT_B, 0, WINDOW + 0x2000);
	pci_rig_place(r, SLOT_A, 0, WINDOW); /* over it */
	pci_rig_place(r, SLOT_A, 2, WINDOW); /* and one more */
	assert_true(pci_rig_answers(r, WINDOW + 0x2000, &v));
	assert_int_equal(v, 102);
	assert_false(pci_rig_answers(r, WINDOW, &v));
	/* The first makes room, for the one with the lower number. */
	pci_rig_place(r, SLOT_B, 0, HIGH);
	assert_true(pci_rig_answers(r, WINDOW + 0x2000, &v));
	assert_int_equal(v, 100);
	pci_rig_place(r, SLOT_A, 0, HIGH + 0x4000);
	assert_true(pci_rig_answers(r, WINDOW + 0x2000, &v));
	assert_int_equal(v, 101);
	/* Back over it: who is there stays. Switched off, it makes room too. */
	pci_rig_place(r, SLOT_B, 0, WINDOW);
	assert_true(pci_rig_answers(r, WINDOW, &v));
	assert_int_equal(v, 101);
	command(r, SLOT_A, 0);
	assert_true(pci_rig_answers(r, WINDOW, &v));
	assert_int_equal(v, 102);
}

static void test_bar_access(void **state)
{
	struct pci_rig *r = *state;
	struct bus_access a = {.size = 4};

	assert_true(pci_bar_access(r->a, 2, &a));
	assert_int_equal(a.value, 101);
	a = (struct bus_access){.offset = 8, .size = 4, .is_write = true, .value = 7};
	assert_true(pci_bar_access(r->a, 0, &a));
	assert_int_equal(atomic_load(&r->cell[0].value), 7);
	assert_int_equal(atomic_load(&r->cell[0].n_posted), 1);
	a = (struct bus_access){.offset = 0x3ffe, .size = 4};
	assert_false(pci_bar_access(r->a, 0, &a));
	a.offset = ~0ull;
	assert_false(pci_bar_access(r->a, 0, &a));
	a.offset = 0;
	for (unsigned number = 0; number < 256; number++)
		assert_int_equal(pci_bar_access(r->b, number, &a), number == 0);
}

/* ---- INTx ---- */

static void test_intx(void **state)
{
	struct pci_rig *r = *state;

	irq_set(pci_intx(r->a), true);
	assert_true(r->level[0]);
	assert_false(r->level[1]);
	assert_int_equal(pci_rig_read(r, SLOT_A, 6, 2), 0x18);
	/* Disabled, it still stands in the status register. */
	command(r, SLOT_A, PCI_COMMAND_NO_INTX);
	assert_false(r->level[0]);
	assert_int_equal(pci_rig_read(r, SLOT_A, 6, 2), 0x18);
	irq_set(pci_intx(r->a), false);
	irq_set(pci_intx(r->a), true);
	assert_false(r->level[0]);
	command(r, SLOT_A, 0);
	assert_true(r->level[0]);
	irq_set(pci_intx(r->a), false);
	assert_false(r->level[0]);
	assert_int_equal(pci_rig_read(r, SLOT_A, 6, 2), 0x10);
}

static void test_gone(void **state)
{
	struct pci_rig *r = *state;

	irq_set(pci_intx(r->a), true);
	pci_function_gone(r->a);
	assert_false(r->level[0]);
	assert_int_equal(pci_rig_read(r, SLOT_A, 0, 4), UINT32_MAX);
	command(r, SLOT_A, ALL);
	irq_set(pci_intx(r->a), false);
	irq_set(pci_intx(r->a), true);
	assert_false(r->level[0]);
	pci_msix_send(r->a, 0);
	assert_int_equal(atomic_load(&r->n_messages), 0);
}

/* ---- MSI-X ---- */

static void table(struct pci_rig *r, uint64_t offset, uint32_t v)
{
	assert_int_equal(bus_write(r->bus, MSIX_AT + offset, 4, v), 0);
}

static uint64_t table_read(struct pci_rig *r, uint64_t offset, unsigned size)
{
	uint64_t v;

	assert_int_equal(bus_read(r->bus, MSIX_AT + offset, size, &v), 0);
	return v;
}

static void control(struct pci_rig *r, uint16_t v)
{
	pci_rig_write(r, SLOT_A, pci_rig_capability(r, SLOT_A, PCI_CAP_MSIX) + MSIX_CTRL, 2, v);
}

/* All vectors have messages; none is masked. */
static void msix_on(struct pci_rig *r)
{
	pci_rig_place(r, SLOT_A, MSIX_BAR, MSIX_AT);
	command(r, SLOT_A, ALL);
	for (unsigned i = 0; i < VECTORS; i++) {
		table(r, 16 * i, 0x28000000 + 0x1000 * i);
		table(r, 16 * i + 4, 1);
		table(r, 16 * i + 8, 10 + i);
		table(r, 16 * i + 12, 0);
	}
	control(r, ENABLE);
}

static void expect_messages(struct pci_rig *r, unsigned n, unsigned vector)
{
	assert_int_equal(atomic_load(&r->n_messages), n);
	if (!n)
		return;
	assert_int_equal(r->message[n - 1].addr, 0x128000000 + 0x1000 * vector);
	assert_int_equal(r->message[n - 1].data, 10 + vector);
}

static void test_msix_capability(void **state)
{
	struct pci_rig *r = *state;
	unsigned at = pci_rig_capability(r, SLOT_A, PCI_CAP_MSIX);

	assert_true(at);
	assert_int_equal(pci_msix_vectors(r->a), VECTORS);
	assert_int_equal(pci_rig_read(r, SLOT_A, at + 2, 2), VECTORS - 1);
	assert_int_equal(pci_rig_read(r, SLOT_A, at + 4, 4), MSIX_BAR);
	assert_int_equal(pci_rig_read(r, SLOT_A, at + 8, 4), PBA | MSIX_BAR);
	assert_int_equal(pci_rig_capability(r, SLOT_B, PCI_CAP_MSIX), 0);
}

static void test_msix_sends(void **state)
{
	struct pci_rig *r = *state;

	msix_on(r);
	assert_true(pci_msix_enabled(r->a));
	pci_msix_send(r->a, 2);
	expect_messages(r, 1, 2);
	pci_msix_send(r->a, 0);
	expect_messages(r, 2, 0);
	pci_msix_send(r->a, VECTORS);
	pci_msix_send(r->a, UINT32_MAX);
	pci_msix_send(r->b, 0);
	expect_messages(r, 2, 0);
	control(r, 0);
	pci_msix_send(r->a, 0);
	control(r, ENABLE);
	expect_messages(r, 2, 0);
}

static void test_msix_masks(void **state)
{
	struct pci_rig *r = *state;

	msix_on(r);
	table(r, 16 + 12, 1);
	pci_msix_send(r->a, 1);
	pci_msix_send(r->a, 1);
	expect_messages(r, 0, 0);
	assert_int_equal(table_read(r, PBA, 8), 2);
	assert_int_equal(table_read(r, PBA + 4, 4), 0);
	table(r, PBA, 0); /* not the guest's */
	table(r, 16 + 12, 0);
	expect_messages(r, 1, 1);
	assert_int_equal(table_read(r, PBA, 4), 0);
	/* All of them. */
	control(r, ENABLE | MASK);
	pci_msix_send(r->a, 0);
	expect_messages(r, 1, 1);
	control(r, ENABLE);
	expect_messages(r, 2, 0);
	/* Not a bus master. */
	command(r, SLOT_A, PCI_COMMAND_MEMORY);
	pci_msix_send(r->a, 2);
	expect_messages(r, 2, 0);
	command(r, SLOT_A, ALL);
	expect_messages(r, 3, 2);
	/* What is pending when it is turned off is forgotten. */
	control(r, ENABLE | MASK);
	pci_msix_send(r->a, 0);
	control(r, 0);
	control(r, ENABLE);
	expect_messages(r, 3, 2);
}

static void test_msix_replaces_intx(void **state)
{
	struct pci_rig *r = *state;

	irq_set(pci_intx(r->a), true);
	msix_on(r);
	assert_false(r->level[0]);
	control(r, 0);
	assert_true(r->level[0]);
}

static void test_msix_table(void **state)
{
	struct pci_rig *r = *state;

	pci_rig_place(r, SLOT_A, MSIX_BAR, MSIX_AT);
	command(r, SLOT_A, ALL);
	for (unsigned i = 0; i < VECTORS; i++)
		assert_int_equal(table_read(r, 16 * i + 12, 4), 1); /* masked at first */
	assert_int_equal(bus_write(r->bus, MSIX_AT, 8, 0x1122334455667788), 0);
	assert_int_equal(bus_write(r->bus, MSIX_AT + 8, 8, 0xffffffff00000005), 0);
	assert_int_equal(table_read(r, 0, 8), 0x1122334455667788);
	assert_int_equal(table_read(r, 8, 8), 0x100000005);
	/* Other widths mean nothing; neither do entries that are not there. */
	assert_int_equal(bus_write(r->bus, MSIX_AT, 1, 0), 0);
	assert_int_equal(bus_write(r->bus, MSIX_AT + 2, 4, 0), 0);
	assert_int_equal(table_read(r, 0, 8), 0x1122334455667788);
	assert_int_equal(table_read(r, 0, 2), 0);
	for (unsigned at = 16 * VECTORS; at < 0x1000; at += 4) {
		table(r, at, ~0u);
		assert_int_equal(table_read(r, at, 4), 0);
	}
}

static void test_no_messages(void **state)
{
	struct pci_rig *r = *state;

	assert_int_equal(pci_rig_capability(r, SLOT_A, PCI_CAP_MSIX), 0);
	assert_int_equal(pci_msix_vectors(r->a), 0);
	pci_rig_place(r, SLOT_A, MSIX_BAR, ~0ull);
	assert_int_equal(pci_rig_read(r, SLOT_A, 0x20, 8), 0);
	pci_msix_send(r->a, 0);
	assert_false(pci_msix_enabled(r->a));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_header),
		T(test_nobody),
		T(test_read_only),
		T(test_portal),
		T(test_refused),
		T(test_bar_sizes),
		T(test_bar_moves),
		T(test_bar_out_of_windows),
		T(test_bars_overlap),
		T(test_bar_access),
		T(test_intx),
		T(test_gone),
		T(test_msix_capability),
		T(test_msix_sends),
		T(test_msix_masks),
		T(test_msix_replaces_intx),
		T(test_msix_table),
		cmocka_unit_test_setup_teardown(test_no_messages, setup_without_messages, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
