/* SPDX-License-Identifier: MIT */
#include "virtio_pci_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int make(void **state, bool takes_messages)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	w.d.use_pci = true;
	w.d.takes_messages = takes_messages;
	w.toy = toy_new(w.d.loop, &w.freed);
	vdev_offer_ring(&w.toy->vdev,
			VIRTQ_FEATURES | VIRTIO_F_RING_RESET | VIRTIO_F_NOTIFICATION_DATA);
	driver_plug(&w.d, &w.toy->vdev);
	*state = &w;
	return 0;
}

int setup(void **state)
{
	return make(state, false);
}

int setup_messages(void **state)
{
	return make(state, true);
}

int teardown(void **state)
{
	struct world *w = *state;

	w->toy->hold = false;
	toy_release(w->toy, 0);
	toy_release(w->toy, 1);
	driver_fini(&w->d);
	assert_true(w->freed);
	return 0;
}

uint64_t get(struct world *w, uint64_t addr, unsigned size)
{
	uint64_t v;

	assert_int_equal(bus_read(w->d.bus, addr, size, &v), 0);
	return v;
}

void put(struct world *w, uint64_t addr, unsigned size, uint64_t v)
{
	assert_int_equal(bus_write(w->d.bus, addr, size, v), 0);
}

uint64_t common(struct world *w, unsigned offset, unsigned size)
{
	return get(w, COMMON + offset, size);
}

uint64_t status(struct world *w)
{
	return common(w, VIRTIO_PCI_DEVICE_STATUS, 1);
}

void bring_up(struct world *w, uint64_t features)
{
	assert_true(driver_negotiate(&w->d, features));
	driver_queue(&w->d, 0, 8, false);
	driver_queue(&w->d, 1, 8, false);
	driver_ok(&w->d);
	driver_settle(&w->d);
}

struct guest_part buffer(struct world *w)
{
	return (struct guest_part){.gpa = driver_alloc(&w->d, 64), .len = 64, .write = true};
}
