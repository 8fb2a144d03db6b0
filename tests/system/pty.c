/* SPDX-License-Identifier: MIT */
/*
 * Plays a user at a terminal.
 *
 *	pty ROWS COLUMNS COMMAND... <SCRIPT
 *
 * runs COMMAND on a pseudo-terminal of that size and follows SCRIPT, a step a line:
 *
 *	expect TEXT	waits until TEXT comes in the output behind what was expected before
 *	send TEXT	types TEXT; \r is Enter, \xHH any byte
 *	raw		waits until the terminal is in raw mode
 *	signal N	sends signal N to COMMAND
 *	end STATUS	waits for COMMAND's end; its exit status (128 + n after signal n) must be
 *			STATUS, and the terminal's settings what they were before
 *
 * Exit status 0 when each step went well; else 1, with the step on standard error. Standard output
 * is what COMMAND has shown. A step that has to wait gives up after 120 s.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define WAIT_S     120
#define OUTPUT_MAX (1u << 20)

struct session {
	int master, slave; /* the slave stays open, so that its settings can be read at the end */
	struct termios before;
	pid_t pid;
	char *output; /* all of it, with NULs left out */
	size_t len, expected;
};

static time_t seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Takes what the command shows, waiting for it up to a tenth of a second. */
static void read_output(struct session *s)
{
	struct pollfd p = {.fd = s->master, .events = POLLIN};
	char buf[4096];
	ssize_t n;

	if (poll(&p, 1, 100) <= 0)
		return;
	n = read(s->master, buf, sizeof(buf));
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] && s->len < OUTPUT_MAX)
			s->output[s->len++] = buf[i];
	if (n > 0 && (fwrite(buf, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout)))
		exit(1);
}

static const char *step_expect(struct session *s, const char *text)
{
	time_t end = seconds_now() + WAIT_S;
	const char *at;

	while (seconds_now() < end) {
		s->output[s->len] = '\0';
		at = strstr(s->output + s->expected, text);
		if (at) {
			s->expected = (size_t)(at - s->output) + strlen(text);
			return NULL;
		}
		read_output(s);
	}
	return "it did not come";
}

static const char *step_send(struct session *s, const char *text)
{
	while (*text) {
		unsigned byte = (unsigned char)*text++;

		if (byte == '\\' && *text == 'r') {
			byte = '\r';
			text++;
		} else if (byte == '\\' && sscanf(text, "x%2x", &byte) == 1) {
			text += 3;
		}
		if (write(s->master, &(char){(char)byte}, 1) != 1)
			return strerror(errno);
	}
	return NULL;
}

static const char *step_raw(struct session *s)
{
	time_t end = seconds_now() + WAIT_S;
	struct termios now;

	while (!tcgetattr(s->slave, &now) && seconds_now() < end) {
		if (!(now.c_lflag & (ICANON | ECHO | ISIG)))
			return NULL;
		read_output(s);
	}
	return "it is not";
}

static bool same_settings(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
	       a->c_lflag == b->c_lflag && !memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc));
}

static const char *step_end(struct session *s, int wanted)
{
	time_t end = seconds_now() + WAIT_S;
	struct termios now = {0};
	int status = 0, code;
	pid_t pid;

	while (!(pid = waitpid(s->pid, &status, WNOHANG)) && seconds_now() < end)
		read_output(s);
	if (pid != s->pid)
		return "the command does not end";
	s->pid = 0;
	read_output(s);
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (code != wanted) {
		fprintf(stderr, "pty: exit status %d\n", code);
		return "another status";
	}
	if (tcgetattr(s->slave, &now))
		return strerror(errno);
	return same_settings(&now, &s->before) ? NULL : "the terminal's settings are not restored";
}

static const char *step(struct session *s, char *line)
{
	char *rest = strchr(line, ' ');

	rest = rest ? rest + 1 : line + strlen(line);
	if (!strncmp(line, "expect ", 7))
		return step_expect(s, rest);
	if (!strncmp(line, "send ", 5))
		return step_send(s, rest);
	if (!strcmp(line, "raw"))
		return step_raw(s);
	if (!strncmp(line, "signal ", 7))
		return kill(s->pid, atoi(rest)) ? strerror(errno) : NULL;
	if (!strncmp(line, "end ", 4))
		return step_end(s, atoi(rest));
	return "no such step";
}

static int start(struct session *s, unsigned rows, unsigned columns, char *argv[])
{
	const struct winsize size = {.ws_row = (unsigned short)rows,
				     .ws_col = (unsigned short)columns};

	s->output = malloc(OUTPUT_MAX + 1);
	if (!s->output || openpty(&s->master, &s->slave, NULL, NULL, &size) ||
	    tcgetattr(s->slave, &s->before))
		return -1;
	s->pid = fork();
	if (s->pid == 0) {
		close(s->master);
		if (login_tty(s->slave))
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	return s->pid < 0 ? -1 : 0;
}

int main(int argc, char *argv[])
{
	struct session s = {0};
	const char *fault = NULL;
	char line[1024];

	if (argc < 4) {
		fprintf(stderr, "usage: pty ROWS COLUMNS COMMAND... <SCRIPT\n");
		return 2;
	}
	if (start(&s, (unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]), argv + 3)) {
		perror("pty");
		return 1;
	}
	while (!fault && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			fault = step(&s, line);
	}
	if (fault)
		fprintf(stderr, "pty: \"%s\": %s\n", line, fault);
	if (s.pid > 0) {
		kill(s.pid, SIGKILL);
		waitpid(s.pid, NULL, 0);
	}
	return fault ? 1 : 0;
}
