/* SPDX-License-Identifier: MIT */
/*
 * Fewer interrupts at the price of later ones: a queue's interrupt waits until so many chains were
 * used or so much time has passed since the first of them (specification 5.1.6.5.6 for the
 * network; nothing here knows it). What was used is visible to the driver at once all the same.
 */
#ifndef VIRTIO_COALESCE_H
#define VIRTIO_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

struct vdev_queue;

/* Queue, while it is started; forgotten when it stops. max_chains 0: only time counts; max_ns 0:
 * nothing waits. */
void vdev_queue_coalesce(struct vdev_queue *q, uint32_t max_chains, uint64_t max_ns);

/* For the core. Queue: whether the interrupt for what has just been published has to wait. */
bool coalesce_holds(struct vdev_queue *q);

/* For the core. Queue: nothing waits any more. */
void coalesce_end(struct vdev_queue *q);

#endif
