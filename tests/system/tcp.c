/* SPDX-License-Identifier: MIT */
/*
 * TCP connections by the thousand: the server for the host, the clients for the guest.
 *
 *	tcp serve ADDRESS	listens on some port of ADDRESS, prints "port=N", and serves until
 * killed
 *	tcp exchange ADDRESS PORT N ROUNDS
 *		opens N connections at once; over each, ROUNDS messages of 64 bytes go there and
 *		come back, which are compared. Prints how many came back; the status is 1 if not all
 *	tcp bulk up|down ADDRESS PORT N MB
 *		MB megabytes in all over N connections at once; prints how evenly they were shared:
 *		1.00 is even, 1/N is one connection alone (Jain's index)
 *	tcp ping ADDRESS PORT COUNT
 *		one connection with COUNT messages one after the other (0: until standard input
 *		ends); prints how many, and the median, 99th percentile and maximum in us
 *	tcp wait ADDRESS PORT
 *		one connection with a message at once and another one when standard input has ended
 *	tcp knock ADDRESS N ROOM
 *		begins N connections to who never answers, and waits until all but ROOM were turned
 *		away
 *
 * All clients wait for their end in one epoll. The server is several such processes, as a process
 * may have fewer descriptors than that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE    64u
#define WORKERS    4
#define CONNECTING 256u /* at a time, so that no queue of the host's overflows */
#define PING_MAX   (1u << 20)

struct flow {
	int fd;
	unsigned index;
	bool open;
	unsigned rounds;
	unsigned at; /* bytes of this message that are here */
	uint64_t bytes;
	uint8_t message[MESSAGE];
};

static int epoll_fd;
static uint8_t block[1 << 16];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static void need(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

static void watch(int op, int fd, uint32_t events, void *of)
{
	struct epoll_event e = {.events = events, .data.ptr = of};

	need(!epoll_ctl(epoll_fd, op, fd, &e), "epoll_ctl");
}

static int new_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0), on = 1;

	need(fd >= 0, "socket");
	need(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
	return fd;
}

static struct sockaddr_in address(const char *host, unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	need(inet_pton(AF_INET, host, &a.sin_addr) == 1, host);
	return a;
}

/* ---- the server ---- */

struct client {
	int fd;
	bool known; /* the first byte has come: e(cho), u(p), d(own) */
	char what;
};

static void echo(const struct client *c, size_t n)
{
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};

	for (size_t at = 0; at < n;) {
		ssize_t k = send(c->fd, block + at, n - at, MSG_NOSIGNAL);

		if (k > 0)
			at += (size_t)k;
		else if (errno != EAGAIN || poll(&p, 1, -1) < 0)
			return; /* the client is gone: the next read tells */
	}
}

/* False: it has ended. */
static bool serve_client(struct client *c)
{
	ssize_t n;

	if (!c->known) {
		n = recv(c->fd, &c->what, 1, 0);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		c->known = true;
		if (c->what == 'd')
			watch(EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
	}
	if (c->what == 'd') {
		n = send(c->fd, block, sizeof(block), MSG_NOSIGNAL);
	} else {
		n = recv(c->fd, block, sizeof(block), 0);
		if (n > 0 && c->what == 'e')
			echo(c, (size_t)n);
	}
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static _Noreturn void serve(int listener)
{
	static struct client nobody;
	struct epoll_event e[64];

	epoll_fd = epoll_create1(0);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLEXCLUSIVE, &nobody);
	for (;;) {
		int n = epoll_wait(epoll_fd, e, 64, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = e[i].data.ptr;

			if (c != &nobody && !serve_client(c)) {
				close(c->fd);
				free(c);
			} else if (c == &nobody) {
				int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

				if (fd < 0)
					continue; /* another worker was quicker */
				c = calloc(1, sizeof(*c));
				need(c, "serve");
				c->fd = fd;
				watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
			}
		}
	}
}

static int serve_all(const char *host)
{
	struct sockaddr_in a = address(host, 0);
	socklen_t len = sizeof(a);
	int fd = new_socket(SOCK_NONBLOCK);

	need(!bind(fd, (struct sockaddr *)&a, len) && !listen(fd, 4096) &&
		     !getsockname(fd, (struct sockaddr *)&a, &len),
	     "listen");
	for (int i = 1; i < WORKERS; i++) {
		pid_t parent = getpid();

		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				exit(1);
			serve(fd);
		}
	}
	printf("port=%u\n", ntohs(a.sin_port));
	(void)fflush(stdout);
	serve(fd);
}

/* ---- many flows ---- */

static void flow_begin(struct flow *f, unsigned index, const struct sockaddr_in *to)
{
	f->index = index;
	f->fd = new_socket(SOCK_NONBLOCK);
	if (connect(f->fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS)
		die("connect");
	watch(EPOLL_CTL_ADD, f->fd, EPOLLOUT, f);
}

/* Connects all, and tells the server what each is for. */
static struct flow *flows_open(const char *host, unsigned port, unsigned n, char what)
{
	struct sockaddr_in to = address(host, port);
	struct flow *flow = calloc(n, sizeof(*flow));
	unsigned begun = 0, open = 0;
	struct epoll_event e[64];

	need(flow, "flows");
	epoll_fd = epoll_create1(0);
	while (open < n) {
		int got, code;
		socklen_t len = sizeof(code);

		for (; begun < n && begun - open < CONNECTING; begun++)
			flow_begin(&flow[begun], begun, &to);
		got = epoll_wait(epoll_fd, e, 64, -1);
		for (int i = 0; i < got; i++) {
			struct flow *f = e[i].data.ptr;

			need(!getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &code, &len), "SO_ERROR");
			errno = code;
			need(!f->open && !code && send(f->fd, &what, 1, MSG_NOSIGNAL) == 1,
			     "connection");
			f->open = true;
			watch(EPOLL_CTL_MOD, f->fd, 0, f);
			open++;
		}
	}
	return flow;
}

static void make_message(const struct flow *f, uint8_t message[MESSAGE])
{
	uint32_t x = f->index * 2654435761u ^ f->rounds * 40503u;

	for (unsigned i = 0; i < MESSAGE; i++) {
		x = x * 1664525u + 1013904223u;
		message[i] = (uint8_t)(x >> 24);
	}
}

static void send_message(const struct flow *f)
{
	uint8_t message[MESSAGE];

	make_message(f, message);
	need(send(f->fd, message, MESSAGE, MSG_NOSIGNAL) == MESSAGE, "a message");
}

/* Takes what is there of a message. True: it is complete, and the one that was sent. */
static bool take_message(struct flow *f)
{
	uint8_t expected[MESSAGE];
	ssize_t n = recv(f->fd, f->message + f->at, MESSAGE - f->at, 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		fprintf(stderr, "connection %u ended in round %u\n", f->index, f->rounds);
		exit(1);
	}
	f->at += (unsigned)n;
	if (f->at < MESSAGE)
		return false;
	make_message(f, expected);
	if (memcmp(expected, f->message, MESSAGE)) {
		fprintf(stderr, "connection %u got another message in round %u\n", f->index,
			f->rounds);
		exit(1);
	}
	f->at = 0;
	f->rounds++;
	return true;
}

static int exchange(const char *host, unsigned port, unsigned n, unsigned rounds)
{
	struct flow *flow = flows_open(host, port, n, 'e');
	struct epoll_event e[64];
	unsigned over = 0;

	for (unsigned i = 0; i < n; i++) {
		watch(EPOLL_CTL_MOD, flow[i].fd, EPOLLIN, &flow[i]);
		send_message(&flow[i]);
	}
	while (over < n) {
		int got = epoll_wait(epoll_fd, e, 64, -1);

		for (int i = 0; i < got; i++) {
			struct flow *f = e[i].data.ptr;

			if (!take_message(f))
				continue;
			if (f->rounds < rounds)
				send_message(f);
			else
				over++;
		}
	}
	printf("%u connections, %llu messages\n", n, (unsigned long long)n * rounds);
	free(flow);
	return 0;
}

static int bulk(bool up, const char *host, unsigned port, unsigned n, uint64_t mb)
{
	struct flow *flow = flows_open(host, port, n, up ? 'u' : 'd');
	uint64_t left = mb << 20;
	double sum = 0, squares = 0;
	struct epoll_event e[64];

	for (unsigned i = 0; i < n; i++)
		watch(EPOLL_CTL_MOD, flow[i].fd, up ? EPOLLOUT : EPOLLIN, &flow[i]);
	while (left) {
		int got = epoll_wait(epoll_fd, e, 64, -1);

		for (int i = 0; i < got; i++) {
			struct flow *f = e[i].data.ptr;
			ssize_t k = up ? send(f->fd, block, sizeof(block), MSG_NOSIGNAL)
				       : recv(f->fd, block, sizeof(block), 0);

			need(k > 0 || errno == EAGAIN, "bulk");
			if (k > 0) {
				f->bytes += (uint64_t)k;
				left -= left < (uint64_t)k ? left : (uint64_t)k;
			}
		}
	}
	for (unsigned i = 0; i < n; i++) {
		sum += (double)flow[i].bytes;
		squares += (double)flow[i].bytes * (double)flow[i].bytes;
	}
	printf("%u connections, %llu MB, evenness %.2f\n", n, (unsigned long long)mb,
	       sum * sum / (n * squares));
	free(flow);
	return 0;
}

/* ---- one ---- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool input_ended(void)
{
	struct pollfd p = {.fd = 0, .events = POLLIN};
	char c;

	return poll(&p, 1, 0) == 1 && read(0, &c, 1) <= 0;
}

static int ping(const char *host, unsigned port, unsigned count)
{
	struct flow *f = flows_open(host, port, 1, 'e');
	uint32_t *took = calloc(PING_MAX, sizeof(*took));
	unsigned n = 0;

	need(took, "ping");
	fcntl(f->fd, F_SETFL, 0);
	while (n < PING_MAX && (count ? n < count : !input_ended())) {
		uint64_t from = now_us();

		send_message(f);
		while (!take_message(f))
			;
		took[n++] = (uint32_t)(now_us() - from);
	}
	qsort(took, n, sizeof(*took), by_value);
	printf("%u round trips, us: median %u, 99 %% %u, longest %u\n", n, took[n / 2],
	       took[(uint64_t)n * 99 / 100], took[n - 1]);
	free(took);
	free(f);
	return 0;
}

static int wait_for_end(const char *host, unsigned port)
{
	struct flow *f = flows_open(host, port, 1, 'e');
	struct pollfd p = {.fd = 0, .events = POLLIN};

	fcntl(f->fd, F_SETFL, 0);
	while (f->rounds < 2) {
		send_message(f);
		while (!take_message(f))
			;
		while (f->rounds == 1 && poll(&p, 1, -1) >= 0 && !input_ended())
			;
	}
	printf("waited, and was heard\n");
	free(f);
	return 0;
}

/* ---- those whom nobody answers ---- */

static unsigned knock_reap(int timeout_ms)
{
	struct epoll_event e[64];
	int got = epoll_wait(epoll_fd, e, 64, timeout_ms);

	for (int i = 0; i < got; i++)
		close(e[i].data.fd);
	return got > 0 ? (unsigned)got : 0;
}

static int knock(const char *host, unsigned n, unsigned room)
{
	struct sockaddr_in to = address(host, 9);
	unsigned ended = 0;

	epoll_fd = epoll_create1(0);
	for (unsigned i = 0; i < n; i++) {
		struct epoll_event e = {.events = EPOLLIN};

		e.data.fd = new_socket(SOCK_NONBLOCK);
		need(connect(e.data.fd, (struct sockaddr *)&to, sizeof(to)) && errno == EINPROGRESS,
		     "knock");
		need(!epoll_ctl(epoll_fd, EPOLL_CTL_ADD, e.data.fd, &e), "epoll_ctl");
		ended += knock_reap(0);
	}
	while (ended + room < n)
		ended += knock_reap(-1);
	printf("%u knocked, %u were turned away\n", n, ended);
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit r = {65536, 65536};
	const char *what = argc > 2 ? argv[1] : "";
	unsigned number[4] = {0};

	if (setrlimit(RLIMIT_NOFILE, &r) && !getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r); /* what there is has to do */
	}
	for (int i = 3; i < argc && i < 7; i++)
		number[i - 3] = (unsigned)strtoul(argv[i], NULL, 10);
	if (!strcmp(what, "serve"))
		return serve_all(argv[2]);
	if (!strcmp(what, "exchange") && argc == 6)
		return exchange(argv[2], number[0], number[1], number[2]);
	if (!strcmp(what, "bulk") && argc == 7)
		return bulk(!strcmp(argv[2], "up"), argv[3], number[1], number[2], number[3]);
	if (!strcmp(what, "ping") && argc == 5)
		return ping(argv[2], number[0], number[1]);
	if (!strcmp(what, "wait") && argc == 4)
		return wait_for_end(argv[2], number[0]);
	if (!strcmp(what, "knock") && argc == 5)
		return knock(argv[2], number[0], number[1]);
	fprintf(stderr, "usage: see the source\n");
	return 2;
}
