/* SPDX-License-Identifier: MIT */
/*
 * Sockets around a session. What the client sends waits in a buffer of ours as long as the session
 * does not take it, and the descriptor is only watched when there is room, so a client that sends
 * more than it should waits in its own send(). The same for answers that it does not read.
 */
#include "debug/gdb.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"

#define LINGER_MS 500

struct gdb {
	struct loop *loop;
	struct loop_fd listener, client; /* fd -1: none */
	struct loop_task work;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of our socket file, or empty */
	char address[sizeof(((struct sockaddr_un *)0)->sun_path) + 64];
	size_t n, used; /* bytes of in, and those the session has taken */
	uint8_t in[4096];
	struct gdb_session session;
};

struct gdb_session *gdb_session(struct gdb *g)
{
	return &g->session;
}

const char *gdb_address(const struct gdb *g)
{
	return g->address;
}

/* ---- the client ---- */

static void drop_client(struct gdb *g)
{
	if (g->client.fd < 0)
		return;
	loop_fd_del(&g->client);
	fd_close(&g->client.fd);
	gdb_session_close(&g->session);
}

/* False: the client is gone. */
static bool flush(struct gdb *g)
{
	struct gdb_output *o = &g->session.out;

	while (o->sent < o->len) {
		ssize_t n = send(g->client.fd, o->buf + o->sent, o->len - o->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		o->sent += (size_t)n;
	}
	return true;
}

/* Moves what can be moved, and watches for the rest. */
static void go_on(struct gdb *g)
{
	const struct gdb_output *o = &g->session.out;
	bool alive = true;

	if (g->client.fd < 0)
		return;
	for (bool more = true; more && alive;) {
		size_t used = 0;

		alive = flush(g);
		if (alive && g->used < g->n)
			used = gdb_session_input(&g->session, g->in + g->used, g->n - g->used);
		g->used += used;
		more = used;
	}
	if (g->used == g->n)
		g->used = g->n = 0;
	if (alive)
		loop_fd_set(&g->client, (g->n ? 0u : (uint32_t)EPOLLIN) |
						(o->sent < o->len ? (uint32_t)EPOLLOUT : 0u));
	else
		drop_client(g);
}

static void work(struct loop_task *t)
{
	go_on(t->arg);
}

/* Later, since this may come from where the session must not be fed. */
static void session_wake(void *arg)
{
	struct gdb *g = arg;

	loop_post(g->loop, &g->work);
}

static void client_ready(struct loop_fd *w, uint32_t events)
{
	struct gdb *g = w->arg;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !g->n) {
		ssize_t n = recv(w->fd, g->in, sizeof(g->in), 0);

		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
			drop_client(g);
			return;
		}
		g->n = n < 0 ? 0 : (size_t)n;
	}
	go_on(g);
}

/* It has hung up, and the loop has not yet come to tell us. */
static bool client_gone(const struct gdb *g)
{
	struct pollfd p = {.fd = g->client.fd, .events = POLLRDHUP};

	return g->client.fd >= 0 && poll(&p, 1, 0) > 0;
}

static void accept_client(struct loop_fd *w, uint32_t events)
{
	static const int on = 1;
	struct gdb *g = w->arg;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (client_gone(g))
		drop_client(g);
	if (g->client.fd >= 0) {
		close(fd); /* there is one: the second is refused */
		return;
	}
	if (!g->path[0])
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	g->client.fd = fd;
	g->client.events = EPOLLIN;
	g->n = g->used = 0;
	if (loop_fd_add(g->loop, &g->client)) {
		fd_close(&g->client.fd);
		return;
	}
	gdb_session_open(&g->session);
}

/* ---- listening ---- */

/* A socket file that nobody listens at any more was left behind by a run that was killed. */
static void remove_stale(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd >= 0 && !stat(a->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)a, sizeof(*a)) && errno == ECONNREFUSED)
		unlink(a->sun_path);
	fd_close(&fd);
}

static int listen_unix(struct gdb *g, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (!*path || strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	remove_stale(&a);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g->listener.fd = fd;
	/* The mode of the socket becomes that of the file. */
	if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)))
		return -errno;
	memcpy(g->path, a.sun_path, sizeof(g->path));
	snprintf(g->address, sizeof(g->address), "%s", path);
	return listen(fd, 1) ? -errno : 0;
}

static void note_port(struct gdb *g, const char *host)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.v6 = {0}};
	socklen_t len = sizeof(a);
	unsigned port = 0;

	if (!getsockname(g->listener.fd, &a.any, &len))
		port = ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	snprintf(g->address, sizeof(g->address), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		 port);
}

static int listen_at(struct gdb *g, const struct addrinfo *a, const char *host)
{
	static const int on = 1;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	g->listener.fd = fd;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, 1))
		return -errno;
	note_port(g, host);
	return 0;
}

/* ADDR:PORT, or :PORT. */
static int listen_tcp(struct gdb *g, const char *address)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	const char *colon = strrchr(address, ':');
	struct addrinfo *found;
	char host[64] = "127.0.0.1";
	size_t len;
	int ret;

	if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) || !colon[1] ||
	    strlen(colon + 1) > 5 || atoi(colon + 1) > 65535)
		return -EINVAL;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && colon[-1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	if (len && strncmp(address, "localhost:", 10) != 0)
		snprintf(host, sizeof(host), "%.*s", (int)len, address);
	if (getaddrinfo(host, colon + 1, &hints, &found))
		return -EINVAL;
	ret = listen_at(g, found, host);
	freeaddrinfo(found);
	return ret;
}

static int listen_any(struct gdb *g, const char *label, const char *address, struct err *e)
{
	int ret = strncmp(address, "unix:", 5) ? listen_tcp(g, address)
					       : listen_unix(g, address + 5);

	if (!ret)
		ret = loop_fd_add(g->loop, &g->listener);
	if (ret == -EINVAL)
		return err_set(e, ret, "%s%s: give unix:PATH, :PORT or ADDR:PORT", label, address);
	if (ret)
		return err_set(e, ret, "%s%s: cannot listen there: %s", label, address,
			       strerror(-ret));
	return 0;
}

int gdb_new(struct loop *loop, const char *label, const char *address, struct gdb **out,
	    struct err *e)
{
	struct gdb *g = calloc(1, sizeof(*g));
	int ret;

	if (!g)
		return err_set(e, -ENOMEM, "out of memory");
	g->loop = loop;
	g->listener = (struct loop_fd){.fn = accept_client, .arg = g, .fd = -1, .events = EPOLLIN};
	g->client = (struct loop_fd){.fn = client_ready, .arg = g, .fd = -1};
	g->work.fn = work;
	g->work.arg = g;
	g->session.wake = session_wake;
	g->session.arg = g;
	gdb_session_init(&g->session);
	ret = listen_any(g, label, address, e);
	if (ret)
		gdb_free(g);
	else
		*out = g;
	return ret;
}

/* The last word, that the machine has ended, should reach the client. */
static void linger(struct gdb *g)
{
	const struct gdb_output *o = &g->session.out;
	struct pollfd p = {.fd = g->client.fd, .events = POLLOUT};

	while (flush(g) && o->sent < o->len && poll(&p, 1, LINGER_MS) > 0)
		;
}

void gdb_free(struct gdb *g)
{
	if (!g)
		return;
	if (g->client.fd >= 0)
		linger(g);
	g->session.target = NULL;
	drop_client(g);
	loop_task_cancel(g->loop, &g->work);
	loop_fd_del(&g->listener);
	fd_close(&g->listener.fd);
	if (g->path[0])
		unlink(g->path);
	gdb_session_fini(&g->session);
	free(g);
}
