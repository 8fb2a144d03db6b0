/* SPDX-License-Identifier: MIT */
/*
 * `linnet --generate WHAT`: man pages and shell completion out of the option tables. The build runs
 * it; users have no need to. Main thread.
 */
#ifndef CMD_GENERATE_H
#define CMD_GENERATE_H

#include <stdbool.h>
#include <stdio.h>

struct command;

/* argv: "man" (linnet.1), "man COMMAND" (linnet-COMMAND.1), "bash" or "zsh". The exit status. */
int generate(FILE *out, const struct command *const *commands, unsigned n, int argc, char **argv);

struct opt;

/* What shells are told of a value. */
bool generate_is_file(const struct opt *o);
bool generate_is_directory(const struct opt *o);

/* The fixed beginning of the value's i-th alternative, such as "stdio" and then "file:" where its
 * name is "stdio|file:PATH". False behind the last, and for a value without alternatives. */
#define GENERATE_WORD_MAX 32
bool generate_alternative(const struct opt *o, unsigned i, char word[GENERATE_WORD_MAX]);

/* Each of these writes one of them. */
void generate_man(FILE *out, const struct command *const *commands, unsigned n);
void generate_command_man(FILE *out, const struct command *c);
void generate_bash(FILE *out, const struct command *const *commands, unsigned n);
void generate_zsh(FILE *out, const struct command *const *commands, unsigned n);

#endif
