/* SPDX-License-Identifier: MIT */
/*
 * A child process for each run, whose standard output and error are memory files; see run.h. The
 * child's own time limit ends it if it hangs.
 */
#include "run.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_engine.h"

/* Exactly the extensions that the decoder has. */
#define PEER_CPU \
	"rv64,zba=on,zbb=on,zbs=on,zicond=on,zbc=on,zfa=on,zawrs=on,zicbom=on,zicbop=on,zicboz=on"

static int memory_file(const char *name)
{
	int fd = memfd_create(name, 0);

	if (fd < 0)
		err(1, "memfd_create");
	return fd;
}

/* Forks; true in the child. */
static bool start(struct run *r, const char *name, const struct program *p)
{
	*r = (struct run){.name = name, .size = program_output_size(p)};
	r->output = memory_file("output");
	r->log = memory_file("log");
	if (fflush(stdout))
		err(1, "standard output");
	r->pid = fork();
	if (r->pid < 0)
		err(1, "fork");
	if (r->pid)
		return false;
	if (dup2(r->output, STDOUT_FILENO) < 0 || dup2(r->log, STDERR_FILENO) < 0)
		_exit(126);
	alarm(RUN_SECONDS);
	return true;
}

void run_engine_start(struct run *r, const char *engine, const struct program *p)
{
	if (start(r, "linnet", p))
		_exit(run_engine(engine, p));
}

void run_peer_start(struct run *r, const char *path, const struct program *p)
{
	char name[64];
	int fd = memory_file("program");

	if (write(fd, p->image, p->size) != (ssize_t)p->size)
		err(1, "a program of %zu bytes", p->size);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (start(r, "qemu-riscv64", p)) {
		execl(path, "qemu-riscv64", "-cpu", PEER_CPU, name, (char *)NULL);
		warn("%s", path);
		_exit(126);
	}
	close(fd);
}

static void complain(struct run *r, int status, size_t size)
{
	char log[256] = "";
	ssize_t n = pread(r->log, log, sizeof(log) - 1, 0);

	while (n > 0 && log[n - 1] == '\n')
		log[--n] = '\0';
	if (WIFSIGNALED(status))
		snprintf(r->message, sizeof(r->message), "%s: ended by signal %d (%s) %s", r->name,
			 WTERMSIG(status), strsignal(WTERMSIG(status)), log);
	else
		snprintf(r->message, sizeof(r->message),
			 "%s: exit status %d, %zu of %zu bytes of results; %s", r->name,
			 WEXITSTATUS(status), size, r->size, log);
}

void run_finish(struct run *r)
{
	int status;
	off_t size;

	while (waitpid(r->pid, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "waitpid");
	size = lseek(r->output, 0, SEEK_END);
	if (status || size != (off_t)r->size) {
		complain(r, status, (size_t)size);
	} else {
		r->result = mmap(NULL, r->size, PROT_READ, MAP_SHARED, r->output, 0);
		if (r->result == MAP_FAILED)
			err(1, "mmap");
	}
	close(r->output);
	close(r->log);
}

void run_free(struct run *r)
{
	if (r->result)
		munmap(r->result, r->size);
	r->result = NULL;
}
