/* SPDX-License-Identifier: MIT */
/*
 * man(7) pages. All text goes through put_text(), which keeps it from being taken for requests: a
 * backslash is doubled, a dash is one that can be copied, a dot or quote at the start of a line is
 * hidden behind \&.
 */
#include <string.h>

#include "cmd/command.h"
#include "cmd/generate.h"

#define SOURCE_WIDTH 72

static void put_char(FILE *out, char c)
{
	if (c == '\\')
		(void)fputs("\\e", out);
	else if (c == '-')
		(void)fputs("\\-", out);
	else if (c == '\'')
		(void)fputs("\\(aq", out);
	else
		(void)fputc(c, out);
}

static void put_text(FILE *out, const char *text)
{
	bool at_start = true;

	for (; *text; text++) {
		if (at_start && (*text == '.' || *text == '\''))
			(void)fputs("\\&", out);
		put_char(out, *text);
		at_start = *text == '\n';
	}
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* With a capital and a full stop. */
static void put_sentence(FILE *out, const char *text)
{
	if (upper(*text) != *text)
		put_char(out, upper(*text++));
	put_text(out, text);
	(void)fputs(".\n", out);
}

static void put_line(FILE *out, const char *line, size_t len)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, line);
	put_text(out, text);
	(void)fputc('\n', out);
}

/* A line of running text, in lines that fit a screen: it is filled again anyway. */
static void put_running(FILE *out, const char *line, size_t len)
{
	size_t part;

	while (len) {
		part = len;
		if (part > SOURCE_WIDTH) {
			part = SOURCE_WIDTH;
			while (part && line[part] != ' ')
				part--;
			if (!part)
				part = len;
		}
		put_line(out, line, part);
		line += part;
		len -= part;
		if (len) { /* the blank in between */
			line++;
			len--;
		}
	}
}

/* Lines that begin with blanks are shown as they are; an empty one begins a paragraph. */
static void put_paragraphs(FILE *out, const char *text)
{
	bool as_is = false, new_paragraph = false;
	size_t len;

	for (; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (!len) {
			new_paragraph = true;
			continue;
		}
		if (as_is && (new_paragraph || *text != ' ')) {
			(void)fputs(".EE\n.RE\n", out);
			as_is = false;
		}
		if (new_paragraph)
			(void)fputs(".PP\n", out);
		if (!as_is && *text == ' ') {
			(void)fputs(".RS 4\n.EX\n", out);
			as_is = true;
		}
		new_paragraph = false;
		if (as_is)
			put_line(out, text + 2, len - 2);
		else
			put_running(out, text, len);
	}
	if (as_is)
		(void)fputs(".EE\n.RE\n", out);
}

static void put_title(FILE *out, const char *command, const char *help)
{
	(void)fputs(".\\\" Generated from the program's tables of options.\n.TH LINNET", out);
	if (command) {
		(void)fputs("\\-", out);
		for (const char *c = command; *c; c++)
			put_char(out, upper(*c));
	}
	(void)fprintf(out, " 1 \"\" \"Linnet %s\" \"Linnet\"\n.nh\n.ad l\n.SH NAME\nlinnet",
		      LINNET_VERSION);
	if (command) {
		(void)fputs("\\-", out);
		put_text(out, command);
	}
	(void)fputs(" \\- ", out);
	put_text(out, help);
	(void)fputc('\n', out);
}

/* The usage with what stands in capitals set in italics. */
static void put_synopsis(FILE *out, const char *command, const char *usage)
{
	bool italic = false;

	(void)fputs(".SH SYNOPSIS\n\\fBlinnet", out);
	if (*command) {
		(void)fputc(' ', out);
		put_text(out, command);
	}
	(void)fputs(*usage ? "\\fR " : "\\fR", out);
	for (; *usage; usage++) {
		bool capital = *usage >= 'A' && *usage <= 'Z';

		if (capital != italic && (capital || *usage != '-'))
			(void)fputs((italic = capital) ? "\\fI" : "\\fR", out);
		put_char(out, *usage);
	}
	(void)fprintf(out, "%s\n", italic ? "\\fR" : "");
}

static void put_words(FILE *out, const struct opt *o)
{
	const char *word;

	(void)fputs("Known here:", out);
	for (unsigned i = 0; (word = o->value(i)); i++) {
		(void)fputs(i ? ", " : " ", out);
		put_text(out, word);
	}
	(void)fputs(".\n", out);
}

static void put_option(FILE *out, const struct opt *o)
{
	(void)fputs(".TP\n", out);
	if (o->letter)
		(void)fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	(void)fputs("\\fB\\-\\-", out);
	put_text(out, o->name);
	(void)fputs("\\fR", out);
	if (o->arg) {
		(void)fputs(" \\fI", out);
		put_text(out, o->arg);
		(void)fputs("\\fR", out);
	}
	(void)fputc('\n', out);
	put_sentence(out, o->help ? o->help : o->name);
	if (o->value)
		put_words(out, o);
	if (o->repeat)
		(void)fputs("Can be given several times.\n", out);
}

static void put_options(FILE *out, const struct opt *table)
{
	(void)fputs(".SH OPTIONS\n", out);
	for (const struct opt *o = table; o->name || o->help; o++) {
		if (o->name) {
			put_option(out, o);
		} else {
			(void)fputs(".SS ", out);
			put_text(out, o->help);
			(void)fputc('\n', out);
		}
	}
	(void)fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nShow a summary of the options.\n", out);
}

static void put_chapters(FILE *out, const struct command_chapter *chapter)
{
	for (; chapter->title; chapter++) {
		(void)fputs(".SH ", out);
		put_text(out, chapter->title);
		(void)fputc('\n', out);
		put_paragraphs(out, chapter->text);
	}
}

void generate_command_man(FILE *out, const struct command *c)
{
	put_title(out, c->name, c->help);
	put_synopsis(out, c->name, c->usage);
	(void)fputs(".SH DESCRIPTION\n", out);
	put_paragraphs(out, c->about);
	put_options(out, c->options);
	if (c->more)
		put_chapters(out, c->more);
	(void)fputs(".SH SEE ALSO\n.BR linnet (1)\n", out);
}

static const struct command_chapter chapters[] = {
	{"FILES",
	 "The default guest, kernel headers and what was built from them are kept in "
	 "$XDG_CACHE_HOME/linnet, or ~/.cache/linnet. It can be removed at any time: what is "
	 "missing is got again when it is needed."},
	{"EXAMPLES", "  linnet run\n"
		     "  linnet run --exec 'uname -a'\n"
		     "  linnet new-driver blinker && linnet kbuild blinker && blinker/test.sh"},
	{NULL, NULL},
};

void generate_man(FILE *out, const struct command *const *commands, unsigned n)
{
	put_title(out, NULL, "a virtual board for drivers, embedded systems and hypervisors");
	put_synopsis(out, "", "COMMAND [OPTIONS]");
	(void)fputs(".SH DESCRIPTION\n", out);
	put_paragraphs(out, "Boots Linux and other programs on a RISC-V machine made in software, "
			    "without root and without the host's help. Each command has its own "
			    "page.");
	(void)fputs(".SH COMMANDS\n", out);
	for (unsigned i = 0; i < n; i++) {
		(void)fputs(".TP\n\\fB", out);
		put_text(out, commands[i]->name);
		(void)fputs("\\fR\n", out);
		put_sentence(out, commands[i]->help);
	}
	(void)fputs(".SH OPTIONS\n.TP\n\\fB\\-\\-help\\fR\nShow a summary of the commands.\n"
		    ".TP\n\\fB\\-\\-version\\fR\nShow the version.\n",
		    out);
	put_chapters(out, chapters);
	(void)fputs(".SH SEE ALSO\n", out);
	for (unsigned i = 0; i < n; i++) {
		(void)fputs(".BR linnet\\-", out);
		put_text(out, commands[i]->name);
		(void)fprintf(out, " (1)%s\n", i + 1 < n ? "," : "");
	}
}
