/* SPDX-License-Identifier: MIT */
/* What is generated for man and for shells, from texts that look like their syntax. Whether real
 * shells and man take it is for the system tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/generate.h"

static const struct opt keys[] = {
	{.name = "path", .kind = OPT_STRING, .arg = "FILE"},
	{.name = "ro", .kind = OPT_BOOL},
	{.name = "raw", .kind = OPT_FLAG},
	{0},
};

static const char *colour(unsigned i)
{
	return i == 0 ? "red" : i == 1 ? "blue" : NULL;
}

static const struct opt table[] = {
	{.help = ".Group"},
	{.name = "odd", .kind = OPT_FLAG, .letter = 'o', .help = ".TH 'a\\b' [c:d]"},
	{.name = "disk",
	 .kind = OPT_CALL,
	 .arg = "path=FILE[,ro=on]",
	 .keys = keys,
	 .repeat = true,
	 .help = "a disk"},
	{.name = "console", .kind = OPT_CALL, .arg = "stdio|file:PATH|:PORT", .help = "where"},
	{.name = "colour", .kind = OPT_STRING, .arg = "NAME", .value = colour, .help = "paint"},
	{.name = "in", .kind = OPT_STRING, .arg = "DIR", .help = "where"},
	{0},
};

static const struct command_chapter more[] = {
	{"NOTES", ".not a request\n\nExample:\n\n  'as it is\n    and \\n\nand on."},
	{NULL, NULL},
};

static const struct command command = {
	.name = "paint",
	.help = "paint things",
	.usage = "[OPTIONS] DIR [MAKE-ARGUMENT...]",
	.about = "Paints\nwhat is there.",
	.options = table,
	.more = more,
};

static const struct command *const commands[] = {&command};

static char *generated(const char *what, const char *of)
{
	char words[2][16], *argv[2] = {words[0], words[1]}, *text = NULL;
	FILE *f;
	size_t len;

	(void)snprintf(words[0], sizeof(words[0]), "%s", what);
	(void)snprintf(words[1], sizeof(words[1]), "%s", of ? of : "");
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(generate(f, commands, 1, of ? 2 : 1, argv), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void test_man(void **state)
{
	char *text = generated("man", "paint");

	expect(text, "\n.TH LINNET\\-PAINT 1 ");
	expect(text, "\nlinnet\\-paint \\- paint things\n");
	expect(text, "\n\\fBlinnet paint\\fR [\\fIOPTIONS\\fR] \\fIDIR\\fR "
		     "[\\fIMAKE\\-ARGUMENT\\fR...]\n");
	expect(text, "\n.SS \\&.Group\n");
	expect(text, "\n\\fB\\-o\\fR, \\fB\\-\\-odd\\fR\n\\&.TH \\(aqa\\eb\\(aq [c:d].\n");
	expect(text, "\n\\fB\\-\\-disk\\fR \\fIpath=FILE[,ro=on]\\fR\nA disk.\nCan be given "
		     "several times.\n");
	expect(text, "\nPaint.\nKnown here: red, blue.\n");
	expect(text, "\n\\&.not a request\n.PP\nExample:\n.PP\n.RS 4\n.EX\n\\&\\(aqas it is\n"
		     "  and \\en\n.EE\n.RE\nand on.\n");
	free(text);
	text = generated("man", NULL);
	expect(text, "\n\\fBpaint\\fR\nPaint things.\n");
	expect(text, "\n.BR linnet\\-paint (1)\n");
	free(text);
}

static void test_shells(void **state)
{
	char *text = generated("bash", NULL);

	expect(text, "\tpaint/--disk) words='' keys='path= ro= raw ' ;;\n");
	expect(text, "\tpaint/--disk/path) files=f ;;\n");
	expect(text, "\tpaint/--disk/ro) words='on off' ;;\n");
	expect(text, "\tpaint/--console) words='stdio file: : ' ;;\n");
	expect(text, "\tpaint/--colour) words='red blue ' ;;\n");
	expect(text, "\tpaint/--in) files=d ;;\n");
	expect(text, "\tpaint) words='--odd --disk --console --colour --in --help' ;;\n");
	assert_null(strstr(text, "paint/--odd"));
	free(text);
	text = generated("zsh", NULL);
	expect(text, "'--odd[.TH '\\''a\\\\b'\\'' \\[c\\:d\\]]'");
	expect(text, "'*--disk=[a disk]:path=FILE\\[,ro=on\\]:_linnet_paint_disk'");
	expect(text, "'path:FILE:_files -qS ,'");
	expect(text, "'--console=[where]:stdio|file\\:PATH|\\:PORT:(stdio file\\: \\: )'");
	expect(text, "'--in=[where]:DIR:_files -/'");
	free(text);
}

static void test_alternatives(void **state)
{
	const struct opt one = {.name = "x", .kind = OPT_CALL, .arg = "path=F[,ro=on]"};
	const struct opt two = {.name = "x", .kind = OPT_CALL, .arg = "user[,fwd=a|b:C]...|none|F"};
	const struct opt text = {.name = "x", .kind = OPT_STRING, .arg = "a|b"};
	char word[GENERATE_WORD_MAX];

	assert_false(generate_alternative(&one, 0, word));
	assert_false(generate_alternative(&text, 0, word));
	assert_true(generate_alternative(&two, 0, word));
	assert_string_equal(word, "user");
	assert_true(generate_alternative(&two, 1, word));
	assert_string_equal(word, "none");
	assert_false(generate_alternative(&two, 2, word));
}

static void test_refusals(void **state)
{
	char words[3][8] = {"man", "none", "x"}, *argv[3] = {words[0], words[1], words[2]};

	assert_int_equal(generate(stdout, commands, 1, 0, argv), 2);
	assert_int_equal(generate(stdout, commands, 1, 2, argv), 2);
	assert_int_equal(generate(stdout, commands, 1, 3, argv), 2);
	assert_int_equal(generate(stdout, commands, 1, 1, argv + 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_man),
		cmocka_unit_test(test_shells),
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
