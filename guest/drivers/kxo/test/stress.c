// SPDX-License-Identifier: GPL-2.0
/*
 * kxo-stress SECONDS: many threads at once, until the time is over. Some have tables of their own,
 * some share one and set it up under each other, one stops all games, lets them go on, and ends
 * them for good, one looks at everything. Each frame is of a board that can be.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include <linnet/kxo.h>
#include <testing/check.h>

#include "game/agent.h"

#define CLASS "/sys/class/kxo/kxo/"
#define DEBUG "/sys/kernel/debug/kxo/"

static atomic_bool over;
static atomic_ulong frames_seen;
static int shared;

/* Games that can be; ESHUTDOWN while all have ended. */
static void set_up(int fd, uint64_t *random)
{
	static const __u8 agents[] = {XO_MCTS, XO_NEGAMAX, XO_TD, XO_RANDOM, XO_RANDOM, KXO_USER};
	const struct kxo_setup setup = {
		.seed = random_below(random, 1000),
		.games = random_below(random, 20),
		.boards = (__u8)(1 + random_below(random, KXO_BOARDS_MAX)),
		.agents = {agents[random_below(random, 6)], agents[random_below(random, 6)]},
	};

	CHECK(!ioctl(fd, KXO_IOCSETUP, &setup) || errno == ESHUTDOWN);
}

/* A move where one is asked for; on a shared table others may have been quicker. */
static void answer(int fd, const struct kxo_frame *frame, uint64_t *random)
{
	struct kxo_move move = {.board = frame->board};

	if (!(frame->flags & KXO_YOUR_MOVE))
		return;
	for (int tries = 0; tries < 100; tries++) {
		move.cell = (__u8)random_below(random, XO_CELLS);
		if (write(fd, &move, sizeof(move)) == sizeof(move))
			return;
		CHECK(errno == EINVAL || errno == EBUSY);
	}
}

/* What is there to be read; false when nothing came for a while, or nothing comes any more. */
static bool play(int fd, uint64_t *random)
{
	struct kxo_frame frames[8];
	struct xo_board b;
	ssize_t n;

	CHECK(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 20) >= 0);
	n = read(fd, frames, sizeof(frames));
	CHECK(n >= 0 || errno == EAGAIN);
	CHECK(n < 0 || n % (ssize_t)sizeof(frames[0]) == 0);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(frames[0]); i++) {
		CHECK(frames[i].board < KXO_BOARDS_MAX && xo_unpack(frames[i].cells, &b));
		CHECK(xo_result(&b) == frames[i].result);
		CHECK((frames[i].last == KXO_NO_CELL) == (xo_ply(&b) == 0));
		answer(fd, &frames[i], random);
		frames_seen++;
	}
	return n > 0;
}

static void *own_table(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg;

	while (!over) {
		int fd = open("/dev/kxo", O_RDWR | O_NONBLOCK);

		CHECK(fd >= 0);
		if (random_below(&random, 4))
			set_up(fd, &random);
		for (uint32_t i = random_below(&random, 50); i && play(fd, &random); i--)
			;
		close(fd);
	}
	return NULL;
}

static void *shared_table(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg + 100;
	struct kxo_stats stats;

	while (!over) {
		if (!random_below(&random, 30))
			set_up(shared, &random);
		play(shared, &random);
		CHECK(!ioctl(shared, KXO_IOCGSTATS, &stats));
		CHECK(stats.bytes == stats.frames * sizeof(struct kxo_frame));
	}
	return NULL;
}

static void tell(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Games go on for most of the time. */
static void *stop_and_go(void *arg)
{
	static const char *const states[] = {"1 0 0", "0 1 0", "1 1 1"};
	static const char *const ticks[] = {"200", "1000", "4000"};
	uint64_t random = (uint64_t)(uintptr_t)arg;

	while (!over) {
		tell(CLASS "kxo_state", states[random_below(&random, 3)]);
		usleep(random_below(&random, 5000));
		tell(CLASS "kxo_state", "1 1 0");
		tell(CLASS "tick_us", ticks[random_below(&random, 3)]);
		usleep(20000 + random_below(&random, 50000));
	}
	tell(CLASS "tick_us", "4000");
	return NULL;
}

static void *look(void *arg)
{
	static const char *const files[] = {CLASS "kxo_state", DEBUG "latency", DEBUG "traffic",
					    DEBUG "games"};
	char text[5000];

	(void)arg;
	while (!over) {
		for (size_t i = 0; i < COUNT_OF(files); i++) {
			int fd = open(files[i], O_RDONLY);

			CHECK(fd >= 0 && read(fd, text, sizeof(text)) > 0);
			close(fd);
		}
		usleep(1000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static void *(*const roles[])(void *) = {own_table,    own_table,   own_table, shared_table,
						 shared_table, stop_and_go, look};
	pthread_t threads[COUNT_OF(roles)];

	if (argc != 2)
		return 2;
	shared = open("/dev/kxo", O_RDWR | O_NONBLOCK);
	CHECK(shared >= 0);
	for (uintptr_t i = 0; i < COUNT_OF(roles); i++)
		CHECK(!pthread_create(&threads[i], NULL, roles[i], (void *)i));
	sleep((unsigned int)strtoul(argv[1], NULL, 0));
	over = true;
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(frames_seen > 0);
	close(shared);
	return 0;
}
