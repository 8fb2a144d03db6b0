/* SPDX-License-Identifier: MIT */
/*
 * A small board with one virtio device, and the guest's driver for it: what device tests stand on.
 * Everything goes through the bus, guest memory and the interrupt wire, as in a machine.
 *
 * The device is carried by virtio-mmio, or by virtio-pci when the environment says DRIVER=pci or
 * the test sets use_pci before driver_plug(); registers have virtio-mmio's names either way, see
 * driver_pci.h.
 *
 * Either one thread does everything (the loop is turned while the driver waits), or, after
 * driver_thread_start(), the loop has a thread of its own and the driver sleeps on the interrupt.
 */
#ifndef TESTS_DRIVER_H
#define TESTS_DRIVER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "base/loop.h"
#include "bus/bus.h"
#include "guest_ring.h"
#include "virtio/spec.h"
#include "virtio/vdev.h"

#define DRIVER_RAM    0x80000000ull
#define DRIVER_RAM_SZ (8ull << 20)
#define DRIVER_MMIO   0x10001000ull
#define DRIVER_QUEUES 16u

struct carrier;
struct pci_bus;
struct virtio_mmio;
struct virtio_pci;

struct driver {
	struct loop *loop;
	struct bus *bus;
	struct gmem *mem;
	struct virtio_mmio *mmio; /* one of the two */
	struct virtio_pci *pci;
	struct pci_bus *pci_bus;
	struct carrier *carrier;
	bool use_pci;
	bool takes_messages;   /* the board does: before driver_plug() */
	uint64_t message_addr; /* of the last one */
	_Atomic uint32_t message_data;
	atomic_uint n_messages;
	uint64_t next_gpa; /* guest memory not yet given out */
	struct guest_ring ring[DRIVER_QUEUES];
	atomic_bool level;    /* of the interrupt wire */
	atomic_uint n_raised; /* times that it went up */
	sem_t raised;
	void (*before_lower)(void *arg); /* called once, as the wire is about to go down */
	void *before_lower_arg;
	sem_t adopted; /* the thread has the loop */
	pthread_t thread;
	bool threaded;
};

/* Memory, bus and loop. */
void driver_init(struct driver *d);
/* Puts the device on the bus; it now belongs to the board. */
void driver_plug(struct driver *d, struct vdev *dev);
/* Stops the thread, resets the device and frees it. */
void driver_unplug(struct driver *d);
/* The same if that has not been done, and frees the rest. */
void driver_fini(struct driver *d);

void driver_thread_start(struct driver *d);
void driver_thread_stop(struct driver *d);

uint32_t driver_read(struct driver *d, uint64_t offset);
void driver_write(struct driver *d, uint64_t offset, uint32_t v);
/* Config space; and its address. */
uint64_t driver_config(struct driver *d, unsigned offset, unsigned size);
void driver_config_write(struct driver *d, unsigned offset, unsigned size, uint64_t v);
uint64_t driver_config_base(const struct driver *d);
/* The interrupt wire. */
struct irq driver_wire(struct driver *d);

/* Reads a register until it is v. Fails the test after some seconds. */
void driver_await(struct driver *d, uint64_t offset, uint32_t v);

/* Reset, then up to FEATURES_OK with these bits (VERSION_1 is added); false if it was refused. */
bool driver_negotiate(struct driver *d, uint64_t features);
uint64_t driver_offered(struct driver *d);
/* Sets a queue up in fresh guest memory. */
void driver_queue(struct driver *d, unsigned index, uint32_t size, bool event_idx);
void driver_ok(struct driver *d);
void driver_reset(struct driver *d);

/* Guest memory, 16-byte aligned; and a pointer to it. */
uint64_t driver_alloc(struct driver *d, uint64_t len);
void *driver_ptr(struct driver *d, uint64_t gpa, uint64_t len);

/* Adds one chain, publishes it and kicks if asked to. The head. */
int driver_submit(struct driver *d, unsigned index, const struct guest_part *part, unsigned n);
void driver_kick(struct driver *d, unsigned index);
/* Waits for one used entry of a queue; the length. Fails the test after some seconds. */
uint32_t driver_wait(struct driver *d, unsigned index, int head);
/* Without a thread: runs the loop until nothing is due. */
void driver_settle(struct driver *d);

#endif
