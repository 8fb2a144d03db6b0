/* SPDX-License-Identifier: MIT */
/*
 * The memory balloon (specification 5.5): takes memory from the guest and gives it to the host, as
 * much as it is told to; gives free pages that the guest reports to the host at once; and asks the
 * guest how its memory is.
 *
 * "Gives to the host" means that the pages are punched out of the guest's memfd, for all processes
 * that map it; touched again they are zero.
 */
#ifndef DEV_BALLOON_H
#define DEV_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/stats.h"

struct gmem;
struct loop;
struct vdev;

struct balloon_config {
	struct loop *loop;
	const struct gmem *mem;
};

/* What the device counts, and what the guest said last; any thread reads. */
struct balloon_stats {
	struct counter target, actual;     /* bytes: wanted, and in the balloon */
	struct counter inflated, deflated; /* bytes, since power-on */
	struct counter reported;           /* bytes of free pages */
	/* The guest's own: 0 until it says so. */
	struct counter free, total, available, caches;
	struct counter swap_in, swap_out, major_faults, minor_faults, oom_kills;
};

extern const struct stats_row balloon_rows[];

/* Control thread, while the loop does not run or from the loop. 0 or -ENOMEM. */
int balloon_new(const struct balloon_config *config, struct vdev **out);

/* On the loop, once it has a carrier: how many bytes the balloon shall take. The driver gets there in its own time. */
void balloon_resize(struct vdev *dev, uint64_t bytes);

/* On the loop: asks the guest for new figures, which arrive in its own time. */
void balloon_refresh(struct vdev *dev);

const struct balloon_stats *balloon_stats(const struct vdev *dev);

#endif
