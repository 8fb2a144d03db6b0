// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kxo call by call: kxo-io, for ../test.sh. Says what was expected and ends with 1 where it
 * fails.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linnet/kxo.h>
#include <testing/check.h>

#include "game/agent.h"
#include "game/record.h"

#define STATE "/sys/class/kxo/kxo/kxo_state"

static int open_kxo(int flags)
{
	int fd = open("/dev/kxo", O_RDWR | flags);

	CHECK(fd >= 0);
	return fd;
}

static void set_up(int fd, __u8 x, __u8 o, __u8 boards, __u32 games)
{
	const struct kxo_setup setup = {
		.seed = 7, .games = games, .boards = boards, .agents = {x, o}};

	CHECK(ioctl(fd, KXO_IOCSETUP, &setup) == 0);
}

static void set_state(const char *state)
{
	int fd = open(STATE, O_WRONLY);

	CHECK(fd >= 0);
	CHECK(write(fd, state, strlen(state)) == (ssize_t)strlen(state));
	close(fd);
}

/* The next frame, waiting for it; false at the end. */
static bool next_frame(int fd, struct kxo_frame *frame)
{
	ssize_t n = read(fd, frame, sizeof(*frame));

	CHECK(n == 0 || n == (ssize_t)sizeof(*frame));
	return n > 0;
}

static void refusals(void)
{
	const struct kxo_setup bad[] = {
		{.boards = 0},
		{.boards = KXO_BOARDS_MAX + 1},
		{.boards = 1, .agents = {XO_AGENTS, 0}},
		{.boards = 1, .agents = {0, KXO_USER - 1}},
		{.boards = 1, .zero = 1},
	};
	int fd = open_kxo(0);
	char bytes[8] = "";

	FAILS(read(fd, bytes, 7), EINVAL);
	FAILS(read(fd, bytes, 0), EINVAL);
	FAILS(read(fd, nowhere(), 8), EFAULT);
	FAILS(write(fd, bytes, 1), EINVAL);
	FAILS(write(fd, bytes, 3), EINVAL);
	FAILS(write(fd, nowhere(), sizeof(struct kxo_move)), EFAULT);
	FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
	FAILS(ioctl(fd, KXO_IOCSETUP, nowhere()), EFAULT);
	FAILS(ioctl(fd, KXO_IOCGSTATS, nowhere()), EFAULT);
	FAILS(ioctl(fd, SCULL_IOCRESET), ENOTTY);
	FAILS(ioctl(fd, _IO(LINNET_IOC_KXO, 99)), ENOTTY);
	FAILS(ioctl(fd, _IOW(LINNET_IOC_KXO, 0, int), bytes), ENOTTY);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		FAILS(ioctl(fd, KXO_IOCSETUP, &bad[i]), EINVAL);
	close(fd);
}

/* A game of ours, move by move, against the rules and out of turn. */
static void own_moves(void)
{
	static const __u8 cells[] = {2, 13, 0, 14, 1};
	struct kxo_frame frame;
	struct kxo_move move = {.board = 0};
	struct kxo_stats stats;
	struct xo_board b;
	int fd = open_kxo(0);

	set_up(fd, KXO_USER, KXO_USER, 1, 1);
	for (unsigned int i = 0; i <= 5; i++) {
		CHECK(next_frame(fd, &frame));
		CHECK(xo_unpack(frame.cells, &b) && xo_ply(&b) == i);
		CHECK(frame.board == 0 && frame.last == (i ? cells[i - 1] : KXO_NO_CELL));
		CHECK(frame.flags == (i < 5 ? KXO_YOUR_MOVE : 0));
		CHECK(frame.result == (i < 5 ? XO_RUNNING : XO_X_WON));
		if (i == 5)
			break;
		move = (struct kxo_move){.board = 1, .cell = cells[i]};
		FAILS(write(fd, &move, sizeof(move)), EINVAL);
		move = (struct kxo_move){.board = 0, .cell = XO_CELLS};
		FAILS(write(fd, &move, sizeof(move)), EINVAL);
		if (i) {
			move.cell = cells[0];
			FAILS(write(fd, &move, sizeof(move)), EINVAL);
		}
		move.cell = cells[i];
		CHECK(write(fd, &move, sizeof(move)) == sizeof(move));
	}
	FAILS(write(fd, &move, sizeof(move)), EBUSY);
	CHECK(!next_frame(fd, &frame));
	CHECK(!next_frame(fd, &frame));
	CHECK(ioctl(fd, KXO_IOCGSTATS, &stats) == 0);
	CHECK(stats.frames == 6 && stats.bytes == 48 && stats.games == 1);
	CHECK(stats.moves[0] == 0 && stats.moves[1] == 0);
	close(fd);
}

/* Other games are counted from their beginning, however far those before them have come. */
static void other_games(void)
{
	struct kxo_frame frame;
	struct kxo_stats stats;
	int fd = open_kxo(0);

	set_up(fd, XO_RANDOM, XO_RANDOM, 1, 0);
	for (int i = 0; i < 40; i++)
		CHECK(next_frame(fd, &frame));
	CHECK(ioctl(fd, KXO_IOCGSTATS, &stats) == 0);
	CHECK(stats.frames == 40 && stats.bytes == 320 && stats.games >= 1);
	set_up(fd, KXO_USER, KXO_USER, 1, 1);
	CHECK(ioctl(fd, KXO_IOCGSTATS, &stats) == 0);
	CHECK(!stats.frames && !stats.bytes && !stats.games);
	CHECK(!stats.moves[0] && !stats.moves[1] && !stats.busy_ns[0] && !stats.longest_ns[1]);
	close(fd);
}

/* Memory that ends within the second of many frames: the read ends before it, and none is lost. */
static void at_the_edge(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	struct kxo_frame frame;
	unsigned int seen = 0;
	int fd = open_kxo(0);

	CHECK(memory != MAP_FAILED && !munmap(memory + page, page));
	set_up(fd, KXO_USER, KXO_USER, KXO_BOARDS_MAX, KXO_BOARDS_MAX);
	for (int i = 0; i < KXO_BOARDS_MAX; i++) {
		char *edge = memory + page - sizeof(frame) - 4;

		CHECK(read(fd, edge, 4 * sizeof(frame)) == sizeof(frame));
		memcpy(&frame, edge, sizeof(frame));
		seen |= 1u << frame.board;
	}
	CHECK(seen == (1u << KXO_BOARDS_MAX) - 1);
	munmap(memory, page);
	close(fd);
}

static void non_blocking(void)
{
	struct kxo_frame frame;
	int fd = open_kxo(O_NONBLOCK);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	set_state("1 0 0"); /* nothing goes on */
	set_up(fd, XO_RANDOM, XO_RANDOM, 1, 1);
	FAILS(read(fd, &frame, sizeof(frame)), EAGAIN);
	CHECK(poll(&p, 1, 0) == 0);
	set_state("1 1 0\n");
	CHECK(poll(&p, 1, 60000) == 1 && p.revents == POLLIN);
	CHECK(read(fd, &frame, sizeof(frame)) == sizeof(frame));
	CHECK(frame.cells == 0 && frame.last == KXO_NO_CELL);
	do {
		CHECK(poll(&p, 1, 60000) == 1);
	} while (next_frame(fd, &frame));
	CHECK(frame.result != XO_RUNNING);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLHUP));
	close(fd);
}

static void catch_signal(int number)
{
	(void)number;
}

/* A reader that sleeps ends by a signal, and by the end of all games. */
static void blocked(void)
{
	const struct sigaction action = {.sa_handler = catch_signal};
	/* Again and again: the first can come before the read. */
	const struct itimerval often = {{0, 100000}, {0, 100000}}, never = {{0, 0}, {0, 0}};
	struct kxo_frame frame;
	int fd = open_kxo(0), status;
	pid_t pid;

	set_state("1 0 0");
	set_up(fd, XO_RANDOM, XO_RANDOM, 1, 1);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	FAILS(read(fd, &frame, sizeof(frame)), EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	pid = fork();
	if (pid == 0)
		_exit(read(fd, &frame, sizeof(frame)) == 0 ? 0 : 1);
	CHECK(pid > 0);
	usleep(100000); /* it sleeps by now, or will find the end at once: both must do */
	set_state("1 1 1");
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	FAILS(ioctl(fd, KXO_IOCSETUP, &(struct kxo_setup){.boards = 1}), ESHUTDOWN);
	close(fd);
	fd = open_kxo(0); /* who comes now finds nothing either */
	CHECK(read(fd, &frame, sizeof(frame)) == 0);
	set_state("1 1 0");
	set_up(fd, XO_RANDOM, XO_RANDOM, 1, 1);
	CHECK(next_frame(fd, &frame));
	close(fd);
}

/* Two openers with the same seed have the same games, each its own; on several boards at once. */
static void same_games(void)
{
	int fds[2] = {open_kxo(0), open_kxo(0)};
	uint64_t records[2][16] = {{0}};
	struct kxo_frame frame;

	for (int i = 0; i < 2; i++)
		set_up(fds[i], XO_MCTS, XO_RANDOM, 1, 16);
	for (int i = 0; i < 2; i++) {
		unsigned int games = 0;

		while (next_frame(fds[i], &frame)) {
			struct xo_board b;

			CHECK(xo_unpack(frame.cells, &b) && xo_result(&b) == frame.result);
			CHECK(games < 16 && frame.board == 0);
			if (frame.last != KXO_NO_CELL)
				records[i][games] = xo_record_add(records[i][games], xo_ply(&b) - 1,
								  frame.last);
			games += frame.result != XO_RUNNING;
		}
		CHECK(games == 16);
		close(fds[i]);
	}
	CHECK(!memcmp(records[0], records[1], sizeof(records[0])));
	CHECK(memcmp(&records[0][0], &records[0][1], sizeof(records[0][0])) ||
	      memcmp(&records[0][1], &records[0][2], sizeof(records[0][0])));
}

/* Three readers of one file share its frames; a slow one loses none. */
static void shared(void)
{
	struct kxo_frame frames[5];
	struct kxo_stats stats;
	int fd = open_kxo(0), ends[2], n;
	size_t sum = 0;

	CHECK(pipe(ends) == 0);
	set_up(fd, XO_TD, XO_RANDOM, KXO_BOARDS_MAX, 60);
	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			int bytes = 0;

			while ((n = (int)read(fd, frames, sizeof(frames))) > 0) {
				bytes += n;
				if (i == 0)
					usleep(10000);
			}
			_exit(write(ends[1], &bytes, sizeof(bytes)) == sizeof(bytes) && !n ? 0 : 1);
		}
	}
	for (int i = 0; i < 3; i++) {
		int status;

		CHECK(wait(&status) > 0 && status == 0);
		CHECK(read(ends[0], &n, sizeof(n)) == sizeof(n));
		sum += (size_t)n;
	}
	CHECK(ioctl(fd, KXO_IOCGSTATS, &stats) == 0);
	CHECK(stats.games == 60 && stats.bytes == sum && stats.frames == sum / sizeof(frames[0]));
	/* 60 beginnings, and each move. */
	CHECK(stats.frames == 60 + stats.moves[0] + stats.moves[1]);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static void many_openers(void)
{
	int fds[64];

	set_state("1 0 0"); /* it is not about their games */
	for (int i = 0; i < 64; i++)
		fds[i] = open_kxo(0);
	FAILS(open("/dev/kxo", O_RDWR), EUSERS);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
	close(open_kxo(0));
	set_state("1 1 0");
}

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{"refusals", refusals},         {"own moves", own_moves},
		{"other games", other_games},   {"at the edge", at_the_edge},
		{"non-blocking", non_blocking}, {"blocked", blocked},
		{"same games", same_games},     {"shared", shared},
		{"openers", many_openers},
	};

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		parts[i].run();
		printf("  %s\n", parts[i].name);
		fflush(stdout);
	}
	return 0;
}
