/* SPDX-License-Identifier: MIT */
/* The table is small and used when a ring starts, so that it is searched from its beginning. */
#include "vhost/memory.h"

#include <errno.h>
#include <stddef.h>

#include "base/fd.h"
#include "vhost/message.h"

int vhost_memory_init(struct vhost_memory *m)
{
	m->n = 0;
	return gmem_new(&m->mem);
}

void vhost_memory_fini(struct vhost_memory *m)
{
	gmem_free(m->mem);
	m->mem = NULL;
}

static const char *add_region(struct vhost_memory *m, const struct vu_region *r, int fd)
{
	switch (gmem_add_shared(m->mem, r->guest_addr, r->size, fd, r->offset)) {
	case 0: break;
	case -EPERM: return "its memory is no memfd that is sealed against shrinking";
	case -EINVAL:
	case -ENOSPC: return "its memory table makes no sense";
	default: return "its memory cannot be mapped";
	}
	m->region[m->n++] = *r;
	return NULL;
}

const char *vhost_memory_set(struct vhost_memory *m, struct vhost_message *msg)
{
	const struct vu_memory *table = &msg->payload.memory;
	size_t len = offsetof(struct vu_memory, region) + table->n * sizeof(table->region[0]);
	const char *why = NULL;

	gmem_clear(m->mem);
	m->n = 0;
	if (table->n > VU_REGIONS_MAX || msg->header.size != len || msg->n_fds != table->n)
		return "its memory table makes no sense";
	for (unsigned i = 0; i < table->n && !why; i++) {
		int fd = vhost_message_take_fd(msg);

		why = add_region(m, &table->region[i], fd);
		fd_close(&fd);
	}
	if (why) {
		gmem_clear(m->mem);
		m->n = 0;
	}
	return why;
}

bool vhost_memory_address(const struct vhost_memory *m, uint64_t user, uint64_t *gpa)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct vu_region *r = &m->region[i];

		if (user - r->user_addr < r->size) {
			*gpa = r->guest_addr + (user - r->user_addr);
			return true;
		}
	}
	return false;
}
