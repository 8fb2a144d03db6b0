/* SPDX-License-Identifier: MIT */
/* Subcommands that print a table, and the one that runs the guest's recipe. */
#include "cmd/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/opt.h"
#include "cmd/command.h"
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

static int cmd_fetch(int argc, char **argv)
{
	struct guest_set_wish wish = {0};
	struct err e = {0};
	int status;

	if (!command_parse(&fetch_command, &wish, argc, argv, NULL, &status))
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

static int cmd_machines(int argc, char **argv)
{
	int status;

	if (!command_parse(&machines_command, NULL, argc, argv, NULL, &status))
		return status;
	for (unsigned i = 0; i < machine_n_types; i++)
		printf("%-10s %s\n", machine_types[i]->name, machine_types[i]->help);
	return EXIT_SUCCESS;
}

static int cmd_devices(int argc, char **argv)
{
	int status;

	if (!command_parse(&devices_command, NULL, argc, argv, NULL, &status))
		return status;
	for (const struct vdev_type *t = vdev_types; t->name; t++)
		printf("%-10s %s\n", t->name, t->help);
	return EXIT_SUCCESS;
}

const struct command fetch_command = {
	.name = "fetch",
	.help = "get the default guest into the cache",
	.run = cmd_fetch,
	.usage = "[OPTIONS]",
	.about = "Gets the default guest into the cache, if it is not there.",
	.options = fetch_table,
};

const struct command machines_command = {
	.name = "machines",
	.help = "list the machines",
	.run = cmd_machines,
	.usage = "",
	.about = "Lists the machines for --machine; the first is the default.",
	.options = command_no_options,
};

const struct command devices_command = {
	.name = "devices",
	.help = "list the devices",
	.run = cmd_devices,
	.usage = "",
	.about = "Lists the virtio devices that a machine can have.",
	.options = command_no_options,
};
