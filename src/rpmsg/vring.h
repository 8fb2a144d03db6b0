/* SPDX-License-Identifier: MIT */
/*
 * The carrier for two cores that share memory: a pair of legacy split rings (virtio specification
 * 1.2, 2.7, without any ring feature) whose driver's side is the other core's.
 *
 *	base of a ring:	descriptors, 16 bytes each		the driver writes
 *			available ring				the driver writes
 *	+ alignment:	used ring				we write
 *
 * The driver supplies the buffers of both rings. All that it writes (indices, lengths, addresses)
 * is read once, checked against the ring's size and the windows of shared memory that the
 * configuration names, and then used. What breaks the rules stops that ring; rpmsg_vrings_why()
 * tells why, and it goes on when the driver initialises it anew.
 *
 * Restarts. The used index is ours alone to write. When it is found 0 where it was not, the driver
 * has initialised its rings: they begin anew, and the epoch changes. When we are the ones who
 * restart there are two situations, and only the environment knows which: see `resume`.
 *
 * Caches: where the cores' caches are not coherent, the environment's hooks write back what we
 * wrote before the index that shows it, and drop what we may hold before we read. They get
 * addresses as in the windows, and round to cache lines themselves.
 */
#ifndef RPMSG_VRING_H
#define RPMSG_VRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpmsg/carrier.h"
#include "rpmsg/proto.h"

#define RPMSG_VRING_MAX 256u /* entries of a ring: what Linux gives and takes */

/* A window of shared memory: `size` bytes that the rings call `base` and we reach at `p`. */
struct rpmsg_window {
	uint64_t base;
	uint64_t size;
	void *p;
};

/* What the environment supplies; any but notify may be NULL. */
struct rpmsg_vring_env {
	void *arg;
	/* Tells the other core to look at ring 0 or 1. Orders all stores to memory before. */
	void (*notify)(void *arg, unsigned ring);
	void (*cache_clean)(void *arg, const void *p, size_t len);
	void (*cache_invalidate)(void *arg, const void *p, size_t len);
};

struct rpmsg_vring_config {
	uint64_t ring[2];     /* where they lie, by enum rpmsg_ring: "vring0" and "vring1" */
	uint32_t num;         /* entries: a power of two, at most RPMSG_VRING_MAX */
	uint32_t align;       /* of the used ring: a power of two, at least 4; Linux' is 4096 */
	uint32_t buffer_size; /* of all buffers, at least; 0: RPMSG_BUFFER_SIZE */
	/* The windows, which must stay as they are: rings and buffers lie within one each. */
	const struct rpmsg_window *windows;
	unsigned n_windows;
	/* False: the rings begin at 0, and as long as they look used the link stays down, since
	 * they are left from before: the driver has still to initialise them. True: we were
	 * restarted behind the driver's back and go on where the used ring ends. What we held then
	 * is taken again, in the order in which it was made available: right if it was used in that
	 * order. */
	bool resume;
	struct rpmsg_vring_env env;
};

/* One ring. Private. */
struct rpmsg_vring {
	const uint8_t *desc;
	const uint8_t *avail;
	uint8_t *used;
	uint16_t next_avail; /* the next entry to take */
	uint16_t next_used;  /* the next entry to give */
	uint16_t last_taken; /* a descriptor: where to look first */
	uint32_t epoch;      /* that of the pair when it last began */
	bool quiet;          /* the driver has been told not to kick */
	const char *why;     /* it cannot be used before the driver initialises it; or NULL */
	void *held[RPMSG_VRING_MAX]; /* what is taken, by descriptor */
};

/* The pair. Private but carrier. */
struct rpmsg_vrings {
	struct rpmsg_carrier carrier;
	struct rpmsg_vring ring[2];
	const struct rpmsg_window *windows;
	unsigned n_windows;
	uint32_t num;
	uint32_t epoch; /* counts the driver's beginnings */
	bool up;        /* the driver has given buffers in this epoch */
	struct rpmsg_vring_env env;
};

/* 0, or RPMSG_ERR_PARAM (rpmsg.h): a size or alignment that is not allowed, or a ring that is not
 * within a window. Afterwards &v->carrier is for rpmsg_remote_init(). */
int rpmsg_vrings_init(struct rpmsg_vrings *v, const struct rpmsg_vring_config *config);

/* Why nothing is carried, in words for a person; NULL: it is. Under the instance's lock, or where
 * nobody else calls it. */
const char *rpmsg_vrings_why(const struct rpmsg_vrings *v);

#endif
