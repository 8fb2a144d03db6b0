/* SPDX-License-Identifier: GPL-2.0 */
/*
 * xo-user's own structures.
 *
 *	main.c		options, the coroutines, the end
 *	session.c	games as frames tell of them; where frames come from and moves go to
 *	screen.c	what a user sees
 *	coro.c		coroutines
 *	load.c		load averages
 *
 * One thread runs all of it. Each coroutine does a little and yields; when none has anything left
 * to do, main.c sleeps in poll().
 */
#ifndef XO_SESSION_H
#define XO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include "coro.h"
#include "game/agent.h"
#include "game/record.h"
#include <linnet/kxo.h>
#include "load.h"

/* Games whose moves are kept for the end. */
#define RECORDS 16384u

/* What a board drawn by the kernel would take. */
#define ASCII_FRAME 66u

struct options {
	const char *device; /* NULL: none, this program plays alone */
	struct kxo_setup setup;
	bool in_kernel[2];      /* setup.agents[] is KXO_USER if not */
	enum xo_agent agent[2]; /* X, O */
	bool seeded, every_move, quiet;
	unsigned int pace_ms; /* without a device: from one move to the next */
};

/* A board as the last frame has left it. */
struct view {
	struct xo_board board;
	uint64_t record;
	bool begun, my_move;
	/* Without a device: */
	bool due; /* a frame of it */
	uint64_t due_ns;
};

/* One of the two sides, as far as it is thought about here. */
struct side {
	struct session *session;
	enum xo_player player;
	struct coro *coro;
	struct xo_search search;
	uint64_t busy_ns, longest_ns;
	uint64_t sampled_ns; /* busy time at the last sample, here and in the kernel */
	struct load load;
};

struct session {
	struct options options;
	int fd; /* of the device, or -1 */
	bool tty, drawing, changed, ended, quit;
	bool busy;  /* a coroutine wants to go on at once */
	int status; /* exit status */
	struct view views[KXO_BOARDS_MAX];
	struct side sides[2];
	uint32_t begun; /* games, without a device */
	uint64_t games, results[4], frames, bytes;
	uint64_t records[RECORDS]; /* a ring */
	uint64_t resident[2];      /* KiB after MEMORY_GAMES games and at the end */
	uint64_t sampled_at, drawn_at;
	struct termios before; /* the terminal's settings */
	struct kxo_stats stats;
};

/* After so many games all memory that is needed has been touched. */
#define MEMORY_GAMES 100u

uint64_t now_ns(void); /* monotonic */

/* session.c: these return 0, or -1 after a message. */
int session_open(struct session *s);
void session_close(struct session *s);
/* Takes what frames there are. */
int session_frames(struct session *s);
/* The next board on which a side has to move, from `after` on, or -1. */
int session_turn(const struct session *s, enum xo_player player, unsigned int after);
int session_move(struct session *s, unsigned int board, unsigned int cell);
/* When the next frame is due without a device, in ns; UINT64_MAX: none is. */
uint64_t session_next_due(const struct session *s);
/* Takes a sample of each side's load, when it is time. */
void session_sample(struct session *s);

/* screen.c */
void screen_open(struct session *s);  /* raw mode, a clear screen */
void screen_close(struct session *s); /* as it was */
void screen_draw(struct session *s);
void screen_game(const struct session *s, unsigned int board); /* without a terminal */
void screen_summary(const struct session *s);

#endif
