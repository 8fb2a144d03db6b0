/* SPDX-License-Identifier: MIT */
/* Only the command line is looked at here; guest/kbuild.sh and guest/new-driver.sh do the work. */
#include "cmd/kbuild.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/opt.h"
#include "cmd/command.h"
#include "cmd/guest_set.h"
#include "cmd/share.h"

/* The words that stand before the user's own in a script's argv, and the NULL at its end. */
#define OWN_WORDS 11

struct kbuild_options {
	const char *kernel;
	bool source, extras, print;
};

static const struct opt kbuild_table[] = {
	{.name = "kernel",
	 .arg = "small|debug",
	 .kind = OPT_STRING,
	 .offset = offsetof(struct kbuild_options, kernel),
	 .help = "for one of Linnet's own kernels, which is built first"},
	{.name = "source",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct kbuild_options, source),
	 .help = "get the kernel's source too (150 MB)"},
	{.name = "extras",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct kbuild_options, extras),
	 .help = "build Linnet's own drivers (once 150 MB)"},
	{.name = "print",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct kbuild_options, print),
	 .help = "print name=value lines: release, headers, source"},
	{0},
};

static int fail(const char *command, const struct err *e, int status)
{
	fprintf(stderr, "linnet %s: %s\n", command, e->text);
	return status;
}

/* Becomes the script with `own` and then the user's words. */
static int exec_script(const char *const own[], char *const words[], struct err *e)
{
	const char **argv;
	unsigned n = 0, n_words = 0;
	int ret;

	while (words[n_words])
		n_words++;
	argv = calloc(OWN_WORDS + n_words, sizeof(*argv));
	if (!argv)
		return err_set(e, -ENOMEM, "out of memory");
	while (own[n]) {
		argv[n] = own[n];
		n++;
	}
	for (unsigned i = 0; i < n_words; i++)
		argv[n++] = words[i];
	ret = share_exec(argv, e);
	free(argv);
	return ret;
}

static int cmd_kbuild(int argc, char **argv)
{
	const char *own[OWN_WORDS] = {"sh", NULL, "--init", NULL};
	struct kbuild_options o = {0};
	struct share_paths paths;
	struct err e = {0};
	int used, status;
	unsigned n = 4;

	if (!command_parse(&kbuild_command, &o, argc, argv, &used, &status))
		return status;
	if (used == argc && !o.source && !o.extras && !o.print) {
		err_set(&e, -EINVAL, "give the module's directory; see linnet kbuild --help");
		return fail(argv[0], &e, 2);
	}
	if (o.kernel && !guest_set_is_own(o.kernel)) {
		err_set(&e, -EINVAL, "--kernel %s: give small or debug", o.kernel);
		return fail(argv[0], &e, 2);
	}
	if (share_find(&paths, &e))
		return fail(argv[0], &e, EXIT_FAILURE);
	own[1] = paths.kbuild;
	own[3] = paths.init;
	if (o.kernel) {
		own[n++] = "--kernel";
		own[n++] = o.kernel;
	}
	if (o.source)
		own[n++] = "--source";
	if (o.extras)
		own[n++] = "--extras";
	if (o.print)
		own[n++] = "--print";
	own[n++] = "--";
	exec_script(own, argv + used, &e);
	return fail(argv[0], &e, EXIT_FAILURE);
}

static int cmd_new_driver(int argc, char **argv)
{
	const char *own[OWN_WORDS] = {"sh", NULL, "--program", NULL};
	struct share_paths paths;
	struct err e = {0};
	int used, status;

	if (!command_parse(&new_driver_command, NULL, argc, argv, &used, &status))
		return status;
	if (argc - used < 1 || argc - used > 2) {
		err_set(&e, -EINVAL, "give NAME or NAME DIR; see linnet new-driver --help");
		return fail(argv[0], &e, 2);
	}
	if (share_find(&paths, &e))
		return fail(argv[0], &e, EXIT_FAILURE);
	own[1] = paths.new_driver;
	own[3] = paths.program;
	exec_script(own, argv + used, &e);
	return fail(argv[0], &e, EXIT_FAILURE);
}

const struct command kbuild_command = {
	.name = "kbuild",
	.help = "build kernel modules for the default guest",
	.run = cmd_kbuild,
	.usage = "[OPTIONS] DIR [MAKE-ARGUMENT...]",
	.about = "Builds DIR's modules (obj-m in its Kbuild) for the default guest's kernel, and\n"
		 "prints their paths. The kernel's headers are fetched on first use.\n"
		 "A MAKE-ARGUMENT is VARIABLE=VALUE, such as W=1, or a target, such as clean.",
	.options = kbuild_table,
};

const struct command new_driver_command = {
	.name = "new-driver",
	.help = "begin a kernel module with one that works",
	.run = cmd_new_driver,
	.usage = "NAME [DIR]",
	.about = "Begins a kernel module: a character device with parameters, a Kbuild, and a\n"
		 "test that runs it in a guest. DIR (default: NAME) must not be there yet.",
	.options = command_no_options,
};
