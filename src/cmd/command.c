/* SPDX-License-Identifier: MIT */
/* What all subcommands do alike. */
#include "cmd/command.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

const struct opt command_no_options[] = {{0}};

void command_print_help(FILE *out, const struct command *c)
{
	fprintf(out, "Usage: linnet %s %s\n%s\n", c->name, c->usage, c->about);
	opt_print_help(out, c->options);
}

bool command_parse(const struct command *c, void *ctx, int argc, char **argv, int *used,
		   int *status)
{
	struct err e = {0};
	int n = 0, ret = opt_parse(c->options, ctx, argc - 1, argv + 1, &n, &e);

	if (!ret && !used && n < argc - 1)
		ret = err_set(&e, -EINVAL,
			      "%.200s: it takes nothing but options; see linnet %s --help",
			      argv[1 + n], c->name);
	if (ret == OPT_WANTS_HELP) {
		command_print_help(stdout, c);
		*status = EXIT_SUCCESS;
	} else if (ret) {
		fprintf(stderr, "linnet %s: %s\n", c->name, e.text);
		*status = 2;
	}
	if (used)
		*used = n + 1;
	return !ret;
}
