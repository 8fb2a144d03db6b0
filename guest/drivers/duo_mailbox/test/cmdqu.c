/* SPDX-License-Identifier: GPL-2.0 */
/* duo-cmdqu [led|full|crash|hold|lost|id|index|length]: /dev/cvi-rtos-cmdqu beside the firmware
 * guest/firmware/bare/remote.c. Without a word all that leaves that core alive; `led` is one
 * message; `full`, `crash` and `hold` end with a core that is stuck, in three ways; `lost` restarts
 * it under one who waits for a reply; `id`, `index` and `length` have it lie in a ring of RPMsg.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "cmdqu.h"

unsigned int ask(int fd, unsigned int cmd_id, unsigned int param)
{
	struct duo_cmdqu m = {.cmd_id = cmd_id, .mstime = LONG, .param = param};

	CHECK(!ioctl(fd, DUO_CMDQU_SEND_WAIT, &m));
	CHECK(m.cmd_id == cmd_id && m.ip_id == 0 && m.mstime == 0);
	return m.param;
}

static void no_reply(int fd)
{
	struct duo_cmdqu m = {.ip_id = 3, .cmd_id = REMOTE_SILENT, .mstime = SHORT, .param = 9};

	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAIT, &m), ETIMEDOUT);
	CHECK(m.ip_id == 3 && m.cmd_id == REMOTE_SILENT && m.mstime == SHORT && m.param == 9);
	m.mstime = 0;
	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAIT, &m), ETIMEDOUT);
	CHECK(!ioctl(fd, DUO_CMDQU_SEND, &m));
}

static void bad_arguments(int fd)
{
	static const unsigned int commands[] = {DUO_CMDQU_SEND, DUO_CMDQU_REQUEST,
						DUO_CMDQU_SEND_WAIT, DUO_CMDQU_REQUEST_FREE,
						DUO_CMDQU_SEND_WAKEUP};
	struct duo_cmdqu m = {.cmd_id = 0x80};

	for (unsigned int i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		FAILS(ioctl(fd, commands[i], &m), EINVAL);
		FAILS(ioctl(fd, commands[i], nowhere()), EFAULT);
	}
	m.cmd_id = REMOTE_LED;
	FAILS(ioctl(fd, _IOW('r', 6, struct duo_cmdqu), &m), ENOTTY);
	FAILS(ioctl(fd, _IOW('r', 1, char), &m), ENOTTY);
	FAILS(ioctl(fd, _IOW('s', 1, struct duo_cmdqu), &m), ENOTTY);
	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAKEUP, &m), ENOENT);
	FAILS(ioctl(fd, DUO_CMDQU_REQUEST_FREE, &m), ENOENT);
	FAILS(read(fd, &m, 7), EINVAL);
}

/* ---- two that want the same ---- */

struct wait {
	int fd;
	atomic_int error; /* -1 as long as it waits */
	struct duo_cmdqu message;
};

/* Until it is the one who waits. */
static void *waits(void *arg)
{
	struct wait *w = arg;
	int error;

	do
		error = ioctl(w->fd, DUO_CMDQU_SEND_WAIT, &w->message) ? errno : 0;
	while (error == EALREADY || error == EBUSY);
	atomic_store(&w->error, error);
	return NULL;
}

static void two_waiters(int fd)
{
	struct wait w = {
		.fd = fd,
		.message = {.ip_id = 5, .cmd_id = REMOTE_SILENT, .mstime = DUO_CMDQU_FOREVER}};
	struct duo_cmdqu m = {.ip_id = 5, .cmd_id = REMOTE_SILENT, .mstime = 0};
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, waits, &w));
	while (ioctl(fd, DUO_CMDQU_SEND_WAIT, &m) && errno != EALREADY)
		CHECK(errno == ETIMEDOUT || errno == EBUSY); /* the thread has yet to come there */
	m.ip_id = 6;
	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAIT, &m), ETIMEDOUT);
	m.ip_id = 5;
	CHECK(!ioctl(fd, DUO_CMDQU_SEND_WAKEUP, &m));
	CHECK(!pthread_join(thread, NULL));
	CHECK(w.error == ECANCELED);
	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAKEUP, &m), ENOENT);
}

static void nothing(int sig)
{
	(void)sig;
}

/* Also where calls are to go on after a signal: it would send once more. A signal that comes before
 * the thread waits is for nothing.
 */
static void a_signal(int fd, int flags)
{
	const struct sigaction action = {.sa_handler = nothing, .sa_flags = flags};
	struct wait w = {.fd = fd,
			 .error = -1,
			 .message = {.cmd_id = REMOTE_SILENT, .mstime = DUO_CMDQU_FOREVER}};
	pthread_t thread;

	CHECK(!sigaction(SIGUSR1, &action, NULL));
	CHECK(!pthread_create(&thread, NULL, waits, &w));
	while (atomic_load(&w.error) < 0) {
		CHECK(!pthread_kill(thread, SIGUSR1));
		usleep(1000);
	}
	CHECK(!pthread_join(thread, NULL) && w.error == EINTR);
}

#define N_THREADS 8
#define N_ASKS    50

static void *asks(void *arg)
{
	struct wait *w = arg;

	for (unsigned int i = 0; i < N_ASKS && !w->error; i++) {
		struct duo_cmdqu m = w->message;

		/* Others may have filled all channels. */
		while (ioctl(w->fd, DUO_CMDQU_SEND_WAIT, &m))
			if (errno != EBUSY) {
				w->error = errno;
				return NULL;
			}
		w->error = m.param == REMOTE_DONE && m.ip_id == w->message.ip_id ? 0 : EPROTO;
	}
	return NULL;
}

static void many(int fd)
{
	struct wait w[N_THREADS];
	pthread_t thread[N_THREADS];

	for (unsigned int i = 0; i < N_THREADS; i++) {
		w[i] = (struct wait){
			.fd = fd, .message = {.ip_id = i, .cmd_id = REMOTE_FLOOD, .mstime = LONG}};
		CHECK(!pthread_create(&thread[i], NULL, asks, &w[i]));
	}
	for (unsigned int i = 0; i < N_THREADS; i++) {
		CHECK(!pthread_join(thread[i], NULL));
		errno = w[i].error;
		CHECK(!w[i].error);
	}
}

/* ---- messages that come by themselves ---- */

static void expect_news(int fd, unsigned int first, unsigned int end)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct duo_cmdqu m;

	for (unsigned int i = first; i < end; i++) {
		CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
		CHECK(read(fd, &m, sizeof(m)) == sizeof(m));
		CHECK(m.cmd_id == REMOTE_NEWS && m.ip_id == 0 && m.param == i);
	}
	CHECK(poll(&p, 1, 0) == 0);
}

static void news(int fd)
{
	int reader = open(DEVICE, O_RDWR | O_NONBLOCK);
	struct duo_cmdqu m = {.cmd_id = REMOTE_NEWS};

	CHECK(reader >= 0);
	FAILS(read(reader, &m, sizeof(m)), EAGAIN);
	CHECK(!ioctl(reader, DUO_CMDQU_REQUEST, &m));
	FAILS(ioctl(reader, DUO_CMDQU_REQUEST, &m), EBUSY);
	FAILS(ioctl(fd, DUO_CMDQU_REQUEST, &m), EBUSY);
	FAILS(ioctl(fd, DUO_CMDQU_REQUEST_FREE, &m), ENOENT);
	/* Messages come in their order: the reply behind the news. */
	CHECK(ask(fd, REMOTE_FLOOD, 30) == REMOTE_DONE);
	expect_news(reader, 0, 30);
	/* More than a file keeps. */
	CHECK(ask(fd, REMOTE_FLOOD, 100) == REMOTE_DONE);
	FAILS(read(reader, &m, sizeof(m)), EOVERFLOW);
	expect_news(reader, 0, 32);
	m.cmd_id = REMOTE_NEWS;
	CHECK(!ioctl(reader, DUO_CMDQU_REQUEST_FREE, &m));
	CHECK(ask(fd, REMOTE_FLOOD, 3) == REMOTE_DONE);
	FAILS(read(reader, &m, sizeof(m)), EAGAIN);
	m.cmd_id = REMOTE_NEWS;
	CHECK(!ioctl(reader, DUO_CMDQU_REQUEST, &m));
	CHECK(!close(reader));
	CHECK(!ioctl(fd, DUO_CMDQU_REQUEST, &m) && !ioctl(fd, DUO_CMDQU_REQUEST_FREE, &m));
}

/* Nobody takes anything out of the channels any more. */
static void full(int fd)
{
	struct duo_cmdqu m = {.cmd_id = REMOTE_HANG, .mstime = SHORT};

	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAIT, &m), ETIMEDOUT);
	m.cmd_id = REMOTE_LED;
	for (unsigned int i = 0; i < 8; i++)
		CHECK(!ioctl(fd, DUO_CMDQU_SEND, &m));
	FAILS(ioctl(fd, DUO_CMDQU_SEND, &m), EBUSY);
	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAIT, &m), EBUSY);
}

/* Never executes what it should. */
static void crash(int fd)
{
	struct duo_cmdqu m = {.cmd_id = REMOTE_CRASH, .mstime = SHORT};

	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAIT, &m), ETIMEDOUT);
}

static void tell_state(const char *word)
{
	int fd = open("/sys/class/remoteproc/remoteproc0/state", O_WRONLY);

	CHECK(fd >= 0 && write(fd, word, strlen(word)) > 0 && !close(fd));
}

/* Until it waits, which nobody but itself knows, the core is stopped again. */
static void lost(int fd)
{
	struct wait w = {.fd = fd,
			 .error = -1,
			 .message = {.cmd_id = REMOTE_SILENT, .mstime = DUO_CMDQU_FOREVER}};
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, waits, &w));
	while (atomic_load(&w.error) < 0) {
		tell_state("stop");
		tell_state("start");
		usleep(1000);
	}
	CHECK(!pthread_join(thread, NULL) && w.error == ECONNRESET);
}

static void all(int fd)
{
	no_reply(fd);
	bad_arguments(fd);
	two_waiters(fd);
	a_signal(fd, 0);
	a_signal(fd, SA_RESTART);
	many(fd);
	news(fd);
	CHECK(ask(fd, REMOTE_EMPTY, 0) == REMOTE_DONE);
	test_buffers(fd);
}

static void led(int fd)
{
	CHECK(ask(fd, REMOTE_LED, REMOTE_LED_ON) == REMOTE_DONE);
}

static void lie_id(int fd)
{
	CHECK(ask(fd, REMOTE_RING, REMOTE_RING_ID) == REMOTE_DONE);
}

static void lie_index(int fd)
{
	CHECK(ask(fd, REMOTE_RING, REMOTE_RING_INDEX) == REMOTE_DONE);
}

static void lie_length(int fd)
{
	CHECK(ask(fd, REMOTE_RING, REMOTE_RING_LENGTH) == REMOTE_DONE);
}

static const struct {
	const char *word;
	void (*run)(int fd);
} modes[] = {{"all", all},     {"led", led},         {"full", full},
	     {"crash", crash}, {"hold", hold_lock},  {"lost", lost},
	     {"id", lie_id},   {"index", lie_index}, {"length", lie_length}};

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "all";
	int fd = open(DEVICE, O_RDWR);

	CHECK(fd >= 0);
	led(fd);
	for (unsigned int i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i].word, word)) {
			modes[i].run(fd);
			return 0;
		}
	return 2;
}
