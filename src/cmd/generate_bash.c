/* SPDX-License-Identifier: MIT */
/*
 * Completion for bash: one function that knows how the command line is made up, and behind it a
 * table of what can stand where, which is all that is generated.
 *
 * bash breaks words at '=' and ':', and replaces only the part behind the last of them. The
 * function therefore joins them again first, and gives back just that part.
 */
#include <string.h>

#include "cmd/command.h"
#include "cmd/generate.h"

/* The words "--name" of a table. */
static void put_names(FILE *out, const struct opt *table)
{
	for (const struct opt *o = table; o->name || o->help; o++)
		if (o->name)
			(void)fprintf(out, "--%s ", o->name);
	(void)fputs("--help", out);
}

/* All that is known of the values; a key of a list ends with its '='. */
static void put_words(FILE *out, const struct opt *o)
{
	const char *word;
	char alternative[GENERATE_WORD_MAX];

	(void)fputs("words='", out);
	for (unsigned i = 0; o->choices && o->choices[i]; i++)
		(void)fprintf(out, "%s ", o->choices[i]);
	for (unsigned i = 0; o->value && (word = o->value(i)); i++)
		(void)fprintf(out, "%s ", word);
	for (unsigned i = 0; generate_alternative(o, i, alternative); i++)
		(void)fprintf(out, "%s ", alternative);
	(void)fputs(o->kind == OPT_BOOL ? "on off'" : "'", out);
	if (!o->keys)
		return;
	(void)fputs(" keys='", out);
	for (const struct opt *k = o->keys; k->name || k->help; k++)
		if (k->name)
			(void)fprintf(out, "%s%s ", k->name, opt_takes_value(k) ? "=" : "");
	(void)fputc('\'', out);
}

/* One line of the table: what follows COMMAND/OPTION, or COMMAND/OPTION/KEY. Options whose value
 * can be anything have one too: it says that a value follows. */
static void put_value(FILE *out, const char *command, const char *option, const struct opt *o)
{
	(void)fprintf(out, "\t%s/--%s%s%s) ", command, option ? option : o->name, option ? "/" : "",
		      option ? o->name : "");
	if (generate_is_file(o))
		(void)fputs("files=f", out);
	else if (generate_is_directory(o))
		(void)fputs("files=d", out);
	else
		put_words(out, o);
	(void)fputs(" ;;\n", out);
	for (const struct opt *k = o->keys; k && (k->name || k->help); k++)
		if (k->name && opt_takes_value(k))
			put_value(out, command, o->name, k);
}

static void put_table(FILE *out, const struct command *const *commands, unsigned n)
{
	(void)fputs("# What can stand behind an option, or behind a key of its list: sets words, "
		    "keys, files.\n"
		    "# Fails for those that no value follows.\n"
		    "_linnet_value()\n{\n\tcase $1 in\n",
		    out);
	for (unsigned i = 0; i < n; i++)
		for (const struct opt *o = commands[i]->options; o->name || o->help; o++)
			if (o->name && opt_takes_value(o))
				put_value(out, commands[i]->name, NULL, o);
	(void)fputs("\t*) return 1 ;;\n\tesac\n}\n\n"
		    "# Sets words to the options of a command, or to the commands.\n"
		    "_linnet_options()\n{\n\tcase $1 in\n",
		    out);
	for (unsigned i = 0; i < n; i++) {
		(void)fprintf(out, "\t%s) words='", commands[i]->name);
		put_names(out, commands[i]->options);
		(void)fputs("' ;;\n", out);
	}
	(void)fputs("\t'') words='", out);
	for (unsigned i = 0; i < n; i++)
		(void)fprintf(out, "%s ", commands[i]->name);
	(void)fputs("--help --version' ;;\n\tesac\n}\n\n", out);
}

/* Lines of shell, since a longer string constant is not portable. */
static const char *const function[] = {
	"# Completes the value $3 of the option $2 of the command $1; $4 is what stands before",
	"# it in the same word.",
	"_linnet_complete_value()",
	"{",
	"\tlocal words='' keys='' files='' item=${3##*,} before=$4",
	"\t_linnet_value \"$1/$2\"",
	"\tif [[ ! $keys ]]; then",
	"\t\titem=$3",
	"\telse",
	"\t\tbefore+=${3%\"$item\"}",
	"\t\t[[ $item == \"$3\" ]] || words=''",
	"\t\twords+=\" $keys\"",
	"\t\tif [[ $item == *=* ]]; then",
	"\t\t\twords=''",
	"\t\t\t_linnet_value \"$1/$2/${item%%=*}\"",
	"\t\t\tbefore+=${item%%=*}=",
	"\t\t\titem=${item#*=}",
	"\t\tfi",
	"\tfi",
	"\tif [[ $files ]]; then",
	"\t\tcompopt -o filenames 2>/dev/null",
	"\t\tmapfile -t COMPREPLY < <(compgen -\"$files\" -- \"$item\")",
	"\telse",
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$item\")",
	"\tfi",
	"\t# More of the value can follow.",
	"\t[[ ! $keys && ${COMPREPLY[0]-} != *[=:] ]] || compopt -o nospace 2>/dev/null",
	"\tCOMPREPLY=(\"${COMPREPLY[@]/#/$before}\")",
	"}",
	"",
	"_linnet()",
	"{",
	"\tlocal words keys files command current previous i broken word joined=''",
	"\tlocal -a all=()",
	"\t# Joins what bash has broken.",
	"\tfor word in \"${COMP_WORDS[@]:0:COMP_CWORD + 1}\"; do",
	"\t\tif [[ ${#all[@]} -gt 0 && ($joined || $word =~ ^[=:]+$) ]]; then",
	"\t\t\tall[-1]+=$word",
	"\t\telse",
	"\t\t\tall+=(\"$word\")",
	"\t\tfi",
	"\t\tjoined=''",
	"\t\t[[ ! $word =~ ^[=:]+$ ]] || joined=1",
	"\tdone",
	"\tCOMPREPLY=()",
	"\tcurrent=${all[-1]}",
	"\tif ((${#all[@]} > 2)); then",
	"\t\tcommand=${all[1]}",
	"\t\tprevious=${all[-2]}",
	"\tfi",
	"\tif [[ $current == --*=* ]]; then",
	"\t\tprevious=${current%%=*}",
	"\t\t_linnet_complete_value \"$command\" \"$previous\" \"${current#*=}\" \"$previous=\"",
	"\telif [[ $previous == --* ]] && _linnet_value \"$command/$previous\"; then",
	"\t\t_linnet_complete_value \"$command\" \"$previous\" \"$current\" ''",
	"\telif [[ ! $command || $current == -* ]]; then",
	"\t\t_linnet_options \"$command\"",
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")",
	"\telif [[ $command == kbuild ]]; then",
	"\t\tcompopt -o filenames 2>/dev/null",
	"\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$current\")",
	"\tfi",
	"\t# Only the last part of the word is replaced.",
	"\tfor broken in = :; do",
	"\t\t[[ $COMP_WORDBREAKS == *$broken* && $current == *$broken* ]] || continue",
	"\t\tfor i in \"${!COMPREPLY[@]}\"; do",
	"\t\t\tCOMPREPLY[i]=${COMPREPLY[i]#\"${current%\"$broken\"*}$broken\"}",
	"\t\tdone",
	"\t\tcurrent=${current##*\"$broken\"}",
	"\tdone",
	"}",
	"",
	"complete -F _linnet linnet",
};

void generate_bash(FILE *out, const struct command *const *commands, unsigned n)
{
	(void)fputs(
		"# bash completion for linnet. Generated from the program's tables of options.\n"
		"# shellcheck shell=bash disable=SC2034\n\n",
		out);
	put_table(out, commands, n);
	for (size_t i = 0; i < sizeof(function) / sizeof(function[0]); i++)
		(void)fprintf(out, "%s\n", function[i]);
}
