// SPDX-License-Identifier: GPL-2.0
/*
 * xo-user: watches the games of /dev/kxo, and plays in them for the sides that think here.
 *
 * Five coroutines take turns: both sides, the keyboard, the frames, the screen. A side that looks
 * for a move yields each time its agent pauses, so that the others never wait long for it. A signal
 * that ends the program is read from a descriptor like a key: the terminal is always restored.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "session.h"

#define DRAW_NS 100000000u

/* --- coroutines ------------------------------------------------------------------------------- */

/* An agent comes by here: over to the others. */
static bool pause_side(struct xo_search *search)
{
	struct side *side = search->owner;

	side->session->busy = true;
	coro_yield(side->coro);
	return side->session->quit;
}

static void run_side(struct coro *self, void *arg)
{
	struct side *side = arg;
	struct session *s = side->session;
	unsigned int after = 0;

	for (;; coro_yield(self)) {
		int board = session_turn(s, side->player, after), cell;

		if (board < 0)
			continue;
		after = (unsigned int)board + 1;
		cell = xo_choose(s->options.agent[side->player], &s->views[board].board,
				 &side->search);
		if (cell >= 0 && session_move(s, (unsigned int)board, (unsigned int)cell)) {
			s->status = 1;
			s->quit = true;
		}
		s->busy = true;
	}
}

static void run_keyboard(struct coro *self, void *arg)
{
	struct session *s = arg;
	char keys[16];

	for (;; coro_yield(self)) {
		ssize_t n = s->tty ? read(STDIN_FILENO, keys, sizeof(keys)) : 0;

		for (ssize_t i = 0; i < n; i++) {
			if (keys[i] == CTRL('Q') || keys[i] == CTRL('C'))
				s->quit = true;
			if (keys[i] == CTRL('P')) {
				s->drawing = !s->drawing;
				s->drawn_at = 0;
			}
		}
	}
}

static void run_frames(struct coro *self, void *arg)
{
	struct session *s = arg;

	for (;; coro_yield(self)) {
		if (session_frames(s)) {
			s->status = 1;
			s->quit = true;
		}
	}
}

/* The clock goes on whether boards are drawn or not. */
static void run_screen(struct coro *self, void *arg)
{
	struct session *s = arg;
	time_t shown = 0;

	for (;; coro_yield(self)) {
		session_sample(s);
		if (!s->tty)
			continue;
		if (time(NULL) == shown && !(s->drawing && s->changed) && s->drawn_at)
			continue;
		if (now_ns() - s->drawn_at < DRAW_NS && time(NULL) == shown)
			continue;
		shown = time(NULL);
		screen_draw(s);
	}
}

/* --- turns ------------------------------------------------------------------------------------ */

static void resume_side(struct side *side)
{
	uint64_t begin = now_ns(), took;

	coro_resume(side->coro);
	took = now_ns() - begin;
	side->busy_ns += took;
	if (took > side->longest_ns)
		side->longest_ns = took;
}

/* Until a key, a frame or a signal comes, or the screen wants to know the time. */
static void sleep_until_needed(struct session *s, int signals)
{
	struct pollfd fds[3] = {{.fd = signals, .events = POLLIN},
				{.fd = s->fd, .events = POLLIN},
				{.fd = s->tty ? STDIN_FILENO : -1, .events = POLLIN}};
	uint64_t now = now_ns(), due = session_next_due(s), wait = DRAW_NS;

	if (s->busy || due <= now)
		wait = 0;
	else if (due - now < wait)
		wait = due - now;
	if (poll(fds, 3, (int)((wait + 999999) / 1000000)) < 0 && errno != EINTR) {
		perror("xo-user: poll");
		s->status = 1;
		s->quit = true;
	}
	if (fds[0].revents) {
		struct signalfd_siginfo info;

		if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			s->status = 128 + (int)info.ssi_signo;
		s->quit = true;
	}
	/* The terminal is gone. */
	if (fds[2].revents & (POLLHUP | POLLERR))
		s->quit = true;
}

/* Before the terminal's settings change: from then on no signal may end the program by itself. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(struct session *s, int signals)
{
	void (*const functions[3])(struct coro *, void *) = {run_frames, run_keyboard, run_screen};
	struct coro *others[3] = {NULL};
	int ret = -1;

	for (int i = 0; i < 3; i++)
		others[i] = coro_new(functions[i], s);
	for (int i = 0; i < 2; i++)
		s->sides[i].coro = coro_new(run_side, &s->sides[i]);
	if (!others[0] || !others[1] || !others[2] || !s->sides[0].coro || !s->sides[1].coro) {
		perror("xo-user");
		goto out;
	}
	while (!s->quit && !s->ended) {
		s->busy = false;
		for (int i = 0; i < 3; i++)
			coro_resume(others[i]);
		for (int i = 0; i < 2; i++)
			resume_side(&s->sides[i]);
		sleep_until_needed(s, signals);
	}
	ret = 0;
out:
	for (int i = 0; i < 3; i++)
		coro_free(others[i]);
	for (int i = 0; i < 2; i++)
		coro_free(s->sides[i].coro);
	return ret;
}

/* --- options ---------------------------------------------------------------------------------- */

static const char usage[] =
	"usage: xo-user [OPTION...]\n"
	"Shows games of tic-tac-toe, 4x4 with three in a row, that /dev/kxo plays.\n"
	"  --x AGENT[@user]   who plays X: mcts, negamax, td or random; in the kernel, or here\n"
	"  --o AGENT[@user]   who plays O\n"
	"  --games N          end after N games; otherwise by Ctrl-Q\n"
	"  --boards N         games at a time, 1 to 8\n"
	"  --seed N           the same games again\n"
	"  --device PATH      instead of /dev/kxo\n"
	"  --local            without a device: all agents play here\n"
	"  --pace MS          with --local: from one move to the next; default: 200 at a terminal, "
	"else 0\n"
	"  --every-move       print the board after each move, where there is no terminal\n"
	"  --quiet            print only the sums\n"
	"At a terminal, Ctrl-P stops the drawing and lets it go on, Ctrl-Q ends.\n";

static int bad_value(const char *option, const char *value)
{
	fprintf(stderr, "xo-user: --%s %s: no such value\n", option, value);
	return -1;
}

static int parse_number(const char *option, const char *text, uint64_t min, uint64_t max,
			uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || *value < min || *value > max)
		return bad_value(option, text);
	return 0;
}

static int parse_agent(struct options *o, enum xo_player player, const char *text)
{
	size_t len = strcspn(text, "@");
	char name[16] = "";
	int agent;

	if (len < sizeof(name))
		memcpy(name, text, len);
	agent = xo_agent_find(name);
	if (agent < 0 ||
	    (text[len] && strcmp(text + len, "@user") && strcmp(text + len, "@kernel")))
		return bad_value(player == XO_X ? "x" : "o", text);
	o->agent[player] = (enum xo_agent)agent;
	o->in_kernel[player] = !text[len] || !strcmp(text + len, "@kernel");
	return 0;
}

enum { X = 1, O, GAMES, BOARDS, SEED, DEVICE, LOCAL, PACE, EVERY_MOVE, QUIET, HELP };

static const struct option long_options[] = {
	{"x", required_argument, NULL, X},
	{"o", required_argument, NULL, O},
	{"games", required_argument, NULL, GAMES},
	{"boards", required_argument, NULL, BOARDS},
	{"seed", required_argument, NULL, SEED},
	{"device", required_argument, NULL, DEVICE},
	{"local", no_argument, NULL, LOCAL},
	{"pace", required_argument, NULL, PACE},
	{"every-move", no_argument, NULL, EVERY_MOVE},
	{"quiet", no_argument, NULL, QUIET},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

static int take_option(struct options *o, int option, const char *value)
{
	uint64_t n = 0;
	int ret = 0;

	switch (option) {
	case X:
		return parse_agent(o, XO_X, value);
	case O:
		return parse_agent(o, XO_O, value);
	case GAMES:
		ret = parse_number("games", value, 1, UINT32_MAX, &n);
		o->setup.games = (uint32_t)n;
		return ret;
	case BOARDS:
		ret = parse_number("boards", value, 1, KXO_BOARDS_MAX, &n);
		o->setup.boards = (uint8_t)n;
		return ret;
	case SEED:
		ret = parse_number("seed", value, 0, UINT64_MAX, &n);
		o->setup.seed = n;
		o->seeded = true;
		return ret;
	case PACE:
		ret = parse_number("pace", value, 0, 60000, &n);
		o->pace_ms = (unsigned int)n;
		return ret;
	case DEVICE:
		o->device = value;
		return 0;
	case LOCAL:
		o->device = NULL;
		return 0;
	case EVERY_MOVE:
		o->every_move = true;
		return 0;
	case QUIET:
		o->quiet = true;
		return 0;
	default:
		return -1;
	}
}

/* Returns 0 to go on, else an exit status plus 1. */
static int parse(struct options *o, int argc, char *argv[])
{
	int option;

	*o = (struct options){.device = "/dev/kxo",
			      .setup.boards = 1,
			      .agent = {XO_MCTS, XO_NEGAMAX},
			      .in_kernel = {true, true}};
	o->pace_ms = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? 200 : 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == HELP) {
			fputs(usage, stdout);
			return 1;
		}
		if (take_option(o, option, optarg))
			return 3;
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 3;
	}
	if (!o->seeded && getrandom(&o->setup.seed, sizeof(o->setup.seed), 0) < 0)
		o->setup.seed = (uint64_t)time(NULL);
	for (int i = 0; i < 2; i++) {
		o->in_kernel[i] &= o->device != NULL;
		o->setup.agents[i] = o->in_kernel[i] ? (uint8_t)o->agent[i] : KXO_USER;
	}
	return 0;
}

/* Returns the exit status. */
static int play(struct session *s)
{
	int signals;

	for (int i = 0; i < 2; i++) {
		struct side *side = &s->sides[i];

		side->session = s;
		side->player = (enum xo_player)i;
		side->search.owner = side;
		side->search.pause = pause_side;
		side->search.random = s->options.setup.seed + (uint64_t)i;
	}
	signals = open_signals();
	if (signals < 0) {
		perror("xo-user: signalfd");
		return 1;
	}
	if (session_open(s)) {
		close(signals);
		return 1;
	}
	screen_open(s);
	if (run(s, signals))
		s->status = 1;
	screen_close(s);
	session_close(s);
	screen_summary(s);
	close(signals);
	return fflush(stdout) ? 1 : s->status;
}

int main(int argc, char *argv[])
{
	struct session *s = calloc(1, sizeof(*s));
	int ret;

	if (!s) {
		perror("xo-user");
		return 1;
	}
	ret = parse(&s->options, argc, argv);
	ret = ret ? ret - 1 : play(s);
	free(s);
	return ret;
}
