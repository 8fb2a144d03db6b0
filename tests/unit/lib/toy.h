/* SPDX-License-Identifier: MIT */
/*
 * A device for the tests of the core and the carriers: two queues; it fills the writable part of
 * each chain with a byte, at once or, with `hold`, when it is released. Config: 16 bytes, the
 * driver may write them.
 */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include "virtio/vdev.h"

#define TOY_FEATURE BIT(3)
#define TOY_QUEUES  2u
#define TOY_SIZE    64u
#define TOY_PARTS   8u
#define TOY_CONFIG  16u
#define TOY_ID      42u

struct toy_queue {
	struct virtq_chain held[TOY_SIZE + 1];
	unsigned n_held;
	bool stopping;
	unsigned n_started, n_stopped; /* calls of queue_start, of queue_stop */
};

struct toy {
	struct vdev vdev;
	struct toy_queue q[TOY_QUEUES];
	atomic_bool hold;
	int start_error; /* what queue_start returns */
	bool *freed;
};

/* Its queues on loop; *freed is set when it is freed. */
struct toy *toy_new(struct loop *loop, bool *freed);

/* On the loop: completes what is held. */
void toy_release(struct toy *t, unsigned queue);

#endif
