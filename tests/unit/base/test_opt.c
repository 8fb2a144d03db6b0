/* SPDX-License-Identifier: MIT */
/* Option tables: what is accepted, what is refused, and the words of each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opt.h"

struct disk {
	const char *path, *serial;
	bool ro, cached;
};

struct config {
	bool verbose;
	bool reboot;
	const char *kernel;
	unsigned smp;
	uint64_t mem;
	unsigned engine;
	unsigned n_disks;
	struct disk disks[4];
	unsigned pokes;
};

static const char *const engines[] = {"interp", "jit", "kvm", NULL};

static const struct opt disk_keys[] = {
	{.name = "path", .kind = OPT_STRING, .arg = "FILE", .offset = offsetof(struct disk, path)},
	{.name = "serial", .kind = OPT_STRING, .arg = "S", .offset = offsetof(struct disk, serial)},
	{.name = "ro", .kind = OPT_BOOL, .offset = offsetof(struct disk, ro)},
	{.name = "cached", .kind = OPT_FLAG, .offset = offsetof(struct disk, cached)},
	{0},
};

static int add_disk(void *ctx, const char *label, char *value, struct err *e)
{
	struct config *c = ctx;

	if (c->n_disks == ARRAY_SIZE(c->disks))
		return err_set(e, -ENOSPC, "%s: no room for a fifth", label);
	return opt_parse_list(disk_keys, &c->disks[c->n_disks++], label, value, "path", e);
}

static int poke(void *ctx, const char *label, char *value, struct err *e)
{
	assert_null(value);
	((struct config *)ctx)->pokes++;
	return 0;
}

static const struct opt table[] = {
	{.help = "Machine"},
	{.name = "mem",
	 .letter = 'm',
	 .kind = OPT_SIZE,
	 .arg = "SIZE",
	 .min = 16 << 20,
	 .max = 1ull << 40,
	 .offset = offsetof(struct config, mem),
	 .help = "memory of the guest"},
	{.name = "smp",
	 .kind = OPT_UINT,
	 .arg = "N",
	 .min = 1,
	 .max = 8,
	 .offset = offsetof(struct config, smp),
	 .help = "number of harts, from one to eight; each has a thread of its own and that is why "
		 "more than the host has are slow"},
	{.name = "engine",
	 .kind = OPT_CHOICE,
	 .arg = "NAME",
	 .choices = engines,
	 .offset = offsetof(struct config, engine),
	 .help = "what executes"},
	{.help = "Guest"},
	{.name = "kernel",
	 .kind = OPT_STRING,
	 .arg = "FILE",
	 .offset = offsetof(struct config, kernel),
	 .help = "kernel image"},
	{.name = "disk",
	 .kind = OPT_CALL,
	 .arg = "path=FILE[,ro=on][,serial=S]",
	 .call = add_disk,
	 .help = "a disk"},
	{.name = "reboot",
	 .kind = OPT_BOOL,
	 .arg = "on|off",
	 .offset = offsetof(struct config, reboot),
	 .help = "start again"},
	{.name = "poke", .kind = OPT_CALL, .call = poke},
	{.name = "verbose",
	 .letter = 'v',
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct config, verbose),
	 .help = "say more"},
	{0},
};

#define ARGS_MAX 12

/* Splits a line at blanks into writable arguments and parses them. */
static int parse(struct config *c, const char *line, int *used, struct err *e)
{
	static char text[512];
	char *argv[ARGS_MAX], *save;
	int argc = 0;

	*c = (struct config){0};
	e->text[0] = '\0';
	assert_true(strlen(line) < sizeof(text));
	memcpy(text, line, strlen(line) + 1);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = w;
	}
	return opt_parse(table, c, argc, argv, used, e);
}

static void test_all_forms(void **state)
{
	struct config c;
	struct err e;
	int used;

	assert_int_equal(parse(&c, "--mem 128M --smp=4 -v --kernel Image --poke --poke operand -v",
			       &used, &e),
			 0);
	assert_int_equal(used, 8);
	assert_int_equal(c.mem, 128 << 20);
	assert_int_equal(c.smp, 4);
	assert_true(c.verbose);
	assert_string_equal(c.kernel, "Image");
	assert_int_equal(c.pokes, 2);
	assert_int_equal(
		parse(&c, "-m 1G --engine kvm --reboot=on --kernel= -- --verbose", &used, &e), 0);
	assert_int_equal(used, 7);
	assert_int_equal(c.mem, 1 << 30);
	assert_int_equal(c.engine, 2);
	assert_true(c.reboot);
	assert_string_equal(c.kernel, "");
	assert_false(c.verbose);
	assert_int_equal(parse(&c, "--smp 1 --smp 2", &used, &e), 0);
	assert_int_equal(c.smp, 2);
	assert_int_equal(parse(&c, "", &used, &e), 0);
	assert_int_equal(used, 0);
	assert_int_equal(parse(&c, "- x", &used, &e), 0);
	assert_int_equal(used, 0);
}

static void test_help_is_asked_for(void **state)
{
	struct config c;
	struct err e;
	int used;

	assert_int_equal(parse(&c, "--smp 1 --help", &used, &e), OPT_WANTS_HELP);
	assert_int_equal(parse(&c, "-h --bogus", &used, &e), OPT_WANTS_HELP);
	assert_int_equal(parse(&c, "--kernel --help", &used, &e), 0);
}

static void test_disk_lists(void **state)
{
	struct config c;
	struct err e;
	int used;

	assert_int_equal(parse(&c,
			       "--disk a.img,ro=on,serial=x=y,,z --disk path=b,,c=d,ro=off,cached "
			       "--disk=ro,path=e",
			       &used, &e),
			 0);
	assert_int_equal(c.n_disks, 3);
	assert_string_equal(c.disks[0].path, "a.img");
	assert_true(c.disks[0].ro);
	assert_string_equal(c.disks[0].serial, "x=y,z");
	assert_string_equal(c.disks[1].path, "b,c=d");
	assert_false(c.disks[1].ro);
	assert_true(c.disks[1].cached);
	assert_string_equal(c.disks[2].path, "e");
	assert_true(c.disks[2].ro);
}

struct refusal {
	const char *line, *text;
};

static void test_refusals(void **state)
{
	static const struct refusal cases[] = {
		{"--memm 1G", "unknown option --memm; did you mean --mem?"},
		{"--memory=1G", "unknown option --memory; did you mean --mem?"},
		{"--kernle x", "unknown option --kernle; did you mean --kernel?"},
		{"--xyzzy", "unknown option --xyzzy; --help lists them"},
		{"-x", "unknown option -x; --help lists them"},
		{"-verbose", "unknown option -verbose; --help lists them"},
		{"--mem", "--mem needs a value: --mem SIZE"},
		{"-m", "-m needs a value: --mem SIZE"},
		{"--verbose=1", "--verbose takes no value; leave out =1"},
		{"--poke=1", "--poke takes no value; leave out =1"},
		{"--mem 1M", "--mem 1M: too small; the least is 16M"},
		{"--mem 2T", "--mem 2T: too large; the most is 1T"},
		{"--mem 99999999999999999999T", "--mem 99999999999999999999T: too large; the most "
						"is 1T"},
		{"--mem 12Q",
		 "--mem 12Q: not a size; write a number of bytes or one with K, M, G or "
		 "T, such as 512M"},
		{"--smp 0", "--smp 0: out of range; use 1 to 8"},
		{"--smp 99", "--smp 99: out of range; use 1 to 8"},
		{"--smp 99999999999999999999", "--smp 99999999999999999999: out of range; use 1 to "
					       "8"},
		{"--smp -1", "--smp -1: not a number; use 1 to 8"},
		{"--smp 4x", "--smp 4x: not a number; use 1 to 8"},
		{"--engine kmv", "--engine kmv: unknown; did you mean kvm?"},
		{"--engine qemu-tcg", "--engine qemu-tcg: unknown; use interp, jit or kvm"},
		{"--reboot yes", "--reboot yes: use on or off"},
		{"--disk path=a,ro=maybe", "--disk ro=maybe: use on or off"},
		{"--disk path=a,seriall=1", "--disk seriall: unknown key; did you mean serial?"},
		{"--disk a,b", "--disk b: unknown key; --help lists them"},
		{"--disk a,serial", "--disk serial needs a value: serial=S"},
		{"--disk a,cached=on", "--disk cached takes no value; leave out =on"},
		{"--disk a,", "--disk has an empty item; write key=value,key=value"},
		{"--disk a --disk b --disk c --disk d --disk e", "--disk : no room for a fifth"},
	};
	struct config c;
	struct err e;
	int used, ret;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ret = parse(&c, cases[i].line, &used, &e);
		assert_string_equal(e.text, cases[i].text);
		assert_true(ret == -EINVAL || ret == -ENOSPC);
	}
}

/* A value that is longer than a message still leaves room for the cure. */
static void test_long_value(void **state)
{
	char line[500] = "--smp ";
	struct config c;
	struct err e;
	int used;

	memset(line + 6, '7', sizeof(line) - 7);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(parse(&c, line, &used, &e), -EINVAL);
	assert_non_null(strstr(e.text, "out of range; use 1 to 8"));
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{"0", 0},
		{"1", 1},
		{"0x10", 16},
		{"0XfF", 255},
		{"4k", 4096},
		{"4K", 4096},
		{"0x10m", 16 << 20},
		{"3G", 3ull << 30},
		{"2T", 2ull << 40},
		{"18446744073709551615", UINT64_MAX},
		{"16777215T", 16777215ull << 40},
	};
	static const char *const bad[] = {"",    "K",    "-1",  "+1",  " 1",   "1 ",  "0x",
					  "1KB", "1.5G", "1e3", "0xg", "10b0", "\xff"};
	static const char *const over[] = {"18446744073709551616", "16777216T",
					   "0x10000000000000000"};
	char text[OPT_SIZE_TEXT];
	uint64_t value;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(opt_parse_size("", good[i].text, 0, UINT64_MAX, &value, &e), 0);
		assert_true(value == good[i].value);
		assert_int_equal(
			opt_parse_size("", opt_format_size(value, text), 0, UINT64_MAX, &value, &e),
			0);
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(opt_parse_size("", bad[i], 0, UINT64_MAX, &value, &e), -EINVAL);
		assert_non_null(strstr(e.text, "not a size"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(over); i++) {
		assert_int_equal(opt_parse_size("", over[i], 0, UINT64_MAX, &value, &e), -EINVAL);
		assert_non_null(strstr(e.text, "too large"));
	}
	assert_string_equal(opt_format_size(0, text), "0");
	assert_string_equal(opt_format_size(1025, text), "1025");
	assert_string_equal(opt_format_size(5ull << 50, text), "5120T");
}

static void test_nearest(void **state)
{
	static const char *const words[] = {"path", "snapshot", "serial", "ro", NULL};

	assert_string_equal(opt_nearest("snapshto", words), "snapshot");
	assert_string_equal(opt_nearest("pth", words), "path");
	assert_string_equal(opt_nearest("snap", words), "snapshot");
	assert_string_equal(opt_nearest("path", words), "path");
	assert_string_equal(opt_nearest("or", words), "ro");
	assert_null(opt_nearest("xyz", words));
	assert_null(opt_nearest("", words));
	assert_null(opt_nearest("a-word-that-is-longer-than-any-option-could-be", words));
	assert_int_equal(opt_distance("ab", "ab"), 0);
	assert_int_equal(opt_distance("serail", "serial"), 1);
	assert_int_equal(opt_distance("sreail", "serial"), 2);
}

static void test_help_text(void **state)
{
	static const char want[] =
		"Machine:\n"
		"  -m, --mem SIZE          memory of the guest\n"
		"      --smp N             number of harts, from one to eight; each has a thread\n"
		"                          of its own and that is why more than the host has are\n"
		"                          slow\n"
		"      --engine NAME       what executes\n"
		"Guest:\n"
		"      --kernel FILE       kernel image\n"
		"      --disk path=FILE[,ro=on][,serial=S]  a disk\n"
		"      --reboot on|off     start again\n"
		"      --poke\n"
		"  -v, --verbose           say more\n";
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	opt_print_help(f, table);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

#define WALKED_MAX 256

static void note_walked(void *arg, const struct opt *o, const char *value)
{
	char *all = arg;
	size_t len = strlen(all);

	(void)snprintf(all + len, WALKED_MAX - len, "%s%s%s;", o->name, value ? "=" : "",
		       value ? value : "");
}

/* A look at the words of a command line that changes neither them nor anything else. */
static void test_walk(void **state)
{
	char words[][24] = {"-v",    "--disk", "path=a,ro", "--mem=1G", "-m",
			    "wrong", "--disk", "b",         "--",       "--smp"};
	char *argv[ARRAY_SIZE(words)], all[WALKED_MAX] = "";
	int n = ARRAY_SIZE(words);

	for (int i = 0; i < n; i++)
		argv[i] = words[i];
	opt_walk(table, n, argv, note_walked, all);
	assert_string_equal(all, "verbose;disk=path=a,ro;mem=1G;mem=wrong;disk=b;");
	assert_string_equal(opt_given(table, n, argv, "disk"), "b");
	assert_string_equal(opt_given(table, n, argv, "mem"), "wrong");
	assert_string_equal(opt_given(table, n, argv, "verbose"), "");
	assert_null(opt_given(table, n, argv, "smp")); /* an operand */
	assert_null(opt_given(table, n - 3, argv, "smp"));
	assert_string_equal(words[2], "path=a,ro");
	/* It ends where parsing would: at what is unknown, lacks its value, or asks for help. */
	(void)snprintf(words[0], sizeof(words[0]), "%s", "--vorbose");
	assert_null(opt_given(table, n, argv, "disk"));
	(void)snprintf(words[0], sizeof(words[0]), "%s", "--help");
	assert_null(opt_given(table, n, argv, "disk"));
	assert_null(opt_given(table, 2, argv, "disk"));
	assert_null(opt_find(table, "m"));
	assert_string_equal(opt_find(table, "mem")->arg, "SIZE");
	assert_string_equal(opt_nearest_in(table, "memory"), "mem");
}

/* Which part of a list value a message is about. */
static void test_part_of_a_list(void **state)
{
	static const struct {
		const char *value;
		int at; /* -1: none in particular */
	} cases[] = {
		{"path=a,ro=maybe", 10}, {"path=a,,b,rro=on", 10}, {"ro=x", 3},
		{"a,serial", 2},         {"cached=1", 0},          {"a,,", -1},
	};
	const struct opt *disk = opt_find(table, "disk");
	struct config c;
	struct err e;
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c = (struct config){0};
		(void)snprintf(text, sizeof(text), "%s", cases[i].value);
		e.at = text + 31;
		if (cases[i].at < 0) {
			assert_int_equal(opt_store(disk, &c, "--disk ", text, &e), 0);
			continue;
		}
		assert_true(opt_store(disk, &c, "--disk ", text, &e) < 0);
		if (e.at != text + cases[i].at)
			fail_msg("%s: at %td", cases[i].value, e.at - text);
	}
	/* All of it: a value that is no list, or what only the whole can lack. */
	(void)snprintf(text, sizeof(text), "%s", "1M");
	assert_int_equal(opt_store(opt_find(table, "mem"), &c, "--mem ", text, &e), -EINVAL);
	assert_null(e.at);
	c.n_disks = ARRAY_SIZE(c.disks);
	(void)snprintf(text, sizeof(text), "%s", "a");
	assert_int_equal(opt_store(disk, &c, "--disk ", text, &e), -ENOSPC);
	assert_null(e.at);
}

/* A word that fits no column is printed whole, not cut and not for ever. */
static void test_help_of_unbreakable_text(void **state)
{
	char word[100];
	const struct opt one[] = {{.name = "x", .help = word}, {0}};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	memset(word, 'w', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	assert_non_null(f);
	opt_print_help(f, one);
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text, word));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_forms),
		cmocka_unit_test(test_help_is_asked_for),
		cmocka_unit_test(test_disk_lists),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_long_value),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_part_of_a_list),
		cmocka_unit_test(test_help_text),
		cmocka_unit_test(test_help_of_unbreakable_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
