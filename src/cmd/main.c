/* SPDX-License-Identifier: MIT */
/* The command line's first word chooses one of a table of subcommands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/opt.h"
#include "cmd/ctl.h"
#include "cmd/kbuild.h"
#include "cmd/list.h"
#include "cmd/run.h"

struct command {
	const char *name;
	const char *help; /* one line */
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{"run", "boot a guest, or run a command in one", cmd_run},
	{"ctl", "ask or steer a machine that runs with --control", cmd_ctl},
	{"fetch", "get the default guest into the cache", cmd_fetch},
	{"new-driver", "begin a kernel module with one that works", cmd_new_driver},
	{"kbuild", "build kernel modules for the default guest", cmd_kbuild},
	{"machines", "list the machines", cmd_machines},
	{"devices", "list the devices", cmd_devices},
};

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: linnet COMMAND [OPTIONS]\n"
		     "A virtual board for people who write drivers, embedded systems and "
		     "hypervisors.\n\nCommands:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\nOptions:\n  --help     this text; `linnet COMMAND --help` tells more\n"
		     "  --version  the version\n"
		     "\nExamples:\n"
		     "  linnet run                               a Debian shell; Ctrl-A x leaves\n"
		     "  linnet run --exec 'uname -a'             one command, its status is ours\n"
		     "  linnet run --file my.ko:/my.ko --exec 'insmod /my.ko && dmesg | tail'\n");
}

static int unknown(const char *word)
{
	const char *names[ARRAY_SIZE(commands) + 1] = {NULL};
	const char *near;

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = opt_nearest(word, names);
	fprintf(stderr, "linnet: unknown command %s; %s%s%s\n", word,
		near ? "did you mean " : "see linnet --help", near ? near : "", near ? "?" : "");
	return 2;
}

/* What was printed is only known to have arrived when it was flushed. */
static int flushed(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "linnet: standard output: %s\n", strerror(errno));
	return status ? status : EXIT_FAILURE;
}

/* Started with one of them closed (`<&-`), the next file that is opened, a disk even, would be
 * taken for standard input or output: empty ones stand in. open() gives the lowest number that is
 * free. */
static int fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	if (fill_standard_descriptors())
		return 125;
	if (argc < 2) {
		print_usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return flushed(EXIT_SUCCESS);
	}
	if (!strcmp(argv[1], "--version")) {
		printf("linnet %s\n", LINNET_VERSION);
		return flushed(EXIT_SUCCESS);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return flushed(commands[i].run(argc - 1, argv + 1));
	return unknown(argv[1]);
}
