/* SPDX-License-Identifier: MIT */
/* All virtio devices there are, for `linnet devices` and for whoever looks for the list. */
#ifndef DEV_TYPES_H
#define DEV_TYPES_H

#include <stdint.h>

struct vdev_type {
	const char *name;
	uint32_t device_id; /* specification 5 */
	const char *help;   /* one line: what it is and what it stands on */
};

/* Ends with an entry without a name. */
extern const struct vdev_type vdev_types[];

#endif
