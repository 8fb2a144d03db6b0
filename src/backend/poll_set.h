/* SPDX-License-Identifier: MIT */
/*
 * A set of descriptors that is stated anew for each sleep, over an epoll that is told only what
 * changed. For libraries with an interface like that of poll(). One thread.
 *
 *	poll_set_begin(s); poll_set_add(s, fd, EPOLLIN); ...; poll_set_end(s);
 *	... when s->epoll_fd is readable: poll_set_collect(s); poll_set_ready(s, fd)
 */
#ifndef BACKEND_POLL_SET_H
#define BACKEND_POLL_SET_H

#include <stddef.h>
#include <stdint.h>

struct poll_set {
	int epoll_fd;
	struct poll_entry *entries; /* by descriptor */
	size_t n_entries;
	int *stated, *before; /* the descriptors stated this time, and the time before */
	size_t n_stated, n_before;
	unsigned round;
};

/* 0 or -errno. */
int poll_set_init(struct poll_set *s);
/* Also for a zeroed one of which poll_set_init() failed. */
void poll_set_fini(struct poll_set *s);

void poll_set_begin(struct poll_set *s);
/* Events add up when a descriptor is named twice. 0, or -ENOMEM: it is not in the set this time. */
int poll_set_add(struct poll_set *s, int fd, uint32_t events);
void poll_set_end(struct poll_set *s);

/* fd is about to be closed: its number may soon mean another file. */
void poll_set_forget(struct poll_set *s, int fd);

/* Takes what is ready now, without waiting; it holds until the next call. */
void poll_set_collect(struct poll_set *s);
/* The epoll events of fd, 0 for any that is not in the set. */
uint32_t poll_set_ready(const struct poll_set *s, int fd);

#endif
