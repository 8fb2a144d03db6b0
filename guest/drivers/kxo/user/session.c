// SPDX-License-Identifier: GPL-2.0
/*
 * A frame says what a board looks like now, and which cell was played; so the record of a game
 * comes about here, move by move. Without a device the frames are made here too, and have gone no
 * way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "session.h"

#define SAMPLE_NS 250000000u

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t resident_kib(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*u %llu", &pages) != 1)
		pages = 0;
	(void)fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* --- frames ----------------------------------------------------------------------------------- */

static int bad_frame(const char *why)
{
	fprintf(stderr, "xo-user: a frame that %s\n", why);
	return -1;
}

static void game_ended(struct session *s, unsigned int board, enum xo_result result)
{
	s->records[s->games++ % RECORDS] = s->views[board].record;
	s->results[result]++;
	if (s->games == MEMORY_GAMES)
		s->resident[0] = resident_kib();
	if (!s->tty && !s->options.quiet)
		screen_game(s, board);
}

static int take_frame(struct session *s, const struct kxo_frame *frame)
{
	struct view *view;

	if (frame->board >= s->options.setup.boards)
		return bad_frame("is of no board");
	view = &s->views[frame->board];
	if (!xo_unpack(frame->cells, &view->board) || xo_result(&view->board) != frame->result)
		return bad_frame("no game can come to");
	s->frames++;
	s->changed = true;
	view->my_move = frame->flags & KXO_YOUR_MOVE;
	if (frame->last < XO_CELLS)
		view->record = xo_record_add(view->record, xo_ply(&view->board) - 1, frame->last);
	if (frame->result != XO_RUNNING)
		game_ended(s, frame->board, frame->result);
	else if (!s->tty && s->options.every_move)
		screen_game(s, frame->board);
	return 0;
}

static int read_frames(struct session *s)
{
	struct kxo_frame frames[16];
	ssize_t n = read(s->fd, frames, sizeof(frames));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		perror("xo-user: read");
		return -1;
	}
	if (n == 0)
		s->ended = true;
	s->bytes += (uint64_t)n;
	s->busy |= (size_t)n == sizeof(frames);
	for (size_t i = 0; i < (size_t)n / sizeof(frames[0]); i++)
		if (take_frame(s, &frames[i]))
			return -1;
	return 0;
}

/* --- without a device ------------------------------------------------------------------------- */

static void local_begin(struct session *s, unsigned int board)
{
	struct view *view = &s->views[board];

	if (s->options.setup.games && s->begun == s->options.setup.games) {
		view->due = false;
		return;
	}
	s->begun++;
	*view = (struct view){.due = true, .due_ns = now_ns()};
}

static int local_frames(struct session *s)
{
	bool any = false;

	for (unsigned int i = 0; i < s->options.setup.boards; i++) {
		struct view *view = &s->views[i];
		struct kxo_frame frame = {.cells = xo_pack(&view->board),
					  .board = (uint8_t)i,
					  .last = KXO_NO_CELL,
					  .result = (uint8_t)xo_result(&view->board)};

		any |= view->due || view->my_move;
		if (!view->due || view->due_ns > now_ns())
			continue;
		view->due = false;
		if (frame.result == XO_RUNNING)
			frame.flags = KXO_YOUR_MOVE;
		if (take_frame(s, &frame))
			return -1;
		if (frame.result != XO_RUNNING)
			local_begin(s, i);
		s->busy = true;
	}
	s->ended |= !any;
	return 0;
}

static void local_move(struct session *s, struct view *view, unsigned int cell)
{
	view->record = xo_record_add(view->record, xo_ply(&view->board), cell);
	xo_play(&view->board, cell);
	view->due = true;
	view->due_ns = now_ns() + s->options.pace_ms * 1000000ull;
	s->busy = true;
}

uint64_t session_next_due(const struct session *s)
{
	uint64_t next = UINT64_MAX;

	for (unsigned int i = 0; i < s->options.setup.boards; i++)
		if (s->views[i].due && s->views[i].due_ns < next)
			next = s->views[i].due_ns;
	return next;
}

/* --- both ------------------------------------------------------------------------------------- */

int session_frames(struct session *s)
{
	return s->fd >= 0 ? read_frames(s) : local_frames(s);
}

int session_turn(const struct session *s, enum xo_player player, unsigned int after)
{
	unsigned int n = s->options.setup.boards;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int board = (after + i) % n;
		const struct view *view = &s->views[board];

		if (view->my_move && xo_to_move(&view->board) == player)
			return (int)board;
	}
	return -1;
}

int session_move(struct session *s, unsigned int board, unsigned int cell)
{
	struct kxo_move move = {.board = (uint8_t)board, .cell = (uint8_t)cell};

	s->views[board].my_move = false;
	if (s->fd < 0) {
		local_move(s, &s->views[board], cell);
		return 0;
	}
	s->bytes += sizeof(move);
	if (write(s->fd, &move, sizeof(move)) == (ssize_t)sizeof(move))
		return 0;
	/* Somebody has ended all games in the meantime. */
	if (errno == EBUSY)
		return 0;
	perror("xo-user: write");
	return -1;
}

static void take_stats(struct session *s)
{
	if (s->fd >= 0 && ioctl(s->fd, KXO_IOCGSTATS, &s->stats))
		perror("xo-user: KXO_IOCGSTATS");
}

void session_sample(struct session *s)
{
	uint64_t now = now_ns(), passed = now - s->sampled_at;

	if (passed < SAMPLE_NS)
		return;
	s->sampled_at = now;
	take_stats(s);
	for (int i = 0; i < 2; i++) {
		struct side *side = &s->sides[i];
		uint64_t busy = side->busy_ns + s->stats.busy_ns[i];
		uint64_t active = (busy - side->sampled_ns) * LOAD_ONE / passed;

		side->sampled_ns = busy;
		load_sample(&side->load, (uint32_t)(active < LOAD_MAX ? active : LOAD_MAX));
	}
}

int session_open(struct session *s)
{
	const struct options *o = &s->options;

	s->fd = -1;
	s->drawing = true;
	s->sampled_at = now_ns();
	memset(s->records, 0xff, sizeof(s->records)); /* touched now, so that memory stays flat */
	if (!o->device) {
		for (unsigned int i = 0; i < o->setup.boards; i++)
			local_begin(s, i);
		return 0;
	}
	s->fd = open(o->device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (s->fd < 0 || ioctl(s->fd, KXO_IOCSETUP, &o->setup)) {
		fprintf(stderr, "xo-user: %s: %s%s\n", o->device, strerror(errno),
			errno == ENOENT ? " (modprobe kxo, or play with --local)" : "");
		if (s->fd >= 0)
			close(s->fd);
		return -1;
	}
	return 0;
}

void session_close(struct session *s)
{
	take_stats(s);
	s->resident[1] = resident_kib();
	if (s->fd >= 0)
		close(s->fd);
}
