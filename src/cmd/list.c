/* SPDX-License-Identifier: MIT */
/* Subcommands that print a table, and the one that runs the guest's recipe. */
#include "cmd/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/opt.h"
#include "cmd/guest_set.h"
#include "dev/types.h"
#include "machine/machine.h"

static const struct opt fetch_table[] = {
	{.name = "update",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct guest_set_wish, update),
	 .help = "look for a newer guest; the old one stays until it is there"},
	{.name = "print",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct guest_set_wish, print),
	 .help = "print name=value lines: kernel, initrd, disk, append, append_off"},
	{.name = "small",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct guest_set_wish, own[0]),
	 .help = "build the kernel for --kernel small: starts fast"},
	{.name = "debug",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct guest_set_wish, own[1]),
	 .help = "and for --kernel debug: with KASAN, lockdep and the like"},
	{0},
};

static const struct opt no_options[] = {{0}};

/* True when the command shall go on; else *status is what it returns. */
static bool parse(const struct opt *table, void *ctx, const char *what, int argc, char **argv,
		  int *status)
{
	struct err e = {""};
	int used, ret = opt_parse(table, ctx, argc - 1, argv + 1, &used, &e);

	if (!ret && used < argc - 1)
		ret = err_set(&e, -1, "%s: it takes no arguments; see linnet %s --help",
			      argv[1 + used], argv[0]);
	if (ret == OPT_WANTS_HELP) {
		printf("Usage: linnet %s [OPTIONS]\n%s\n", argv[0], what);
		opt_print_help(stdout, table);
		*status = EXIT_SUCCESS;
		return false;
	}
	if (ret) {
		fprintf(stderr, "linnet %s: %s\n", argv[0], e.text);
		*status = 2;
		return false;
	}
	return true;
}

int cmd_fetch(int argc, char **argv)
{
	struct guest_set_wish wish = {0};
	struct err e = {""};
	int status;

	if (!parse(fetch_table, &wish, "Gets the default guest into the cache, if it is not there.",
		   argc, argv, &status))
		return status;
	if (wish.print && wish.own[0] && wish.own[1]) {
		fprintf(stderr,
			"linnet fetch: --print tells of one kernel; give --small or --debug\n");
		return 2;
	}
	guest_set_exec_fetch(&wish, &e);
	fprintf(stderr, "linnet fetch: %s\n", e.text);
	return EXIT_FAILURE;
}

int cmd_machines(int argc, char **argv)
{
	int status;

	if (!parse(no_options, NULL, "Lists the machines for --machine; the first is the default.",
		   argc, argv, &status))
		return status;
	for (unsigned i = 0; i < machine_n_types; i++)
		printf("%-10s %s\n", machine_types[i]->name, machine_types[i]->help);
	return EXIT_SUCCESS;
}

int cmd_devices(int argc, char **argv)
{
	int status;

	if (!parse(no_options, NULL, "Lists the virtio devices that a machine can have.", argc,
		   argv, &status))
		return status;
	for (const struct vdev_type *t = vdev_types; t->name; t++)
		printf("%-10s %s\n", t->name, t->help);
	return EXIT_SUCCESS;
}
