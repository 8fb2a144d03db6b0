// SPDX-License-Identifier: GPL-2.0
/*
 * A screen is put together in memory and written at once, over the one before: nothing flickers,
 * and no library is needed but the few sequences that each terminal knows.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "session.h"

#define CLEAR       "\033[2J"
#define HOME        "\033[H"
#define END_OF_LINE "\033[K"
#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"

#define BOARD_LINES 6 /* a title, the columns' letters, the rows */

struct text {
	char bytes[8192];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	size_t room = sizeof(t->bytes) - t->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->bytes + t->len, room, format, args);
	va_end(args);
	if (n > 0)
		t->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void show(const struct text *t)
{
	size_t done = 0;

	while (done < t->len) {
		ssize_t n = write(STDOUT_FILENO, t->bytes + done, t->len - done);

		if (n <= 0)
			return; /* nobody looks any more; the keyboard's end will tell */
		done += (size_t)n;
	}
}

static const char *result_text(enum xo_result result)
{
	switch (result) {
	case XO_X_WON:
		return "X won";
	case XO_O_WON:
		return "O won";
	case XO_DRAW:
		return "drawn";
	default:
		return "playing";
	}
}

/* Line `line` of a board's picture; all are 10 columns wide. */
static void put_board_line(struct text *t, const struct xo_board *b, unsigned int line)
{
	if (line == 0) {
		put(t, "  A B C D ");
		return;
	}
	put(t, "%u ", line - 1);
	for (unsigned int column = 0; column < XO_SIDE; column++) {
		unsigned int cell = XO_SIDE * (line - 1) + column;
		char c = b->stones[XO_X] >> cell & 1   ? 'X'
			 : b->stones[XO_O] >> cell & 1 ? 'O'
						       : '.';

		put(t, "%c ", c);
	}
}

static void put_players(struct text *t, const struct options *o)
{
	for (int i = 0; i < 2; i++)
		put(t, "%s%c: %s (%s)", i ? ", " : "", "XO"[i], xo_agent_name(o->agent[i]),
		    o -> in_kernel[i] ? "kernel" : "user");
}

/* --- at a terminal ---------------------------------------------------------------------------- */

void screen_open(struct session *s)
{
	static const struct text begin = {.bytes = HIDE_CURSOR CLEAR,
					  .len = sizeof(HIDE_CURSOR CLEAR) - 1};
	struct termios raw;

	s->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
		 !tcgetattr(STDIN_FILENO, &s->before);
	if (!s->tty)
		return;
	raw = s->before;
	/* Each key at once, none of them shown or taken for a signal or for flow control. */
	raw.c_iflag &= ~(tcflag_t)(IXON | IXOFF | ICRNL | INLCR | IGNCR | ISTRIP | BRKINT);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	show(&begin);
}

void screen_close(struct session *s)
{
	static const struct text end = {.bytes = SHOW_CURSOR CLEAR HOME,
					.len = sizeof(SHOW_CURSOR CLEAR HOME) - 1};

	if (!s->tty)
		return;
	show(&end);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->before);
}

static void put_boards(struct text *t, const struct session *s)
{
	unsigned int n = s->options.setup.boards;

	for (unsigned int first = 0; first < n; first += 4) {
		for (unsigned int line = 0; line < BOARD_LINES; line++) {
			for (unsigned int i = first; i < n && i < first + 4; i++) {
				const struct xo_board *b = &s->views[i].board;

				if (line == 0)
					put(t, "%-14s", result_text(xo_result(b)));
				else
					put_board_line(t, b, line - 1);
				put(t, "%s", line ? "    " : "");
			}
			put(t, END_OF_LINE "\r\n");
		}
		put(t, END_OF_LINE "\r\n");
	}
}

static void put_loads(struct text *t, const struct session *s)
{
	for (int i = 0; i < 2; i++) {
		const struct side *side = &s->sides[i];
		uint64_t longest = side->longest_ns > s->stats.longest_ns[i]
					   ? side->longest_ns
					   : s->stats.longest_ns[i];

		put(t, "%c %-8s load", "XO"[i], xo_agent_name(s->options.agent[i]));
		for (int j = 0; j < 3; j++)
			put(t, " %u.%02u", load_whole(side->load.average[j]),
			    load_hundredths(side->load.average[j]));
		put(t, ", longest slice %" PRIu64 " us" END_OF_LINE "\r\n", longest / 1000);
	}
}

void screen_draw(struct session *s)
{
	struct text t = {.len = 0};
	unsigned int lines = (s->options.setup.boards + 3) / 4 * (BOARD_LINES + 1);
	time_t seconds = time(NULL);
	struct tm tm = {0};
	char clock[16] = "";

	if (localtime_r(&seconds, &tm))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	put(&t, HOME "%s  ", clock);
	put_players(&t, &s->options);
	put(&t, "%s" END_OF_LINE "\r\n\n", s->drawing ? "" : "  [not drawing]");
	if (s->drawing) {
		put_boards(&t, s);
		s->changed = false;
	} else {
		put(&t, "\033[%uB", lines);
	}
	put(&t,
	    "%" PRIu64 " games: X %" PRIu64 ", O %" PRIu64 ", drawn %" PRIu64 END_OF_LINE "\r\n",
	    s->games, s->results[XO_X_WON], s->results[XO_O_WON], s->results[XO_DRAW]);
	put_loads(&t, s);
	put(&t, "Ctrl-P: draw or not   Ctrl-Q: end" END_OF_LINE "\r\n");
	show(&t);
	s->drawn_at = now_ns();
}

/* --- without ---------------------------------------------------------------------------------- */

void screen_game(const struct session *s, unsigned int board)
{
	const struct view *view = &s->views[board];
	enum xo_result result = xo_result(&view->board);
	struct text t = {.len = 0};
	char moves[XO_MOVES_TEXT];

	if (result != XO_RUNNING)
		put(&t, "game %" PRIu64 ": %s\n", s->games, result_text(result));
	else
		put(&t, "board %u, move %u\n", board, xo_ply(&view->board));
	for (unsigned int line = 0; line < BOARD_LINES - 1; line++) {
		put_board_line(&t, &view->board, line);
		t.len--; /* the blank behind the last column */
		put(&t, "\n");
	}
	if (result != XO_RUNNING) {
		xo_record_text(view->record, moves);
		put(&t, "%s\n", moves);
	}
	put(&t, "\n");
	show(&t);
}

static void print_moves(const struct session *s)
{
	uint64_t kept = s->games < RECORDS ? s->games : RECORDS;
	char moves[XO_MOVES_TEXT];

	if (s->games > kept)
		printf("the last %" PRIu64 " of %" PRIu64 " games:\n", kept, s->games);
	for (uint64_t i = s->games - kept; i < s->games; i++) {
		xo_record_text(s->records[i % RECORDS], moves);
		puts(moves);
	}
}

void screen_summary(const struct session *s)
{
	struct text t = {.len = 0};

	if (s->tty)
		print_moves(s);
	put(&t, "%" PRIu64 " games: X won %" PRIu64 ", O won %" PRIu64 ", drawn %" PRIu64 "; ",
	    s->games, s->results[XO_X_WON], s->results[XO_O_WON], s->results[XO_DRAW]);
	put_players(&t, &s->options);
	put(&t, "\n");
	if (s->fd >= 0)
		put(&t, "traffic: %" PRIu64 " frames in %" PRIu64 " bytes; as text %" PRIu64 "\n",
		    s->frames, s->bytes, s->frames * ASCII_FRAME);
	for (int i = 0; i < 2; i++) {
		uint64_t longest = s->options.in_kernel[i] ? s->stats.longest_ns[i]
							   : s->sides[i].longest_ns;

		put(&t, "%s %c at most %" PRIu64 ".%03u ms", i ? "," : "slices of", "XO"[i],
		    longest / 1000000, (unsigned int)(longest / 1000 % 1000));
	}
	put(&t, "\n");
	if (s->resident[0])
		put(&t, "memory: %" PRIu64 " KiB after %u games, %" PRIu64 " KiB at the end\n",
		    s->resident[0], MEMORY_GAMES, s->resident[1]);
	printf("%.*s", (int)t.len, t.bytes);
}
