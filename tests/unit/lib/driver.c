/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/fd.h"
#include "driver_pci.h"
#include "transport/carrier.h"
#include "transport/mmio.h"

#define PATIENCE_NS 20000000000ull

static void wire_set(void *controller, unsigned line, bool level)
{
	struct driver *d = controller;
	void (*hook)(void *arg) = level ? NULL : d->before_lower;

	if (hook) {
		d->before_lower = NULL;
		hook(d->before_lower_arg);
	}
	if (atomic_exchange(&d->level, level) || !level)
		return;
	atomic_fetch_add(&d->n_raised, 1);
	sem_post(&d->raised);
}

void driver_init(struct driver *d)
{
	const char *carrier = getenv("DRIVER");

	memset(d, 0, sizeof(*d));
	d->use_pci = carrier && !strcmp(carrier, "pci");
	assert_int_equal(loop_new(&d->loop), 0);
	assert_int_equal(bus_new(&d->bus), 0);
	assert_int_equal(gmem_new(&d->mem), 0);
	assert_int_equal(gmem_add_ram(d->mem, DRIVER_RAM, DRIVER_RAM_SZ), 0);
	d->next_gpa = DRIVER_RAM;
	sem_init(&d->raised, 0, 0);
	sem_init(&d->adopted, 0, 0);
}

struct irq driver_wire(struct driver *d)
{
	return (struct irq){.set = wire_set, .controller = d, .line = 1};
}

void driver_plug(struct driver *d, struct vdev *dev)
{
	struct virtio_mmio_config config = {
		.bus = d->bus,
		.base = DRIVER_MMIO,
		.loop = d->loop,
		.mem = d->mem,
		.irq = driver_wire(d),
		.dev = dev,
	};

	if (d->use_pci) {
		driver_pci_plug(d, dev);
		return;
	}
	assert_int_equal(virtio_mmio_new(&config, &d->mmio), 0);
	d->carrier = virtio_mmio_carrier(d->mmio);
}

static void *loop_thread(void *arg)
{
	struct driver *d = arg;

	loop_adopt(d->loop);
	sem_post(&d->adopted);
	(void)loop_run(d->loop);
	return NULL;
}

void driver_thread_start(struct driver *d)
{
	d->threaded = true;
	assert_int_equal(pthread_create(&d->thread, NULL, loop_thread, d), 0);
	/* Until then the loop is ours, and accesses would be served here. */
	sem_wait(&d->adopted);
}

void driver_thread_stop(struct driver *d)
{
	if (!d->threaded)
		return;
	loop_stop(d->loop);
	pthread_join(d->thread, NULL);
	d->threaded = false;
	loop_adopt(d->loop);
}

static void reset_done(void *arg)
{
	*(bool *)arg = true;
}

void driver_unplug(struct driver *d)
{
	uint64_t end = host_now_ns() + PATIENCE_NS;
	bool done = !d->carrier;

	driver_thread_stop(d);
	if (d->carrier)
		carrier_reset(d->carrier, reset_done, &done);
	while (!done && host_now_ns() < end)
		loop_turn(d->loop, 1000000);
	assert_true(done);
	virtio_mmio_free(d->mmio);
	d->mmio = NULL;
	driver_pci_unplug(d);
	d->carrier = NULL;
}

void driver_fini(struct driver *d)
{
	driver_unplug(d);
	for (unsigned i = 0; i < DRIVER_QUEUES; i++)
		guest_ring_fini(&d->ring[i]);
	loop_free(d->loop);
	bus_free(d->bus);
	gmem_free(d->mem);
	sem_destroy(&d->raised);
	sem_destroy(&d->adopted);
}

uint32_t driver_read(struct driver *d, uint64_t offset)
{
	uint64_t v = 0;

	if (d->pci)
		return driver_pci_read(d, offset);
	assert_int_equal(bus_read(d->bus, DRIVER_MMIO + offset, 4, &v), 0);
	return (uint32_t)v;
}

void driver_write(struct driver *d, uint64_t offset, uint32_t v)
{
	if (d->pci)
		driver_pci_write(d, offset, v);
	else
		assert_int_equal(bus_write(d->bus, DRIVER_MMIO + offset, 4, v), 0);
}

uint64_t driver_config_base(const struct driver *d)
{
	return d->pci ? DRIVER_PCI_BAR + DRIVER_PCI_DEVICE : DRIVER_MMIO + VIRTIO_MMIO_CONFIG;
}

uint64_t driver_config(struct driver *d, unsigned offset, unsigned size)
{
	uint64_t v = 0;

	assert_int_equal(bus_read(d->bus, driver_config_base(d) + offset, size, &v), 0);
	return v;
}

void driver_config_write(struct driver *d, unsigned offset, unsigned size, uint64_t v)
{
	assert_int_equal(bus_write(d->bus, driver_config_base(d) + offset, size, v), 0);
}

static void pause_a_little(struct driver *d)
{
	const struct timespec ts = {.tv_nsec = 50000};

	if (d->threaded)
		nanosleep(&ts, NULL);
	else
		loop_turn(d->loop, 1000000);
}

void driver_await(struct driver *d, uint64_t offset, uint32_t v)
{
	uint64_t end = host_now_ns() + PATIENCE_NS;

	while (driver_read(d, offset) != v && host_now_ns() < end)
		pause_a_little(d);
	assert_int_equal(driver_read(d, offset), v);
}

void driver_reset(struct driver *d)
{
	driver_write(d, VIRTIO_MMIO_STATUS, 0);
	if (d->pci) /* 4.1.4.3.2 */
		driver_await(d, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_STATUS), 0);
}

uint64_t driver_offered(struct driver *d)
{
	uint64_t v;

	driver_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	v = (uint64_t)driver_read(d, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	driver_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return v | driver_read(d, VIRTIO_MMIO_DEVICE_FEATURES);
}

bool driver_negotiate(struct driver *d, uint64_t features)
{
	uint32_t status = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER;

	features |= VIRTIO_F_VERSION_1;
	driver_reset(d);
	driver_write(d, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	driver_write(d, VIRTIO_MMIO_STATUS, status);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	driver_write(d, VIRTIO_MMIO_STATUS, status | VIRTIO_STATUS_FEATURES_OK);
	return driver_read(d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK;
}

static void write_pair(struct driver *d, uint64_t low, uint64_t v)
{
	driver_write(d, low, (uint32_t)v);
	driver_write(d, low + 4, (uint32_t)(v >> 32));
}

void driver_queue(struct driver *d, unsigned index, uint32_t size, bool event_idx)
{
	struct guest_ring *g = &d->ring[index];

	guest_ring_fini(g);
	d->next_gpa = (d->next_gpa + 4095) & ~4095ull;
	d->next_gpa = guest_ring_init(g, d->mem, d->next_gpa, size, 0, event_idx);
	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, index);
	assert_true(driver_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX) >= size);
	driver_write(d, VIRTIO_MMIO_QUEUE_NUM, size);
	write_pair(d, VIRTIO_MMIO_QUEUE_DESC_LOW, g->desc);
	write_pair(d, VIRTIO_MMIO_QUEUE_DRIVER_LOW, g->avail);
	write_pair(d, VIRTIO_MMIO_QUEUE_DEVICE_LOW, g->used);
	driver_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_READY), 1);
}

void driver_ok(struct driver *d)
{
	driver_write(d, VIRTIO_MMIO_STATUS,
		     driver_read(d, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_DRIVER_OK);
}

uint64_t driver_alloc(struct driver *d, uint64_t len)
{
	uint64_t gpa = (d->next_gpa + 15) & ~15ull;

	d->next_gpa = gpa + len;
	assert_true(d->next_gpa <= DRIVER_RAM + DRIVER_RAM_SZ);
	return gpa;
}

void *driver_ptr(struct driver *d, uint64_t gpa, uint64_t len)
{
	void *p = gmem_map(d->mem, gpa, len);

	assert_non_null(p);
	return p;
}

void driver_kick(struct driver *d, unsigned index)
{
	driver_write(d, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

int driver_submit(struct driver *d, unsigned index, const struct guest_part *part, unsigned n)
{
	int head = guest_ring_add(&d->ring[index], part, n, 0, 0);

	assert_true(head >= 0);
	if (guest_ring_publish(&d->ring[index]))
		driver_kick(d, index);
	return head;
}

void driver_settle(struct driver *d)
{
	for (unsigned i = 0; i < 1000; i++)
		if (loop_turn(d->loop, 0) == 0)
			return;
	fail_msg("the loop does not come to rest");
}

/* Takes the interrupt as a driver's handler does. */
static void acknowledge(struct driver *d)
{
	uint32_t status = driver_read(d, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (status && !d->pci) /* there, to read it is to take it */
		driver_write(d, VIRTIO_MMIO_INTERRUPT_ACK, status);
}

static void sleep_a_little(struct driver *d)
{
	struct timespec ts;

	if (!d->threaded) {
		loop_turn(d->loop, 1000000);
		return;
	}
	/* The interrupt alone ends this; a lost one fails the test by its patience. The wire is a
	 * level: it may have stayed high since the last acknowledgement. */
	if (atomic_load(&d->level))
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 20;
	(void)sem_timedwait(&d->raised, &ts);
}

uint32_t driver_wait(struct driver *d, unsigned index, int head)
{
	uint64_t end = host_now_ns() + PATIENCE_NS;
	uint32_t id, len;

	while (host_now_ns() < end) {
		if (guest_ring_reap(&d->ring[index], &id, &len)) {
			if (head >= 0)
				assert_int_equal(id, head);
			return len;
		}
		if (!guest_ring_arm(&d->ring[index])) {
			sleep_a_little(d);
			acknowledge(d);
		}
	}
	fail_msg("no used entry came");
	return 0;
}
