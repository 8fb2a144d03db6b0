/* SPDX-License-Identifier: MIT */
/* Functions on a bus that harts use while another one moves BARs and disconnects interrupts. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pci_rig.h"

#include "base/loop.h"

#define ROUNDS 2000u

struct world {
	struct pci_rig r;
	atomic_bool stop;
	atomic_bool left; /* the hart has */
	atomic_uint n_met, n_wrong;
	unsigned msix; /* the capability's offset */
};

/* Reads wherever the BARs might be: the right cell's value, or nothing. */
static void *hart(void *arg)
{
	struct world *w = arg;
	uint64_t v;

	for (unsigned i = 0; !atomic_load(&w->stop); i++) {
		bool posted = i & 1;

		if (pci_rig_answers(&w->r, WINDOW + 0x4000 * (i % 3) + 8 * posted, &v)) {
			atomic_fetch_add(&w->n_met, 1);
			if (v != 100)
				atomic_fetch_add(&w->n_wrong, 1);
		}
		(void)pci_config_read(w->r.pci, SLOT_A << 15 | (4 * i % 64), 4, &v);
	}
	atomic_store(&w->left, true);
	return NULL;
}

static void *device(void *arg)
{
	struct world *w = arg;

	for (unsigned i = 0; !atomic_load(&w->stop); i++) {
		irq_set(pci_intx(w->r.a), i & 1);
		pci_msix_send(w->r.a, i % VECTORS);
	}
	irq_set(pci_intx(w->r.a), true);
	return NULL;
}

static void test_moves(void **state)
{
	static struct world w;
	pthread_t thread[2];

	pci_rig_init(&w.r, true);
	w.msix = pci_rig_capability(&w.r, SLOT_A, PCI_CAP_MSIX);
	assert_int_equal(pthread_create(&thread[0], NULL, hart, &w), 0);
	assert_int_equal(pthread_create(&thread[1], NULL, device, &w), 0);
	/* This thread has the loop. The harts must get at the BARs now and then, however busy the
	 * host is. */
	for (unsigned i = 0; i < ROUNDS || !atomic_load(&w.n_met); i++) {
		pci_rig_write(&w.r, SLOT_A, PCI_COMMAND, 2,
			      i % 7 ? PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER : 0);
		pci_rig_place(&w.r, SLOT_A, 0, WINDOW + 0x4000 * (i % 4));
		pci_rig_write(&w.r, SLOT_A, w.msix + 2, 2, i % 5 ? 0 : 0x8000);
		loop_turn(w.r.loop, 0);
	}
	pci_rig_write(&w.r, SLOT_A, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_rig_write(&w.r, SLOT_A, w.msix + 2, 2, 0);
	atomic_store(&w.stop, true);
	while (!atomic_load(&w.left))
		loop_turn(w.r.loop, 1000000); /* its last posted access */
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	assert_int_equal(atomic_load(&w.n_wrong), 0);
	assert_true(atomic_load(&w.r.level[0]));
	pci_rig_fini(&w.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_moves)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
