/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: one JSON object whose keys are the options of a table (see docs/config.md).
 * Main thread.
 *
 * A value goes through the same parsers as the command line's: it is turned into that text first.
 * A message begins with its place, FILE:LINE:COLUMN, and the key.
 */
#ifndef CMD_CONFIG_H
#define CMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/opt.h"

struct err;
struct config;
struct config_dump;

#define CONFIG_MAX (1u << 20) /* bytes in a file */

/* Reads the file; "-" is standard input. 0, or -errno with the message in e. */
int config_load(const char *path, struct config **out, struct err *e);

/* The same for a text of len bytes with a name for messages; it is copied. */
int config_parse(const char *name, const char *text, size_t len, struct config **out,
		 struct err *e);

/* Frees also the values that were applied: to be called when the options are no longer used. NULL
 * is allowed. */
void config_free(struct config *c);

bool config_has(const struct config *c, const char *key);

/* Gives all its values to the options, but for those of single options that are given in argv as
 * well. 0, or -errno with a message. */
int config_apply(struct config *c, const struct opt *table, void *ctx, int argc, char **argv,
		 struct err *e);

/*
 * The effective configuration as a file. It is begun before anything is parsed, since parsing cuts
 * the words of argv; `c` may be NULL. 0, or -errno with a message.
 */
int config_dump_new(const struct config *c, const struct opt *table, int argc, char **argv,
		    struct config_dump **out, struct err *e);

/* Writes it with all the rest, which is read from ctx. */
int config_dump_write(struct config_dump *d, const struct opt *table, const void *ctx, FILE *out,
		      struct err *e);
void config_dump_free(struct config_dump *d);

#endif
