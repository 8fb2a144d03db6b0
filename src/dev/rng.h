/* SPDX-License-Identifier: MIT */
/* The source of random bytes (specification 5.4): the host's, or a sequence that repeats. */
#ifndef DEV_RNG_H
#define DEV_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct fault_point;
struct loop;
struct vdev;

struct rng_config {
	struct loop *loop; /* where requests are served */
	bool repeatable;   /* the same bytes in every run, from `seed`; not for secrets */
	uint64_t seed;
	uint64_t rate; /* at most so many bytes a second by the loop's clock; 0: any number */
	/* NULL, or what fails on purpose: an error is no byte at all, a short answer one byte. */
	struct fault_point *fault;
};

/* Control thread, while the loop does not run or from the loop. The device is freed by vdev_free()
 * or by its carrier. 0 or -ENOMEM. */
int rng_new(const struct rng_config *config, struct vdev **out);

#endif
