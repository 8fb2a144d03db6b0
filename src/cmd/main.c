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
#include "cmd/command.h"
#include "cmd/ctl.h"
#include "cmd/doctor.h"
#include "cmd/duo.h"
#include "cmd/generate.h"
#include "cmd/ioctl.h"
#include "cmd/kbuild.h"
#include "cmd/list.h"
#include "cmd/run.h"
#include "cmd/switch.h"
#include "cmd/trace.h"

static const struct command *const commands[] = {
	&run_command,    &ctl_command,    &fetch_command,    &new_driver_command,
	&kbuild_command, &doctor_command, &machines_command, &devices_command,
	&switch_command, &ioctl_command,  &trace_command,    &duo_command,
};

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: linnet COMMAND [OPTIONS]\n"
		     "A virtual board for people who write drivers, embedded systems and "
		     "hypervisors.\n\nCommands:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->help);
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
		names[i] = commands[i]->name;
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
	if (!strcmp(argv[1], "--generate"))
		return flushed(
			generate(stdout, commands, ARRAY_SIZE(commands), argc - 2, argv + 2));
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i]->name))
			return flushed(commands[i]->run(argc - 1, argv + 1));
	return unknown(argv[1]);
}
