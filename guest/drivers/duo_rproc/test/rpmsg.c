/* SPDX-License-Identifier: GPL-2.0 */
/* duo-rpmsg sizes|cycles N: RPMsg with the firmware guest/firmware/apps/rpmsg.c. `cycles` starts
 * and stops the core N times under traffic; for the other it runs. duo-rpmsg full|blocked: with
 * bare/remote.c, which takes no message; at the end of `blocked` it is stopped.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rpmsg.h>

#include <testing/check.h>

#define MAX     496 /* bytes in a message */
#define ENOUGH  200 /* messages, before the core is stopped */
#define BUFFERS 256 /* for one direction */
#define NOBODY  99  /* has this address */

static int open_when_there(const char *path)
{
	int fd;

	while ((fd = open(path, O_RDWR)) < 0)
		usleep(5000);
	return fd;
}

static void sizes(void)
{
	int fd = open_when_there("/dev/rpmsg0");
	uint8_t out[MAX + 1], in[MAX + 1];

	for (unsigned int n = 1; n <= MAX; n++) {
		for (unsigned int i = 0; i < n; i++)
			out[i] = (uint8_t)(i * 31 + n);
		CHECK(write(fd, out, n) == (ssize_t)n);
		CHECK(read(fd, in, sizeof(in)) == (ssize_t)n && !memcmp(in, out, n));
	}
	FAILS(write(fd, out, MAX + 1), EMSGSIZE);
}

static void tell_state(const char *word)
{
	int fd = open("/sys/class/remoteproc/remoteproc0/state", O_WRONLY);

	CHECK(fd >= 0 && write(fd, word, strlen(word)) > 0 && !close(fd));
}

/* ---- a full ring ---- */

/* Without a channel an endpoint has the first device file. */
static int fill(void)
{
	struct rpmsg_endpoint_info info = {.name = "full", .src = 0x400, .dst = NOBODY};
	int maker = open_when_there("/dev/rpmsg_ctrl0"), fd;
	unsigned int n = 0;

	CHECK(!ioctl(maker, RPMSG_CREATE_EPT_IOCTL, &info) && !close(maker));
	fd = open_when_there("/dev/rpmsg0");
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	while (write(fd, &n, sizeof(n)) == sizeof(n))
		n++;
	CHECK(n == BUFFERS && (errno == ENOMEM || errno == EAGAIN));
	return fd;
}

static void full(void)
{
	CHECK(!ioctl(fill(), RPMSG_DESTROY_EPT_IOCTL));
}

static void *sleep_for_buffer(void *arg)
{
	CHECK(write(*(int *)arg, "x", 1) == -1);
	return arg;
}

/* The kernel waits 15 seconds for a buffer, the end of the core or not. */
static void blocked(void)
{
	int fd = fill();
	pthread_t sender;

	CHECK(!fcntl(fd, F_SETFL, 0) && !pthread_create(&sender, NULL, sleep_for_buffer, &fd));
	tell_state("stop");
	CHECK(!pthread_join(sender, NULL) && !close(fd));
}

/* ---- under traffic ---- */

/* A message tells in which cycle it was sent, and as which one. */
struct message {
	uint32_t cycle, n;
};

struct traffic {
	int fd;
	uint32_t cycle;
	atomic_uint answers;
};

static void expect_gone(void)
{
	CHECK(errno == EPIPE || errno == ENODEV || errno == ENXIO);
}

/* As many as go, until the channel goes. */
static void *ask(void *arg)
{
	const struct traffic *t = arg;
	struct message m = {.cycle = t->cycle};

	do
		m.n++;
	while (write(t->fd, &m, sizeof(m)) == sizeof(m));
	expect_gone();
	return NULL;
}

/* The answers that came are those to the first messages: none is missing, doubled or of before. */
static void *hear(void *arg)
{
	struct traffic *t = arg;
	struct message got;

	while (read(t->fd, &got, sizeof(got)) == sizeof(got))
		CHECK(got.cycle == t->cycle && got.n == atomic_fetch_add(&t->answers, 1) + 1);
	expect_gone();
	return NULL;
}

static void cycle(uint32_t number)
{
	struct traffic t = {.cycle = number};
	pthread_t asker, hearer;

	tell_state("start");
	t.fd = open_when_there("/dev/rpmsg0");
	CHECK(!pthread_create(&asker, NULL, ask, &t) && !pthread_create(&hearer, NULL, hear, &t));
	while (atomic_load(&t.answers) < ENOUGH)
		usleep(1000);
	tell_state("stop");
	CHECK(!pthread_join(asker, NULL) && !pthread_join(hearer, NULL));
	close(t.fd);
	CHECK(access("/dev/rpmsg0", F_OK));
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (!strcmp(word, "sizes"))
		sizes();
	else if (!strcmp(word, "full"))
		full();
	else if (!strcmp(word, "blocked"))
		blocked();
	else if (!strcmp(word, "cycles") && argc > 2)
		for (int n = atoi(argv[2]); n; n--)
			cycle((uint32_t)n);
	else
		return 2;
	return 0;
}
