/* SPDX-License-Identifier: MIT */
/*
 * A connection that leaves keeps its place in the loop, with another callback. Its reader has
 * PATIENCE for each piece that it takes; the owner counts it among its connections meanwhile, so
 * that there is a bound.
 */
#include "dev/vsock_leave.h"

#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "dev/vsock.h"
#include "dev/vsock_conn.h"

#define PATIENCE 60000000000ull /* ns */
#define AT_ONCE  1000000000ull  /* ns, when there is no more time */

static void gone(struct vsock_leavers *l, struct vsock_conn *c)
{
	struct vsock_conn **p = &l->first;

	while (*p != c)
		p = &(*p)->next_ready;
	*p = c->next_ready;
	l->n--;
	vsock_conn_free(c);
}

static bool is_done(const struct vsock_conn *c)
{
	return !c->fill || c->tell & VSOCK_TELL_RESET;
}

static void leaver_event(struct loop_fd *w, uint32_t events)
{
	struct vsock_conn *c = w->arg;

	vsock_conn_pass_on(c);
	if (is_done(c))
		gone(c->owner, c);
	else
		loop_timer_arm(w->loop, &c->timer, loop_now(w->loop) + PATIENCE);
}

static void leaver_overdue(struct loop_timer *t)
{
	struct vsock_conn *c = t->arg;

	gone(c->owner, c);
}

bool vsock_leave(struct vsock_leavers *l, struct loop *loop, struct vsock_conn *c)
{
	if (c->state != VSOCK_OPEN || !(c->guest_shut & VSOCK_SHUT_SEND) || is_done(c))
		return false;
	c->owner = l;
	c->watch.fn = leaver_event;
	loop_fd_set(&c->watch, EPOLLOUT);
	c->timer.fn = leaver_overdue;
	loop_timer_arm(loop, &c->timer, loop_now(loop) + PATIENCE);
	c->next_ready = l->first;
	l->first = c;
	l->n++;
	return true;
}

/* One wait for any of them; false: none has taken anything. */
static bool wait_once(struct vsock_leavers *l, int ms)
{
	struct pollfd p[VSOCK_CONNS];
	struct vsock_conn *c, *next;
	nfds_t n = 0;

	for (c = l->first; c && n < VSOCK_CONNS; c = c->next_ready)
		p[n++] = (struct pollfd){.fd = c->fd, .events = POLLOUT};
	if (poll(p, n, ms) <= 0)
		return false;
	for (c = l->first; c; c = next) {
		next = c->next_ready;
		vsock_conn_pass_on(c);
		if (is_done(c))
			gone(l, c);
	}
	return true;
}

void vsock_leave_now(struct vsock_leavers *l, struct loop *loop)
{
	uint64_t end = loop_now(loop) + AT_ONCE, now;

	while (l->first && (now = loop_now(loop)) < end)
		if (!wait_once(l, (int)((end - now) / 1000000) + 1))
			break;
	while (l->first)
		gone(l, l->first);
}
