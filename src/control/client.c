/* SPDX-License-Identifier: MIT */
/*
 * A client is in one of three states, and what is watched follows from it (watch()):
 *
 *	reading    no call, nothing to send: lines are completed, and served
 *	waiting    its call is with a handler: nothing is watched, not even that it hangs up
 *	sending    an answer does not fit into the socket: only room is watched
 *
 * So nothing piles up. The end of input ends the last line too. A client that has hung up while its
 * call waited is found out when the answer is sent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/bits.h"
#include "base/fd.h"
#include "control/internal.h"

#define IN_FIRST 1024u

static bool idle(const struct client *cl)
{
	return !cl->call && !cl->out;
}

/* ---- receiving ---- */

/* What was skipped of a line that is too long goes. */
static void skip(struct client *cl)
{
	char *end = memchr(cl->in, '\n', cl->in_len);

	cl->skipping = !end;
	cl->in_at = end ? (size_t)(end - cl->in) + 1 : 0;
	if (!end)
		cl->in_len = 0;
}

static bool make_room(struct client *cl)
{
	size_t max = cl->in_max ? 2 * cl->in_max : IN_FIRST;
	char *in;

	if (cl->in_at)
		memmove(cl->in, cl->in + cl->in_at, cl->in_len - cl->in_at);
	cl->in_len -= cl->in_at;
	cl->in_at = 0;
	if (cl->in_len < cl->in_max)
		return true;
	in = realloc(cl->in, max);
	if (!in)
		return false;
	cl->in = in;
	cl->in_max = max;
	return true;
}

static void receive(struct client *cl)
{
	ssize_t n;

	if (!make_room(cl)) {
		cl->dead = true;
		return;
	}
	n = recv(cl->watch.fd, cl->in + cl->in_len, cl->in_max - cl->in_len, 0);
	if (n < 0) {
		cl->dead = errno != EAGAIN && errno != EINTR;
		return;
	}
	cl->in_len += (size_t)n;
	cl->ended = n == 0;
	if (cl->skipping)
		skip(cl);
}

/* Takes the next line out of what was received. */
static bool take_line(struct client *cl, const char **line, size_t *len)
{
	size_t left = cl->in_len - cl->in_at;
	const char *end;

	if (!left)
		return false;
	*line = cl->in + cl->in_at;
	end = memchr(*line, '\n', left);
	if (end)
		*len = (size_t)(end - *line);
	else if (cl->ended)
		*len = left;
	else
		return false;
	cl->in_at += *len + (end != NULL);
	return true;
}

/* A line fills the buffer: it is refused, and its rest will be skipped. */
static void refuse_line(struct client *cl)
{
	cl->skipping = true;
	cl->in_at = cl->in_len = 0;
	client_send(cl, call_error(CONTROL_E_TOO_LONG, "a line has at most 65535 bytes"));
}

/* ---- sending ---- */

static void drop_output(struct client *cl)
{
	free(cl->out);
	cl->out = NULL;
}

static void flush(struct client *cl)
{
	while (cl->out) {
		ssize_t n = send(cl->watch.fd, cl->out + cl->out_at, cl->out_len - cl->out_at,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		cl->dead = n < 0;
		cl->out_at += n < 0 ? 0 : (size_t)n;
		if (cl->dead || cl->out_at == cl->out_len)
			drop_output(cl);
	}
}

void client_send(struct client *cl, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text) {
		cl->dead = true; /* no memory: better no answer than half of one */
		return;
	}
	cl->out = text;
	cl->out_at = 0;
	cl->out_len = strlen(text) + 1;
	text[cl->out_len - 1] = '\n';
	flush(cl);
}

/* ---- life ---- */

static void watch(struct client *cl)
{
	uint32_t events = cl->out ? EPOLLOUT : EPOLLIN;

	loop_fd_set(&cl->watch, cl->call ? 0 : events);
}

void client_go_on(struct client *cl)
{
	const char *line;
	size_t len;

	flush(cl);
	while (!cl->dead && idle(cl) && take_line(cl, &line, &len))
		call_begin(cl, line, len);
	if (!cl->dead && idle(cl) && cl->in_len - cl->in_at == CONTROL_LINE_MAX)
		refuse_line(cl);
	if (cl->dead || (cl->ended && idle(cl)))
		client_free(cl);
	else
		watch(cl);
}

static void client_event(struct loop_fd *w, uint32_t events)
{
	struct client *cl = w->arg;

	cl->used = ++cl->control->n_events;
	if (events & EPOLLERR)
		cl->dead = true;
	else if (events & (EPOLLIN | EPOLLHUP) && idle(cl))
		receive(cl);
	client_go_on(cl);
}

int client_new(struct control *c, int fd)
{
	struct client *cl = calloc(1, sizeof(*cl));
	int ret = cl ? fd_set_nonblock(fd, true) : -ENOMEM;

	if (!ret) {
		cl->watch = (struct loop_fd){
			.fn = client_event, .arg = cl, .fd = fd, .events = EPOLLIN};
		ret = loop_fd_add(c->loop, &cl->watch);
	}
	if (ret) {
		free(cl);
		fd_close(&fd);
		return ret;
	}
	cl->control = c;
	cl->used = ++c->n_events;
	cl->next = c->clients;
	c->clients = cl;
	c->n_clients++;
	return 0;
}

void client_free(struct client *cl)
{
	struct client **p = &cl->control->clients;

	while (*p != cl)
		p = &(*p)->next;
	*p = cl->next;
	cl->control->n_clients--;
	if (cl->call)
		cl->call->client = NULL;
	loop_fd_del(&cl->watch);
	fd_close(&cl->watch.fd);
	free(cl->in);
	free(cl->out);
	free(cl);
}
