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

struct fetch_options {
	bool update, print;
};

static const struct opt fetch_table[] = {
	{.name = "update",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct fetch_options, update),
	 .help = "look for a newer guest; the old one stays until it is there"},
	{.name = "print",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct fetch_options, print),
	 .help = "print name=value lines: kernel, initrd, disk, append, append_off"},
	{0},
};

static int cmd_fetch(int argc, char **argv)
{
	struct fetch_options o = {0};
	struct err e = {0};
	int status;

	if (!command_parse(&fetch_command, &o, argc, argv, NULL, &status))
		return status;
	guest_set_exec_fetch(o.update, o.print, &e);
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
