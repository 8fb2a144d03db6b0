/* SPDX-License-Identifier: MIT */
/*
 * An array by descriptor holds what the epoll has been told; a statement that is like the one
 * before makes no system call at all. What is not stated again is removed by comparing the two
 * lists.
 */
#include "backend/poll_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/fd.h"

#define BATCH 64 /* events taken at once; the rest stays ready for the next time */

struct poll_entry {
	uint32_t registered; /* events as the epoll knows them; 0: it does not know the fd */
	uint32_t wanted;     /* as stated in the round `round` */
	uint32_t ready;
	unsigned round;
};

int poll_set_init(struct poll_set *s)
{
	*s = (struct poll_set){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	return s->epoll_fd < 0 ? -errno : 0;
}

void poll_set_fini(struct poll_set *s)
{
	fd_close(&s->epoll_fd);
	free(s->entries);
	free(s->stated);
	free(s->before);
	*s = (struct poll_set){.epoll_fd = -1};
}

void poll_set_begin(struct poll_set *s)
{
	int *swap = s->before;

	s->before = s->stated;
	s->n_before = s->n_stated;
	s->stated = swap;
	s->n_stated = 0;
	s->round++;
}

static int grow(struct poll_set *s, int fd)
{
	size_t n = (size_t)fd + 64;
	struct poll_entry *entries;
	int *list;

	list = realloc(s->stated, n * sizeof(*list));
	if (!list)
		return -ENOMEM;
	s->stated = list;
	list = realloc(s->before, n * sizeof(*list));
	if (!list)
		return -ENOMEM;
	s->before = list;
	entries = realloc(s->entries, n * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	memset(entries + s->n_entries, 0, (n - s->n_entries) * sizeof(*entries));
	s->entries = entries;
	s->n_entries = n;
	return 0;
}

int poll_set_add(struct poll_set *s, int fd, uint32_t events)
{
	struct poll_entry *p;

	if ((size_t)fd >= s->n_entries && grow(s, fd))
		return -ENOMEM;
	p = &s->entries[fd];
	if (p->round != s->round) {
		p->round = s->round;
		p->wanted = 0;
		s->stated[s->n_stated++] = fd;
	}
	p->wanted |= events;
	return 0;
}

/* What fails here is tried again the next time it is stated. */
static void update(struct poll_set *s, int fd, uint32_t want)
{
	struct poll_entry *p = &s->entries[fd];
	struct epoll_event ev = {.events = want, .data.fd = fd};
	int op = !want ? EPOLL_CTL_DEL : p->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (!want)
		p->ready = 0;
	if (p->registered == want)
		return;
	p->registered = epoll_ctl(s->epoll_fd, op, fd, &ev) < 0 ? 0 : want;
}

void poll_set_end(struct poll_set *s)
{
	for (size_t i = 0; i < s->n_before; i++)
		if (s->entries[s->before[i]].round != s->round)
			update(s, s->before[i], 0);
	for (size_t i = 0; i < s->n_stated; i++)
		update(s, s->stated[i], s->entries[s->stated[i]].wanted);
}

void poll_set_forget(struct poll_set *s, int fd)
{
	if (fd < 0 || (size_t)fd >= s->n_entries)
		return;
	update(s, fd, 0);
}

void poll_set_collect(struct poll_set *s)
{
	struct epoll_event evs[BATCH];
	int n = epoll_wait(s->epoll_fd, evs, BATCH, 0);

	for (size_t i = 0; i < s->n_stated; i++)
		s->entries[s->stated[i]].ready = 0;
	for (int i = 0; i < n; i++)
		s->entries[evs[i].data.fd].ready = evs[i].events;
}

uint32_t poll_set_ready(const struct poll_set *s, int fd)
{
	return fd >= 0 && (size_t)fd < s->n_entries ? s->entries[fd].ready : 0;
}
