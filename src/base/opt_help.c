/* SPDX-License-Identifier: MIT */
/* Two columns: the option on the left, its help, broken at spaces, on the right. An option too long
 * for its column has its help right behind it, or on lines of their own where that is too long. */
#include "base/opt.h"

#include <string.h>

#define HELP_COLUMN 26
#define WIDTH       79

/* The help text from column `at` on; the first line may have begun already. */
static void print_wrapped(FILE *out, const char *text, int at)
{
	int room = WIDTH - HELP_COLUMN;
	int len;

	while (*text) {
		len = (int)strlen(text);
		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
			if (!len)
				len = (int)strcspn(text, " ");
		}
		(void)fprintf(out, "%*s%.*s\n", HELP_COLUMN - at, "", len, text);
		at = 0;
		text += len;
		text += strspn(text, " ");
	}
}

static void print_option(FILE *out, const struct opt *o)
{
	char left[WIDTH + 1];
	int len;

	len = snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
		       o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
		       o->arg ? " " : "", o->arg ? o->arg : "");
	(void)fputs(left, out);
	if (o->help && len > HELP_COLUMN - 2 && len + 2 + (int)strlen(o->help) <= WIDTH) {
		(void)fprintf(out, "  %s\n", o->help);
		return;
	}
	if (len > HELP_COLUMN - 2 || !o->help) {
		(void)fputc('\n', out);
		len = 0;
	}
	if (o->help)
		print_wrapped(out, o->help, len);
}

/* The names of all options that few ever need. */
static void print_rare(FILE *out, const struct opt *table)
{
	const char *before = "Rare, see the manual: ";
	int at = 0, len;

	for (const struct opt *o = table; o->name || o->help; o++) {
		if (!o->name || !o->rare)
			continue;
		len = (int)(strlen(before) + strlen("--") + strlen(o->name));
		if (at + len + (int)strlen(",") > WIDTH) {
			before = ",\n";
			at = -(int)strlen(before);
		}
		(void)fprintf(out, "%s--%s", before, o->name);
		at += len;
		before = ", ";
	}
	if (at)
		(void)fputc('\n', out);
}

void opt_print_help(FILE *out, const struct opt *table)
{
	for (const struct opt *o = table; o->name || o->help; o++) {
		if (!o->name)
			(void)fprintf(out, "%s:\n", o->help);
		else if (!o->rare)
			print_option(out, o);
	}
	print_rare(out, table);
}
