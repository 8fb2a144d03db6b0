/* SPDX-License-Identifier: MIT */
/* Frames that wait, first come, first served, up to so many bytes. One thread. */
#ifndef BACKEND_FRAME_LIST_H
#define BACKEND_FRAME_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct frame {
	struct frame *next;
	size_t len;
	uint8_t bytes[];
};

struct frame_list {
	struct frame *first, **last;
	size_t bytes, max; /* with what the list itself needs */
};

void frame_list_init(struct frame_list *l, size_t max);
/* Frees all that waits; the list stays usable. */
void frame_list_clear(struct frame_list *l);

/* Copies all of iov but the first `skip` bytes as one frame to the end. False: there is no room, or
 * nothing left of it. */
bool frame_list_add(struct frame_list *l, const struct iovec *iov, unsigned n, size_t skip);

/* The first one, which is the caller's to free(); NULL: there is none. */
struct frame *frame_list_take(struct frame_list *l);
/* Gives one back that was taken, as the first. */
void frame_list_put_back(struct frame_list *l, struct frame *f);

#endif
