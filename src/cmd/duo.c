/* SPDX-License-Identifier: MIT */
/*
 * What is asked of a running machine is the verb `small` of its control socket, so that
 * `linnet ctl`, with all that it knows of sockets and answers, does it.
 */
#include "cmd/duo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ctl.h"

#define WORDS_MAX 8

static int ask(int argc, char **argv)
{
	char name[] = "ctl", verb[] = "small";
	char *words[WORDS_MAX + 3] = {name, argv[0], verb};

	if (argc > WORDS_MAX) {
		fprintf(stderr, "linnet duo: too many arguments; see linnet duo --help\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		words[i + 2] = argv[i];
	return ctl_command.run(argc + 2, words);
}

static int cmd_duo(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "linnet duo: give PATH, or fip and IMAGE; see linnet duo --help\n");
		return 2;
	}
	/* An option is one of fip's, or --help. */
	if (!strcmp(argv[1], "fip"))
		return duo_fip(argc - 1, argv + 1);
	if (argv[1][0] == '-')
		return duo_fip(argc, argv);
	return ask(argc - 1, argv + 1);
}

const struct command duo_command = {
	.name = "duo",
	.help = "the small core of a running duo; firmware in a board's fip.bin",
	.run = cmd_duo,
	.usage = "PATH [VERB [FIRMWARE[@ADDRESS]]] | fip IMAGE [OPTIONS]",
	.about =
		"PATH is the control socket of a duo that runs with --control unix:PATH. Verbs:\n"
		"  status       how its small core is (this is the default)\n"
		"  stop         hold it in reset\n"
		"  start        let it begin, with FIRMWARE if that is given\n"
		"  restart      the same, when it runs already\n\n"
		"fip prints the parts of IMAGE, a board's fip.bin, and compares their check sums.\n"
		"With --small-core it exchanges the small core's firmware.\n\n"
		"Exit status: 0; 1 refused, or a bad IMAGE; 2 wrong usage; 3 nobody answers at "
		"PATH",
	.options = duo_fip_options,
};
