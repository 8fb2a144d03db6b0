/* SPDX-License-Identifier: MIT */
/*
 * A subcommand: what the command line, the help text, the man page and shell completion know of it.
 * Main thread.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/opt.h"

/* A chapter of a man page. Paragraphs are parted by empty lines; lines that begin with blanks are
 * shown as they are. */
struct command_chapter {
	const char *title; /* NULL ends an array */
	const char *text;
};

struct command {
	const char *name;
	const char *help; /* one line */
	int (*run)(int argc, char **argv);

	const char *usage; /* what follows the name: "[OPTIONS] DIR" */
	const char *about; /* what it does, in lines of at most 80 columns */
	const struct opt *options;
	const struct command_chapter *more; /* for the man page only; NULL: none */
};

/* For commands without options. */
extern const struct opt command_no_options[];

void command_print_help(FILE *out, const struct command *c);

/* Parses the options in argv[1..argc) into ctx. True when the command shall go on, with argv[*used]
 * as its first operand; else *status is what it returns. With used == NULL operands are refused. */
bool command_parse(const struct command *c, void *ctx, int argc, char **argv, int *used,
		   int *status);

#endif
