/* SPDX-License-Identifier: MIT */
/*
 * A front end's memory: mapped here, and known by two kinds of addresses. Descriptors in rings hold
 * the guest's; where a ring lies is told in "user" addresses, of the front end's own mappings.
 */
#ifndef VHOST_MEMORY_H
#define VHOST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/gmem.h"
#include "remote/vhost_user.h"

struct vhost_message;

struct vhost_memory {
	struct gmem *mem; /* stays the same, whatever is mapped */
	struct vu_region region[VU_REGIONS_MAX];
	unsigned n;
};

/* Nothing mapped. 0 or -ENOMEM. */
int vhost_memory_init(struct vhost_memory *m);
void vhost_memory_fini(struct vhost_memory *m);

/* Maps what the message (SET_MEM_TABLE) says instead of what was mapped; no ring is in use. NULL,
 * or what is wrong with it: nothing is mapped then. */
const char *vhost_memory_set(struct vhost_memory *m, struct vhost_message *msg);

/* The guest's address of a user address. False: it is nowhere. */
bool vhost_memory_address(const struct vhost_memory *m, uint64_t user, uint64_t *gpa);

#endif
