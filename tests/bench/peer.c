/* SPDX-License-Identifier: MIT */
/* Running one peer, and the clock that counts between the marks: the CPU time of the process with
 * all its threads, which a busy machine hardly changes. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_S 1800

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- command lines ---- */

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	if (vasprintf(&s, format, ap) < 0)
		die("bench");
	va_end(ap);
	return s;
}

static char *kernel_line(const struct scene *s, const char *loads)
{
	return text("%s quiet linnet.mode=demo -- port=%u %s", s->append, s->port, loads);
}

static bool linnet(const struct scene *s, const char *engine, const char *loads, char **argv)
{
	char *const all[] = {text("%s", s->linnet),
			     text("run"),
			     text("--engine=%s", engine),
			     text("--mem=512M"),
			     text("--smp=%u", s->harts),
			     text("--kernel=%s", s->kernel),
			     text("--initrd=%s", s->initrd),
			     text("--append-only=%s", kernel_line(s, loads)),
			     text("--disk=path=%s", s->disk),
			     text("--net=user"),
			     NULL};

	memcpy(argv, all, sizeof(all));
	return true;
}

static bool jit(const struct scene *s, const char *loads, char **argv)
{
	return linnet(s, "jit", loads, argv);
}

static bool interp(const struct scene *s, const char *loads, char **argv)
{
	return linnet(s, "interp", loads, argv);
}

static bool qemu(const struct scene *s, const char *program, const char *loads, char **argv)
{
	char *const all[] = {text("%s", program ? program : ""),
			     text("-M"),
			     text("virt"),
			     text("-m"),
			     text("512"),
			     text("-smp"),
			     text("%u", s->harts),
			     text("-nographic"),
			     text("-no-reboot"),
			     text("-kernel"),
			     text("%s", s->kernel),
			     text("-initrd"),
			     text("%s", s->initrd),
			     text("-append"),
			     kernel_line(s, loads),
			     text("-drive"),
			     text("file=%s,if=none,format=raw,id=disk", s->disk),
			     text("-device"),
			     text("virtio-blk-device,drive=disk"),
			     text("-netdev"),
			     text("user,id=net"),
			     text("-device"),
			     text("virtio-net-device,netdev=net"),
			     NULL};

	memcpy(argv, all, sizeof(all));
	return program;
}

static bool qemu7(const struct scene *s, const char *loads, char **argv)
{
	return qemu(s, s->qemu, loads, argv);
}

static bool qemu10(const struct scene *s, const char *loads, char **argv)
{
	return qemu(s, s->qemu10, loads, argv);
}

static bool native(const struct scene *s, const char *loads, char **argv)
{
	char *words = text("%s", loads);
	unsigned n = 0;

	argv[n++] = text("%s", s->native);
	for (char *w = strtok(words, " "); w && n < MAX_LOADS; w = strtok(NULL, " "))
		argv[n++] = w;
	argv[n] = NULL;
	return true;
}

const struct peer peers[] = {
	{"jit", jit, true},       {"qemu7", qemu7, true},    {"qemu10", qemu10, true},
	{"interp", interp, true}, {"native", native, false},
};
const unsigned n_peers = sizeof(peers) / sizeof(peers[0]);

/* ---- running ---- */

static double seconds(clockid_t clock)
{
	struct timespec t = {0};

	if (clock_gettime(clock, &t))
		die("bench: the clock of the process");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t spawn(const struct scene *s, char *const argv[], int *out)
{
	int pipe_fd[2];
	pid_t pid;

	if (pipe(pipe_fd))
		die("bench: pipe");
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (null < 0 || dup2(null, 0) < 0 || dup2(pipe_fd[1], 1) < 0 || dup2(1, 2) < 0)
			_exit(126);
		if (s->pace && pace_follow(s->pace))
			_exit(126);
		close(pipe_fd[0]);
		alarm(LIMIT_S);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0)
		die("bench: fork");
	close(pipe_fd[1]);
	*out = pipe_fd[0];
	return pid;
}

/* Resident memory but for the guest's RAM, in MB. */
static double memory_beyond_ram(pid_t pid)
{
	char path[64], line[1024];
	bool ram = false, any = false;
	double mb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long begin, end, kb;

		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) {
			ram = strstr(line, "memfd:linnet-ram");
			any |= ram;
		} else if (!ram && sscanf(line, "Rss: %lu kB", &kb) == 1) {
			mb += (double)kb / 1024;
		}
	}
	if (f)
		(void)fclose(f); /* only read */
	return any ? mb : 0;
}

struct meter {
	clockid_t clock;
	double cpu, wall; /* at the last begin */
	struct pace_mark pace;
};

/* What the process has used since the last begin. */
static double cpu_of(const struct scene *s, const struct meter *m)
{
	double cpu = seconds(m->clock) - m->cpu;

	return s->pace ? cpu * pace_since(s->pace, m->pace) : cpu;
}

/* A line of the guest's console: "bench: begin NAME" or "bench: end NAME RESULT". */
static void look_at(const struct scene *s, const char *line, struct meter *m,
		    const char *const names[], unsigned n, struct cost *cost)
{
	char what[8], name[32];
	uint64_t result = 0;
	unsigned i;

	line = strstr(line, "bench: ");
	if (!line || sscanf(line, "bench: %7s %31s %lx", what, name, &result) < 2)
		return;
	if (!strcmp(what, "begin")) {
		m->cpu = seconds(m->clock);
		m->wall = seconds(CLOCK_MONOTONIC);
		if (s->pace)
			m->pace = pace_now(s->pace);
		return;
	}
	for (i = 0; i < n && strcmp(names[i], name); i++)
		;
	if (i == n)
		return;
	cost[i] = (struct cost){.cpu = cpu_of(s, m),
				.wall = seconds(CLOCK_MONOTONIC) - m->wall,
				.result = result,
				.valid = true};
}

void peer_run(const struct scene *s, char *const argv[], const char *const names[], unsigned n,
	      struct cost *cost, double *extra_mb)
{
	struct meter m;
	char line[1024];
	int fd, status;
	pid_t pid = spawn(s, argv, &fd);
	FILE *in = fdopen(fd, "r");
	FILE *keep = fopen(s->log, "w");

	if (!in || !keep)
		die(s->log);
	if (clock_getcpuclockid(pid, &m.clock))
		die("bench: the clock of the process");
	memset(cost, 0, n * sizeof(*cost));
	*extra_mb = 0;
	while (fgets(line, sizeof(line), in)) {
		fputs(line, keep);
		look_at(s, line, &m, names, n, cost);
		if (strstr(line, "bench: end"))
			*extra_mb = memory_beyond_ram(pid);
	}
	(void)fclose(in);
	if (fclose(keep))
		die(s->log);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "bench: %s failed (status %#x); its output is in %s\n", argv[0],
			status, s->log);
		exit(1);
	}
}

/* ---- the other end of the network loads ---- */

/* The client sends a direction ('u' or 'd') and a count of 8 bytes, little endian. */
static void serve(int fd)
{
	static char buf[1 << 16];
	uint8_t head[9];
	uint64_t left = 0;

	if (recv(fd, head, sizeof(head), MSG_WAITALL) != sizeof(head))
		return;
	memcpy(&left, head + 1, sizeof(left));
	while (left) {
		size_t n = left < sizeof(buf) ? (size_t)left : sizeof(buf);
		ssize_t done = head[0] == 'u' ? recv(fd, buf, n, 0)
					      : send(fd, buf, n, MSG_NOSIGNAL);

		if (done <= 0)
			return;
		left -= (uint64_t)done;
	}
	/* The last byte tells a sender that all has arrived. */
	if (head[0] == 'u' && send(fd, head, 1, MSG_NOSIGNAL) != 1)
		return;
	if (recv(fd, head, 1, 0) < 0)
		return;
}

unsigned server_start(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 4) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		die("bench: a server on the loopback");
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int client = accept(fd, NULL, NULL);

			if (client < 0)
				_exit(1);
			serve(client);
			close(client);
		}
	}
	close(fd);
	return ntohs(addr.sin_port);
}
