/* SPDX-License-Identifier: MIT */
/*
 * Command-line options by table: one constant array per command says what can be given, what it
 * means, where it goes. Parsing, the help text, man pages and shell completion all come from it.
 *
 *	static const struct opt run_options[] = {
 *		{.help = "Machine"},
 *		{.name = "mem", .arg = "SIZE", .kind = OPT_SIZE, .help = "memory of the guest",
 *		 .offset = offsetof(struct run_config, mem), .min = 16 << 20, .max = 1ull << 40},
 *		{0},
 *	};
 *
 * The same table form describes the keys of a list value: `--disk path=F,ro=on`. Nothing here exits
 * or prints, but for opt_print_help(). Pure functions over the caller's memory: any thread.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

/* What a value is, and the type of the member at `offset` that receives it. */
enum opt_kind {
	OPT_FLAG,   /* bool, set to true; takes no value */
	OPT_BOOL,   /* bool, from "on" or "off" */
	OPT_STRING, /* const char *, into argv or the list's text */
	OPT_UINT,   /* unsigned, min to max */
	OPT_SIZE,   /* uint64_t bytes, min to max; K, M, G, T */
	OPT_CHOICE, /* unsigned, the index in `choices` */
	OPT_CALL,   /* calls `call`; with .arg == NULL a flag */
};

/* One option. An entry without a name is a heading (its `help`) for those that follow; an entry
 * without either ends the table. What is not used is left zero. */
struct opt {
	const char *name; /* without dashes */
	char letter;      /* "-v" for "--verbose"; or 0 */
	enum opt_kind kind;
	const char *arg;  /* what the value is called in the help: "SIZE"; "F" and "FILE" are files,
			   * "DIR" is a directory, to a shell that completes it */
	const char *help; /* a short sentence without a full stop */
	size_t offset;    /* of the member in the context */
	uint64_t min, max;
	const char *const *choices; /* ends with NULL; OPT_CALL: offered by shells, not checked */
	bool repeat;                /* OPT_CALL: each time that it is given counts */
	bool shell_only;            /* makes no sense in a configuration file */
	bool rare;                  /* in the help only its name */
	/* OPT_CALL with a list value: its keys; and, where the first item has no key, what to call
	 * that item where each needs a name. */
	const struct opt *keys;
	const char *head;
	/* A string of which the program knows the good ones: the i-th, NULL behind the last. */
	const char *(*value)(unsigned i);
	/* `value` may be changed and kept; NULL for a flag. `label` is what a message starts with,
	 * such as "--disk ". 0, or -errno with a message. Called once for each time the option is
	 * given. */
	int (*call)(void *ctx, const char *label, char *value, struct err *e);
};

#define OPT_WANTS_HELP 1

/* Parses argv[0..argc): `--name value`, `--name=value`, `-v`, `-m value`; up to the first operand
 * or past "--". *used is how many were consumed. An option given twice counts the last time, save
 * OPT_CALL. Returns 0, OPT_WANTS_HELP at --help or -h, or -EINVAL and what `call` returned, with a
 * message. */
int opt_parse(const struct opt *table, void *ctx, int argc, char **argv, int *used, struct err *e);

/* Calls fn for each option of argv as opt_parse() would take them, with its value (NULL: none), but
 * stores nothing and changes nothing. Ends without a word where opt_parse() would. */
void opt_walk(const struct opt *table, int argc, char **argv,
	      void (*fn)(void *arg, const struct opt *o, const char *value), void *arg);

/* The value of the last --name in argv; NULL when it is not given, "" for a flag. */
const char *opt_given(const struct opt *table, int argc, char **argv, const char *name);

/* The entry called so, or NULL. */
const struct opt *opt_find(const struct opt *table, const char *name);

/* The name of the table's entry that `word` was probably meant to be, or NULL. */
const char *opt_nearest_in(const struct opt *table, const char *word);

/* Whether it is followed by a value. */
bool opt_takes_value(const struct opt *o);

/* Gives the option a value, as text (NULL for a flag). 0, or -errno with a message, whose `at` is
 * then the part of a list value that is wrong, or NULL. */
int opt_store(const struct opt *o, void *ctx, const char *label, char *value, struct err *e);

/* Parses "key=value,key,key=value": a key alone is for OPT_FLAG, or means "on" for OPT_BOOL; two
 * commas stand for one inside a value. A first item without '=' that is no key is the value of the
 * key `implied` (NULL: none). `text` is changed in place, and strings point into it. `label` is
 * such as "--disk ". 0, or -errno with a message. */
int opt_parse_list(const struct opt *keys, void *ctx, const char *label, char *text,
		   const char *implied, struct err *e);

/*
 * Single values. `label` is what stands before the value in a message: "--mem ", "--disk size=".
 * 0, or -EINVAL with a message.
 */
/* Decimal or 0x hexadecimal, then nothing or one of K M G T (powers of 1024, either case). */
int opt_parse_size(const char *label, const char *text, uint64_t min, uint64_t max, uint64_t *out,
		   struct err *e);
/* Decimal or 0x hexadecimal. */
int opt_parse_uint(const char *label, const char *text, uint64_t min, uint64_t max, uint64_t *out,
		   struct err *e);
/* "on" or "off". */
int opt_parse_bool(const char *label, const char *text, bool *out, struct err *e);
/* The index of text in the list, which ends with NULL. */
int opt_parse_choice(const char *label, const char *text, const char *const *choices, unsigned *out,
		     struct err *e);

/* A size as opt_parse_size() reads it, in the largest unit that divides it: "16M". */
#define OPT_SIZE_TEXT 24
const char *opt_format_size(uint64_t bytes, char out[OPT_SIZE_TEXT]);

/* The entry of list (which ends with NULL) that `word` was probably meant to be; NULL when none is
 * near. */
const char *opt_nearest(const char *word, const char *const *list);

/* How many edits (insert, delete, replace, swap neighbours) lead from one word to the other;
 * UINT32_MAX when they are too far apart to be a slip. */
uint32_t opt_distance(const char *word, const char *meant);

/* Writes the table's options, aligned and in groups, in at most 80 columns. */
void opt_print_help(FILE *out, const struct opt *table);

#endif
