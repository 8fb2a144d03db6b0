/* SPDX-License-Identifier: MIT */
/*
 * Completion for zsh, whose _arguments and _values do the work: an option becomes a specification
 * such as '*--disk=[a raw image]:LIST:_linnet_run_disk', a list value a function of its own that
 * calls _values. In a specification brackets and colons are special, and a quote in the shell.
 */
#include <string.h>

#include "cmd/command.h"
#include "cmd/generate.h"

static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputs("'\\'", out); /* and the quote itself */
		else if (strchr("[]:\\", *text))
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

/* The name of the function for a list value: dashes are allowed in it. */
static void put_list_name(FILE *out, const char *command, const struct opt *o)
{
	(void)fprintf(out, "_linnet_%s_%s", command, o->name);
}

static void put_words(FILE *out, const struct opt *o)
{
	const char *word;
	char alternative[GENERATE_WORD_MAX];

	(void)fputc('(', out);
	for (unsigned i = 0; o->choices && o->choices[i]; i++)
		(void)fprintf(out, "%s ", o->choices[i]);
	for (unsigned i = 0; o->value && (word = o->value(i)); i++)
		(void)fprintf(out, "%s ", word);
	for (unsigned i = 0; generate_alternative(o, i, alternative); i++) {
		put_text(out, alternative);
		(void)fputc(' ', out);
	}
	(void)fprintf(out, "%s)", o->kind == OPT_BOOL ? "on off" : "");
}

/* ":MESSAGE:ACTION" for the value of an option or key. */
static void put_value(FILE *out, const char *command, const struct opt *o)
{
	(void)fputc(':', out);
	put_text(out, o->arg ? o->arg : o->name);
	(void)fputc(':', out);
	if (generate_is_file(o))
		(void)fputs("_files", out);
	else if (generate_is_directory(o))
		(void)fputs("_files -/", out);
	else if (o->keys)
		put_list_name(out, command, o);
	else
		put_words(out, o);
}

static void put_option(FILE *out, const char *command, const struct opt *o)
{
	bool value = opt_takes_value(o);

	(void)fputs("\t\t'", out);
	if (o->repeat)
		(void)fputc('*', out);
	(void)fprintf(out, "--%s%s[", o->name, value ? "=" : "");
	put_text(out, o->help ? o->help : o->name);
	(void)fputc(']', out);
	if (value)
		put_value(out, command, o);
	(void)fputs("' \\\n", out);
}

static void put_list_function(FILE *out, const char *command, const struct opt *o)
{
	char alternative[GENERATE_WORD_MAX];

	put_list_name(out, command, o);
	(void)fprintf(out, "()\n{\n\t_values -s , '%s'", o->name);
	for (unsigned i = 0; generate_alternative(o, i, alternative); i++)
		(void)fprintf(out, " %s", alternative);
	for (const struct opt *k = o->keys; k->name || k->help; k++) {
		if (!k->name)
			continue;
		(void)fprintf(out, " \\\n\t\t'%s%s", k->repeat ? "*" : "", k->name);
		if (opt_takes_value(k))
			put_value(out, command, k);
		if (generate_is_file(k)) /* a comma that gives way to what is typed */
			(void)fputs(" -qS ,", out);
		(void)fputc('\'', out);
	}
	(void)fputs("\n}\n\n", out);
}

static void put_command(FILE *out, const struct command *c)
{
	for (const struct opt *o = c->options; o->name || o->help; o++)
		if (o->name && o->keys)
			put_list_function(out, c->name, o);
	(void)fprintf(out, "_linnet_%s()\n{\n\t_arguments \\\n", c->name);
	for (const struct opt *o = c->options; o->name || o->help; o++)
		if (o->name)
			put_option(out, c->name, o);
	(void)fputs("\t\t'(- *)--help[show a summary of the options]'", out);
	if (!strcmp(c->name, "kbuild"))
		(void)fputs(" \\\n\t\t'1:directory:_files -/'", out);
	(void)fputs("\n}\n\n", out);
}

void generate_zsh(FILE *out, const struct command *const *commands, unsigned n)
{
	(void)fputs("#compdef linnet\n"
		    "# zsh completion. Generated from the program's tables of options.\n\n",
		    out);
	for (unsigned i = 0; i < n; i++)
		put_command(out, commands[i]);
	(void)fputs("_linnet()\n{\n"
		    "\tlocal context state state_descr line\n"
		    "\tlocal -A opt_args\n"
		    "\tlocal -a commands=(\n",
		    out);
	for (unsigned i = 0; i < n; i++) {
		(void)fprintf(out, "\t\t'%s:", commands[i]->name);
		put_text(out, commands[i]->help);
		(void)fputs("'\n", out);
	}
	(void)fputs("\t)\n"
		    "\t_arguments '(- *)--help[show the commands]' '(- *)--version[show the "
		    "version]' \\\n"
		    "\t\t'1:command:->command' '*::argument:->argument'\n"
		    "\tcase $state in\n"
		    "\tcommand) _describe command commands ;;\n"
		    "\targument) (( $+functions[_linnet_$line[1]] )) && _linnet_$line[1] ;;\n"
		    "\tesac\n}\n\n_linnet \"$@\"\n",
		    out);
}
