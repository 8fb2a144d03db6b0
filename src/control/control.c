/* SPDX-License-Identifier: MIT */
/*
 * The server: who connects, and which verbs there are. An answer from outside of a handler posts
 * `work`, which goes on with clients whose next lines were received already; so handlers are
 * entered from the loop alone.
 */
#include "control/control.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "control/internal.h"

/* ---- verbs ---- */

int control_register(struct control *c, const struct control_verb *verbs, void *arg)
{
	struct verb_set *set = reallocarray(c->set, c->n_sets + 1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	c->set = set;
	c->set[c->n_sets++] = (struct verb_set){.verbs = verbs, .arg = arg};
	return 0;
}

static json_t *describe(const struct control_verb *v)
{
	json_t *args = json_array();

	for (unsigned i = 0; v->args && v->args[i]; i++)
		json_array_append_new(args, json_string(v->args[i]));
	return json_pack("{s:s,s:o,s:s}", "verb", v->name, "args", args, "help", v->help);
}

static void help(void *arg, struct control_call *call)
{
	const struct control *c = arg;
	json_t *verbs = json_array();

	for (unsigned i = 0; i < c->n_sets; i++)
		for (const struct control_verb *v = c->set[i].verbs; v->name; v++)
			json_array_append_new(verbs, describe(v));
	control_answer(call, json_pack("{s:o}", "verbs", verbs));
}

static const struct control_verb own_verbs[] = {
	{.name = "help", .help = "what can be asked for", .handle = help},
	{0},
};

/* ---- clients ---- */

static void work_task(struct loop_task *t)
{
	struct control *c = t->arg;
	struct client *next;

	for (struct client *cl = c->clients; cl; cl = next) {
		next = cl->next;
		client_go_on(cl);
	}
}

/* The client that has been quiet longest among those that wait for nothing. */
static struct client *quietest(struct control *c)
{
	struct client *found = NULL;

	for (struct client *cl = c->clients; cl; cl = cl->next)
		if (!cl->call && (!found || cl->used < found->used))
			found = cl;
	return found;
}

/* One client goes so that another one can come; it is told if it can be. */
static void dismiss(struct client *cl, const char *why)
{
	if (!cl->out)
		client_send(cl, call_error(CONTROL_E_CLIENTS, why));
	client_free(cl);
}

int control_serve(struct control *c, int fd)
{
	struct client *quiet = c->n_clients < CONTROL_CLIENTS_MAX ? NULL : quietest(c);
	int ret;

	if (quiet)
		dismiss(quiet, "there are too many clients, and this one was quiet longest");
	ret = client_new(c, fd);
	/* All others wait for answers. */
	if (!ret && c->n_clients > CONTROL_CLIENTS_MAX) {
		dismiss(c->clients, "there are too many clients; try again later");
		return -EBUSY;
	}
	return ret;
}

/* Without a descriptor for it a client would stay at the door, and the loop would never sleep: it
 * is let in on the spare one, and out again. */
static void turn_away(struct control *c)
{
	int fd;

	fd_close(&c->spare);
	fd = accept4(c->socket.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED) {
		log_warn("the control socket is closed: no client can be accepted any more");
		loop_fd_set(&c->listener, 0);
	}
	fd_close(&fd);
	c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listener_event(struct loop_fd *w, uint32_t events)
{
	struct control *c = w->arg;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		(void)control_serve(c, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		turn_away(c);
}

/* ---- life ---- */

int control_new(struct loop *loop, struct control **out)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c || control_register(c, own_verbs, c)) {
		free(c);
		return -ENOMEM;
	}
	c->loop = loop;
	c->socket.fd = -1;
	c->spare = -1;
	c->work = (struct loop_task){.fn = work_task, .arg = c};
	*out = c;
	return 0;
}

int control_listen(struct control *c, const char *label, const char *path, struct err *e)
{
	int ret = unix_socket_open(&c->socket, SOCK_STREAM, label, path, e);

	if (ret)
		return ret;
	c->listener = (struct loop_fd){
		.fn = listener_event, .arg = c, .fd = c->socket.fd, .events = EPOLLIN};
	ret = loop_fd_add(c->loop, &c->listener);
	if (ret) {
		unix_socket_close(&c->socket);
		return err_set(e, ret, "%s%s: the socket cannot be watched: %s", label, path,
			       strerror(-ret));
	}
	c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	assert(!c->n_calls);
	loop_fd_del(&c->listener);
	unix_socket_close(&c->socket);
	while (c->clients)
		client_free(c->clients);
	loop_task_cancel(c->loop, &c->work);
	fd_close(&c->spare);
	free(c->set);
	free(c);
}
