/* SPDX-License-Identifier: MIT */
/*
 * Exec mode: one poll loop moves bytes between the command's pipes and the ports.
 *
 * The command gets pipes, not the ports themselves, so that it may open /dev/stdin again, make
 * its output non-blocking, or leave it open in the background. The ports are non-blocking: a
 * blocking write to one spins in the kernel, with interrupts off, until the host has taken it.
 *
 * Ends. The host counts bytes, so nothing hinges on the order in which the ports' data and the
 * control lines reach it. When the command is dead, the pipes may still be held open by its
 * children: what stands in them at that moment (FIONREAD) is sent, and no more is waited for.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "exec_protocol.h"
#include "util.h"

/* One write's worth: the kernel takes 32 KiB of a port's data at once. */
#define CHUNK         32768
#define PORTS_WAIT_MS 10000

/* One direction: bytes are read from @from into @buf, and written to @to. -1: closed. */
struct stream {
	int from, to;
	uint64_t read, written;
	uint64_t limit; /* read no more than this many in all */
	size_t start, end;
	char *buf;
};

enum state { WAITING, RUNNING, ENDED, REPORTED, DONE };

struct exec {
	enum state state;
	int sigfd, control;
	struct stream out, err, in;
	pid_t pid;
	int status;
	int asked; /* a signal that ends init's work */
	char *command, *cwd;
	char **env; /* NAME=VALUE, n_env of them */
	size_t n_env;
	/* The control port's input: a line, then possibly a text. */
	char line[EXEC_LINE_MAX];
	size_t line_len;
	char *text;
	size_t text_len, text_want;
	void (*text_taken)(struct exec *x, char *text); /* owns it */
};

/* What a child that did not become the command says about it. */
struct failure {
	int error; /* -errno */
	bool cwd;  /* its directory is what is wrong */
};

static int uevents_open(void)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Opens the port of that name if it is there already; else -ENOENT. */
static int port_open(const char *wanted)
{
	char path[300], name[64];
	int fd = -ENOENT;
	DIR *dir = opendir("/sys/class/virtio-ports");

	if (!dir)
		return -ENOENT;
	for (struct dirent *d; fd == -ENOENT && (d = readdir(dir));) {
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", d->d_name);
		if (file_read(path, name, sizeof(name)) < 0 || strcmp(name, wanted))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			fd = -errno;
	}
	closedir(dir);
	return fd;
}

/*
 * Opens all four ports. They and their names appear some time after the driver has bound, each
 * with a uevent, so @uevents must have been opened before the first look.
 */
static int ports_open(struct exec *x, int uevents)
{
	static const char *const names[] = {EXEC_PORT_OUT, EXEC_PORT_ERR, EXEC_PORT_IN,
					    EXEC_PORT_CONTROL};
	int *const fds[] = {&x->out.to, &x->err.to, &x->in.from, &x->control};
	char event[4096];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]);) {
		*fds[i] = port_open(names[i]);
		if (*fds[i] >= 0) {
			i++;
			continue;
		}
		struct pollfd p = {.fd = uevents, .events = POLLIN};
		if (*fds[i] != -ENOENT || poll(&p, 1, PORTS_WAIT_MS) <= 0) {
			say("no console port named %s", names[i]);
			return -ENODEV;
		}
		(void)recv(uevents, event, sizeof(event), 0);
	}
	return 0;
}

/* Sends a line on the control port. If the host is gone, the poll loop will see it. */
static void control_send(struct exec *x, const char *word, const char *rest)
{
	char line[EXEC_LINE_MAX];
	int len = snprintf(line, sizeof(line), "%s%s%s\n", word, *rest ? " " : "", rest);

	(void)write_all(x->control, line, (size_t)len);
}

void exec_environment(void)
{
	char term[32];

	clearenv();
	if (!cmdline_get("linnet.term", term, sizeof(term)) || !*term)
		snprintf(term, sizeof(term), "vt220");
	setenv("TERM", term, 1);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("LOGNAME", "root", 1);
	setenv("SHELL", "/bin/sh", 1);
	if (chdir("/root") < 0)
		say("/root: %s", strerror(errno));
}

/* The child. A failure to become the command is written to @told, which closes if all goes well. */
static _Noreturn void command_run(const struct exec *x, const int fds[3], int told)
{
	struct failure f = {0};
	sigset_t none;

	setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			goto fail;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	exec_environment();
	for (size_t i = 0; i < x->n_env; i++)
		if (putenv(x->env[i]) != 0)
			goto fail;
	f.cwd = x->cwd && chdir(x->cwd) < 0;
	if (!f.cwd)
		execl("/bin/sh", "sh", "-c", x->command, (char *)NULL);
fail:
	f.error = -errno;
	(void)write_all(told, (const char *)&f, sizeof(f));
	_exit(127);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Waits until the child has become the command (and a session, so that signals reach it). */
static void command_wait(int told, struct failure *f)
{
	ssize_t n;

	do
		n = read(told, f, sizeof(*f));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*f))
		*f = (struct failure){0};
}

/* Starts the command with pipes on its descriptors 0 to 2. */
static struct failure command_start(struct exec *x)
{
	struct failure f = {0};
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, told[2] = {-1, -1};

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
	    pipe2(told, O_CLOEXEC) < 0)
		f.error = -errno;
	if (!f.error) {
		x->pid = fork();
		if (x->pid == 0)
			command_run(x, (const int[]){in[0], out[1], err[1]}, told[1]);
		if (x->pid < 0)
			f.error = -errno;
	}
	close_fd(&told[1]);
	if (!f.error)
		command_wait(told[0], &f);
	close_fd(&told[0]);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	if (f.error) {
		close_fd(&in[1]);
		close_fd(&out[0]);
		close_fd(&err[0]);
		return f;
	}
	/* Only our ends: the command's own must block as pipes do. */
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	x->in.to = in[1];
	x->out.from = out[0];
	x->err.from = err[0];
	/* Nobody would read these if the host has closed their ports already. */
	if (x->out.to < 0)
		close_fd(&x->out.from);
	if (x->err.to < 0)
		close_fd(&x->err.from);
	return f;
}

static void command_taken(struct exec *x, char *text)
{
	x->command = text;
	struct failure f = command_start(x);
	if (f.error) {
		control_send(x, f.cwd ? EXEC_NODIR : EXEC_ERROR, strerror(-f.error));
		x->state = REPORTED;
		return;
	}
	x->state = RUNNING;
	control_send(x, EXEC_STARTED, "");
}

static void cwd_taken(struct exec *x, char *text)
{
	free(x->cwd);
	x->cwd = text;
}

static void env_taken(struct exec *x, char *text)
{
	char **env = realloc(x->env, (x->n_env + 1) * sizeof(*env));

	if (!env) {
		say("no memory for %s", text);
		free(text);
		return;
	}
	x->env = env;
	x->env[x->n_env++] = text;
}

/* A text of @len bytes follows, which @taken gets. False if that makes no sense. */
static bool text_begin(struct exec *x, unsigned long long len,
		       void (*taken)(struct exec *x, char *text))
{
	if (x->state != WAITING || len < 1 || len > EXEC_TEXT_MAX)
		return false;
	x->text = malloc(len + 1);
	x->text_len = 0;
	x->text_want = len;
	x->text_taken = taken;
	return x->text;
}

static void text_complete(struct exec *x)
{
	char *text = x->text;

	text[x->text_len] = '\0';
	x->text = NULL;
	x->text_want = 0;
	x->text_taken(x, text);
}

/* Carries out one control line. False if it makes no sense. */
static bool control_line(struct exec *x, const char *line)
{
	char word[16], more;
	unsigned long long n = 0;
	int words = sscanf(line, "%15s %llu %c", word, &n, &more);

	if (words == 1 && !strcmp(word, EXEC_BYE)) {
		x->state = DONE;
		return true;
	}
	if (words != 2)
		return false;
	if (!strcmp(word, EXEC_ENV))
		return text_begin(x, n, env_taken);
	if (!strcmp(word, EXEC_CWD))
		return text_begin(x, n, cwd_taken);
	if (!strcmp(word, EXEC_EXEC))
		return text_begin(x, n, command_taken);
	if (!strcmp(word, EXEC_EOF)) {
		x->in.limit = n;
		return true;
	}
	if (!strcmp(word, EXEC_SIGNAL)) {
		if (x->state == RUNNING && n > 0 && n < (unsigned)NSIG)
			kill(-x->pid, (int)n);
		return true;
	}
	return false;
}

/* Takes @len bytes that came through the control port. False if they make no sense. */
static bool control_bytes(struct exec *x, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (x->text_want) {
			x->text[x->text_len++] = buf[i];
			if (x->text_len == x->text_want)
				text_complete(x);
			continue;
		}
		if (buf[i] != '\n') {
			x->line[x->line_len++] = buf[i];
			if (x->line_len == sizeof(x->line))
				return false;
			continue;
		}
		x->line[x->line_len] = '\0';
		x->line_len = 0;
		if (!control_line(x, x->line))
			return false;
	}
	return true;
}

static void control_read(struct exec *x)
{
	char buf[4096];
	ssize_t n = read(x->control, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && control_bytes(x, buf, (size_t)n))
		return;
	if (n > 0)
		say("the host sent a line that is not understood");
	x->state = DONE;
}

/* True if the stream has nothing left to do. */
static bool stream_idle(const struct stream *s)
{
	return s->to < 0 || ((s->from < 0 || s->read >= s->limit) && s->start == s->end);
}

static void stream_read(struct stream *s)
{
	uint64_t left = s->limit - s->read;
	ssize_t n = read(s->from, s->buf, left < CHUNK ? left : CHUNK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->limit = s->read;
		return;
	}
	s->read += (uint64_t)n;
	s->start = 0;
	s->end = (size_t)n;
}

/* Writes on. Returns false if nobody reads any more. */
static bool stream_write(struct stream *s)
{
	ssize_t n = write(s->to, s->buf + s->start, s->end - s->start);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	s->start += (size_t)n;
	s->written += (uint64_t)n;
	return true;
}

/* What the command has written and init has not read yet is all that will be sent. */
static void stream_finish(struct stream *s)
{
	int have = 0;

	if (s->from >= 0 && ioctl(s->from, FIONREAD, &have) == 0 && s->limit > s->read + have)
		s->limit = s->read + (uint64_t)have;
}

static void signals_read(struct exec *x)
{
	struct signalfd_siginfo info;
	int status;

	while (read(x->sigfd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			x->asked = (int)info.ssi_signo;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid != x->pid || x->state != RUNNING)
			continue;
		x->status = status;
		x->state = ENDED;
		stream_finish(&x->out);
		stream_finish(&x->err);
	}
}

static void report(struct exec *x)
{
	bool killed = WIFSIGNALED(x->status);
	char rest[EXEC_LINE_MAX];

	snprintf(rest, sizeof(rest), "%d %llu %llu",
		 killed ? WTERMSIG(x->status) : WEXITSTATUS(x->status),
		 (unsigned long long)x->out.written, (unsigned long long)x->err.written);
	control_send(x, killed ? EXEC_KILLED : EXEC_EXIT, rest);
	x->state = REPORTED;
}

enum { P_SIGNAL, P_CONTROL, P_IN, P_STDIN, P_STDOUT, P_OUT, P_STDERR, P_ERR, P_COUNT };

static void poll_add(struct pollfd *p, int fd, short events)
{
	p->fd = fd;
	p->events = events;
	p->revents = 0;
}

/* The reading side is asked for when the buffer is empty, the writing side when it is not. */
static void poll_stream(struct pollfd *from, struct pollfd *to, const struct stream *s)
{
	bool empty = s->start == s->end;
	bool wanted = s->to >= 0 && empty && s->read < s->limit;

	poll_add(from, wanted ? s->from : -1, POLLIN);
	/* With no events too: POLLHUP tells that nobody reads any more. */
	poll_add(to, s->to, empty ? 0 : POLLOUT);
}

static void pump_output(struct stream *s, short from, short to)
{
	if (s->to < 0)
		return;
	if (from)
		stream_read(s);
	/* The host closed the port: the command shall get SIGPIPE. */
	if ((to & (POLLHUP | POLLERR)) || (s->start != s->end && !stream_write(s))) {
		close_fd(&s->to);
		close_fd(&s->from);
	}
}

static void pump_input(struct stream *s, short from, short to)
{
	if (s->to < 0)
		return;
	if (from)
		stream_read(s);
	if ((to & POLLERR) || (s->start != s->end && !stream_write(s)) ||
	    (s->start == s->end && s->read >= s->limit))
		close_fd(&s->to);
}

static int serve(struct exec *x)
{
	struct pollfd p[P_COUNT];

	while (x->state != DONE && !x->asked) {
		if (x->state == ENDED && stream_idle(&x->out) && stream_idle(&x->err))
			report(x);
		poll_add(&p[P_SIGNAL], x->sigfd, POLLIN);
		poll_add(&p[P_CONTROL], x->control, POLLIN);
		poll_stream(&p[P_IN], &p[P_STDIN], &x->in);
		poll_stream(&p[P_STDOUT], &p[P_OUT], &x->out);
		poll_stream(&p[P_STDERR], &p[P_ERR], &x->err);
		if (poll(p, P_COUNT, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[P_CONTROL].revents)
			control_read(x);
		pump_input(&x->in, p[P_IN].revents, p[P_STDIN].revents);
		pump_output(&x->out, p[P_STDOUT].revents, p[P_OUT].revents);
		pump_output(&x->err, p[P_STDERR].revents, p[P_ERR].revents);
		if (p[P_SIGNAL].revents)
			signals_read(x);
	}
	return x->asked;
}

static int stream_init(struct stream *s)
{
	*s = (struct stream){.from = -1, .to = -1, .limit = UINT64_MAX, .buf = malloc(CHUNK)};
	return s->buf ? 0 : -ENOMEM;
}

static void stream_fini(struct stream *s)
{
	close_fd(&s->from);
	close_fd(&s->to);
	free(s->buf);
}

int exec_serve(int sigfd)
{
	struct exec x = {.sigfd = sigfd, .control = -1};
	int uevents = uevents_open();
	int err = stream_init(&x.out) | stream_init(&x.err) | stream_init(&x.in);

	if (uevents < 0)
		err = uevents;
	if (!err)
		err = ports_open(&x, uevents);
	if (!err) {
		/* Blocks until the host has opened its side. */
		fcntl(x.control, F_SETFL, 0);
		control_send(&x, EXEC_READY, "");
		fcntl(x.control, F_SETFL, O_NONBLOCK);
		err = serve(&x);
	}
	close_fd(&uevents);
	close_fd(&x.control);
	stream_fini(&x.out);
	stream_fini(&x.err);
	stream_fini(&x.in);
	free(x.text);
	free(x.command);
	free(x.cwd);
	while (x.n_env)
		free(x.env[--x.n_env]);
	free(x.env);
	return err;
}
