/* SPDX-License-Identifier: GPL-2.0 */
/* Shared memory: what programs tell of, and what the small core tells of. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmdqu.h"

#define SIZE (REMOTE_BUFFERS_SIZE - 4096)

static int send_buffer(int fd, unsigned int cmd_id, unsigned int offset, unsigned int length,
		       unsigned int *param)
{
	struct duo_cmdqu_buffer b = {
		.message = {.cmd_id = cmd_id, .mstime = LONG}, .offset = offset, .length = length};
	int ret = ioctl(fd, DUO_CMDQU_SEND_BUFFER, &b);

	*param = b.message.param;
	return ret;
}

static void bounds(int fd)
{
	static const unsigned int bad[][2] = {
		{0, 0},   {0, SIZE + 1}, {SIZE - 1, 2}, {SIZE, 1},      {1, ~0u},
		{~0u, 1}, {~0u, ~0u},    {SIZE, 0},     {0u - 4096, 1}, {SIZE + 1, 0u - SIZE},
	};
	unsigned int param;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		FAILS(send_buffer(fd, REMOTE_SUM, bad[i][0], bad[i][1], &param), ERANGE);
}

static void sums(int fd, unsigned char *shared)
{
	unsigned int param, sum = 0;

	for (unsigned int i = 0; i < SIZE; i++)
		sum += shared[i] = (unsigned char)(i * 7 + 3);
	CHECK(!send_buffer(fd, REMOTE_SUM, 0, SIZE, &param) && param == sum);
	CHECK(!send_buffer(fd, REMOTE_SUM, SIZE - 1, 1, &param) && param == shared[SIZE - 1]);
	CHECK(!send_buffer(fd, REMOTE_SUM, 1, 2, &param) && param == shared[1] + shared[2]);
}

static void mapping(int fd)
{
	FAILS(mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0, EINVAL);
	FAILS(mmap(NULL, SIZE + 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EINVAL);
	FAILS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, SIZE) == MAP_FAILED ? -1 : 0, EINVAL);
}

/* What the small core points at in its descriptor, which may be anything. */
static void points(int fd)
{
	struct duo_cmdqu_buffer b = {.message = {.cmd_id = REMOTE_NEWS}};

	CHECK(!ioctl(fd, DUO_CMDQU_REQUEST, &b.message));
	for (unsigned int kind = REMOTE_POINT_GOOD; kind <= REMOTE_POINT_AWAY; kind++) {
		CHECK(ask(fd, REMOTE_POINT, kind) == REMOTE_DONE);
		CHECK(read(fd, &b.message, sizeof(b.message)) == sizeof(b.message));
		if (kind == REMOTE_POINT_GOOD)
			CHECK(!ioctl(fd, DUO_CMDQU_FIND_BUFFER, &b) && !b.offset && b.length == 16);
		else
			FAILS(ioctl(fd, DUO_CMDQU_FIND_BUFFER, &b), ERANGE);
	}
	CHECK(!ioctl(fd, DUO_CMDQU_REQUEST_FREE, &b.message));
	for (unsigned int i = 0; i < 4; i++) {
		static const unsigned int params[] = {0, REMOTE_BUFFERS - 8, REMOTE_BUFFERS + 4,
						      ~0u};

		b.message.param = params[i];
		FAILS(ioctl(fd, DUO_CMDQU_FIND_BUFFER, &b), ERANGE);
	}
}

static unsigned char *map(int fd)
{
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Sleeps of a millisecond, of which each is an interrupt, until it is told to stop. */
struct sleeper {
	atomic_bool stop;
	unsigned int n;
};

static void *sleeps(void *arg)
{
	struct sleeper *s = arg;

	for (; !atomic_load(&s->stop); s->n++)
		usleep(1000);
	return NULL;
}

/* A lock that is never given back. The reply is left in its channel for two seconds, in which all
 * else goes on: on a core that waits with interrupts off nobody would wake up.
 */
void hold_lock(int fd)
{
	struct duo_cmdqu m = {.cmd_id = REMOTE_LED, .mstime = SHORT};
	struct sleeper s = {.n = 0};
	unsigned int param;
	pthread_t thread;

	map(fd)[0] = 0;
	CHECK(!pthread_create(&thread, NULL, sleeps, &s));
	CHECK(!send_buffer(fd, REMOTE_HOLD, 0, 1, &param) && param == REMOTE_DONE);
	atomic_store(&s.stop, true);
	CHECK(!pthread_join(thread, NULL) && s.n > 20);
	FAILS(ioctl(fd, DUO_CMDQU_SEND, &m), ENOLCK);
	FAILS(ioctl(fd, DUO_CMDQU_SEND_WAIT, &m), ENOLCK);
}

/* ... until it is. */
static void held_lock(int fd, unsigned char *shared)
{
	struct duo_cmdqu m = {.cmd_id = REMOTE_LED, .mstime = SHORT};

	hold_lock(fd);
	shared[0] = 1;
	/* It may take the other core a while. */
	while (ioctl(fd, DUO_CMDQU_SEND_WAIT, &m)) {
		CHECK(errno == ENOLCK || errno == ETIMEDOUT);
		usleep(1000);
	}
	CHECK(ask(fd, REMOTE_LED, REMOTE_LED_ON) == REMOTE_DONE);
}

void test_buffers(int fd)
{
	unsigned char *shared = map(fd);

	bounds(fd);
	sums(fd, shared);
	mapping(fd);
	points(fd);
	held_lock(fd, shared);
	CHECK(!munmap(shared, SIZE));
}
