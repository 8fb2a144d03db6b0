/* SPDX-License-Identifier: MIT */
/*
 * The host's side of exec mode, for a guest that runs under QEMU: there each port is a Unix socket.
 *
 * usage: exec_client [-s SIGNAL] [-c] DIR COMMAND
 *	DIR	holds the sockets out, err, in and control, which QEMU listens on
 *	-s	send that signal when the first byte of output has come
 *	-c	close the output port when the first byte of output has come
 *
 * Standard input, output and error are the command's. The exit status is the command's, 128 + N
 * if a signal killed it, 125 if the protocol failed. After the report it waits for the guest's
 * power-off, which closes the sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "exec_protocol.h"

enum { OUT, ERR, IN, CONTROL, PORTS };

struct client {
	int fd[PORTS];
	uint64_t received[2], expected[2], sent;
	bool started, input_open, reported, close_output;
	int signal, status;
	char line[EXEC_LINE_MAX + 1];
	size_t line_len;
};

static void die(const char *what)
{
	fprintf(stderr, "exec_client: %s\n", what);
	exit(125);
}

/* QEMU makes the sockets when it starts, which may be a moment after us: try for 10 s. */
static int port_connect(const char *dir, const char *name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct timespec pause = {.tv_nsec = 20000000};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/%s", dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 500; i++) {
		if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
			return fd;
		nanosleep(&pause, NULL);
	}
	die("cannot connect to a port");
	return -1;
}

static void send_all(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);
		if (n < 0)
			die("the guest has closed a port");
		buf += n;
		len -= (size_t)n;
	}
}

static void control_send(struct client *c, const char *word, unsigned long long n)
{
	char line[EXEC_LINE_MAX];
	int len = snprintf(line, sizeof(line), "%s %llu\n", word, n);

	send_all(c->fd[CONTROL], line, (size_t)len);
}

static void control_line(struct client *c, const char *line, const char *command)
{
	int code = 0;
	unsigned long long out = 0, err = 0;

	if (!strcmp(line, EXEC_READY)) {
		control_send(c, EXEC_EXEC, strlen(command));
		send_all(c->fd[CONTROL], command, strlen(command));
	} else if (!strcmp(line, EXEC_STARTED)) {
		c->started = true;
	} else if (sscanf(line, EXEC_EXIT " %d %llu %llu", &code, &out, &err) == 3) {
		c->status = code;
	} else if (sscanf(line, EXEC_KILLED " %d %llu %llu", &code, &out, &err) == 3) {
		c->status = 128 + code;
	} else {
		die(line);
	}
	if (!strncmp(line, EXEC_EXIT, 4) || !strncmp(line, EXEC_KILLED, 4)) {
		c->reported = true;
		c->expected[OUT] = out;
		c->expected[ERR] = err;
	}
}

static void control_read(struct client *c, const char *command)
{
	char byte;
	ssize_t n;

	while ((n = recv(c->fd[CONTROL], &byte, 1, MSG_DONTWAIT)) == 1) {
		if (byte != '\n') {
			if (c->line_len == EXEC_LINE_MAX)
				die("too long a line");
			c->line[c->line_len++] = byte;
			continue;
		}
		c->line[c->line_len] = '\0';
		c->line_len = 0;
		control_line(c, c->line, command);
	}
	if (n == 0)
		die("the guest has ended before its command");
}

static void output_read(struct client *c, int port)
{
	char buf[65536];
	ssize_t n = recv(c->fd[port], buf, sizeof(buf), 0);

	if (n <= 0)
		die("the guest has ended in the middle of its output");
	c->received[port] += (uint64_t)n;
	for (ssize_t done = 0; done < n;) {
		ssize_t w = write(port == OUT ? STDOUT_FILENO : STDERR_FILENO, buf + done,
				  (size_t)(n - done));
		if (w < 0)
			die("cannot write");
		done += w;
	}
	if (port == OUT && c->signal) {
		control_send(c, EXEC_SIGNAL, (unsigned long long)c->signal);
		c->signal = 0;
	}
	if (port == OUT && c->close_output) {
		close(c->fd[OUT]);
		c->fd[OUT] = -1;
	}
}

static void input_write(struct client *c)
{
	char buf[16384];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n > 0) {
		send_all(c->fd[IN], buf, (size_t)n);
		c->sent += (uint64_t)n;
		return;
	}
	control_send(c, EXEC_EOF, c->sent);
	c->input_open = false;
}

static bool complete(const struct client *c)
{
	return c->reported && (c->fd[OUT] < 0 || c->received[OUT] == c->expected[OUT]) &&
	       c->received[ERR] == c->expected[ERR];
}

static void run(struct client *c, const char *command)
{
	while (!complete(c)) {
		bool feed = c->started && c->input_open && !c->reported;
		struct pollfd p[] = {
			{.fd = c->fd[OUT], .events = POLLIN},
			{.fd = c->fd[ERR], .events = POLLIN},
			{.fd = c->fd[CONTROL], .events = POLLIN},
			{.fd = feed ? STDIN_FILENO : -1, .events = POLLIN},
			{.fd = feed ? c->fd[IN] : -1, .events = POLLOUT},
		};
		if (poll(p, 5, -1) < 0)
			die("poll");
		if (p[0].revents)
			output_read(c, OUT);
		if (p[1].revents)
			output_read(c, ERR);
		if (p[2].revents)
			control_read(c, command);
		if (p[3].revents && p[4].revents)
			input_write(c);
	}
}

int main(int argc, char **argv)
{
	static const char *const names[PORTS] = {"out", "err", "in", "control"};
	struct client c = {.input_open = true, .status = 125};
	char rest;

	for (int opt; (opt = getopt(argc, argv, "s:c")) != -1;) {
		if (opt == 's')
			c.signal = atoi(optarg);
		else if (opt == 'c')
			c.close_output = true;
		else
			return 125;
	}
	if (argc - optind != 2)
		die("usage: exec_client [-s SIGNAL] [-c] DIR COMMAND");
	for (int i = 0; i < PORTS; i++)
		c.fd[i] = port_connect(argv[optind], names[i]);
	run(&c, argv[optind + 1]);
	send_all(c.fd[CONTROL], EXEC_BYE "\n", strlen(EXEC_BYE) + 1);
	while (recv(c.fd[CONTROL], &rest, 1, 0) > 0)
		;
	return c.status;
}
