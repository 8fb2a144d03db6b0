/* SPDX-License-Identifier: MIT */
/*
 * Linux' own driver of a ring, drivers/virtio/virtio_ring.c, for tests and benchmarks: build.sh
 * makes a shared object of it and of kring.c, whose one symbol is `kring`.
 *
 * One ring at a time, one thread. Memory that the driver allocates, the ring and its indirect
 * tables, is guest memory that the caller gives.
 */
#ifndef KERNEL_RING_KRING_H
#define KERNEL_RING_KRING_H

#include <stdbool.h>
#include <stdint.h>

#define KRING_PARTS 16u

struct kring_config {
	uint8_t *host; /* guest memory for the driver's own use, ... */
	uint64_t gpa;  /* ... its guest address, a multiple of 4096, ... */
	uint64_t len;
	uint32_t size; /* entries */
	uint64_t features;
	/* The driver asks for a kick; data is what NOTIFICATION_DATA makes it write. */
	void (*notify)(void *arg, uint32_t data);
	/* RING_RESET: stop the ring; start it anew as where() says. */
	void (*stop)(void *arg);
	void (*start)(void *arg);
	void *arg;
};

/* A buffer for the device, all of it in the memory of the configuration. */
struct kring_part {
	void *p;
	unsigned len;
};

struct kring_ops {
	/* 0 or -ENOMEM. */
	int (*open)(const struct kring_config *config);
	void (*close)(void);
	/* Where the ring lies, and its size. */
	void (*where)(uint64_t *desc, uint64_t *driver, uint64_t *device, uint32_t *size);
	/* A chain of n_out readable and n_in writable parts, KRING_PARTS together at most. 0, or
	 * -ENOSPC. */
	int (*add)(const struct kring_part *part, unsigned n_out, unsigned n_in, void *token);
	/* Publishes, and calls notify if the device wants it. */
	void (*kick)(void);
	/* The token of a used chain and the length that the device gives, or NULL. */
	void *(*get)(unsigned *len);
	/* The device's interrupt. False: nothing was used, it was for nothing. */
	bool (*interrupt)(void);
	void (*disable_interrupts)(void);
	/* False: something has been used meanwhile. Delayed: not before most has been used. */
	bool (*enable_interrupts)(void);
	bool (*enable_interrupts_delayed)(void);
	/* Resets the ring, and gives it `size` entries; recycle gets what was in it. 0, -errno. */
	int (*resize)(uint32_t size, void (*recycle)(void *arg, void *token));
	bool (*is_broken)(void);
};

extern const struct kring_ops kring;

#endif
