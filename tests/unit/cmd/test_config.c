/* SPDX-License-Identifier: MIT */
/* Configuration files: what they set, and where a message says that the mistake is. The options are
 * those of `linnet run`, whose command line is parsed behind the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/config.h"
#include "cmd/config_place.h"
#include "cmd/run_options.h"

#define MAX_WORDS 16

struct parsed {
	struct run_options o;
	struct err e;
	char path[32], words[256], *word[MAX_WORDS];
	int n;
};

static void write_file(char path[32], const char *json)
{
	size_t len = strlen(json);
	int fd;

	(void)snprintf(path, 32, "/tmp/linnet-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, json, len), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

/* `linnet run WORDS --config FILE`, where JSON is what the file holds. */
static int parse(struct parsed *p, const char *json, const char *words)
{
	char *rest = NULL;

	*p = (struct parsed){0};
	write_file(p->path, json);
	(void)snprintf(p->words, sizeof(p->words), "%s --config %s", words, p->path);
	for (char *w = strtok_r(p->words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		assert_true(p->n < MAX_WORDS);
		p->word[p->n++] = w;
	}
	return run_options_parse(&p->o, p->n, p->word, &p->e);
}

static void done(struct parsed *p)
{
	run_options_free(&p->o);
	assert_int_equal(unlink(p->path), 0);
}

static void expect_ok(struct parsed *p, const char *json, const char *words)
{
	int ret = parse(p, json, words);

	if (ret)
		fail_msg("%s: %d, %s", json, ret, p->e.text);
}

/* The message is the file's name and then `want`, which begins with ":LINE:COLUMN: ". */
static void expect_refused(const char *json, const char *want)
{
	struct parsed p;
	size_t len;

	assert_int_equal(parse(&p, json, ""), -EINVAL);
	len = strlen(p.path);
	if (strncmp(p.e.text, p.path, len) != 0 || strcmp(p.e.text + len, want) != 0)
		fail_msg("%s: \"%s\" is not PATH%s", json, p.e.text, want);
	done(&p);
}

static void test_values(void **state)
{
	struct parsed p;

	expect_ok(&p,
		  "{\"smp\": 4, \"mem\": \"1G\", \"clock\": \"instructions\", \"verbose\": true,\n"
		  " \"no-reboot\": false, \"append\": \"a=\\u00e9, \\\"b\\\"\", \"exec\": \"x y\"}",
		  "");
	assert_int_equal(p.o.smp, 4);
	assert_int_equal(p.o.mem, 1u << 30);
	assert_int_equal(p.o.clock, RUN_CLOCK_INSTRUCTIONS);
	assert_true(p.o.verbose);
	assert_false(p.o.no_reboot);
	assert_string_equal(p.o.append, "a=\xc3\xa9, \"b\"");
	assert_string_equal(p.o.exec, "x y");
	done(&p);
	expect_ok(&p, "{\"mem\": 1073741824, \"smp\": \"0x2\"}", "");
	assert_int_equal(p.o.mem, 1u << 30);
	assert_int_equal(p.o.smp, 2);
	done(&p);
	expect_ok(&p, " {} ", "");
	assert_int_equal(p.o.smp, 1);
	done(&p);
}

static void test_lists(void **state)
{
	struct parsed p;

	expect_ok(&p,
		  "{\"disk\": [\"a.img,ro=on\", {\"path\": \"b,c=d\", \"ro\": false, \"serial\": "
		  "7},\n"
		  " {\"snapshot\": true, \"path\": \",\"}], \"file\": \"h:/g\",\n"
		  " \"net\": {\"hostfwd\": [\"tcp::1-:2\", \"udp::3-:4\"], \"type\": \"user\"}}",
		  "");
	assert_int_equal(p.o.n_disks, 3);
	assert_string_equal(p.o.disk[0].path, "a.img");
	assert_true(p.o.disk[0].read_only);
	assert_string_equal(p.o.disk[1].path, "b,c=d");
	assert_string_equal(p.o.disk[1].serial, "7");
	assert_false(p.o.disk[1].read_only);
	assert_string_equal(p.o.disk[2].path, ",");
	assert_true(p.o.disk[2].snapshot);
	assert_string_equal(p.o.file[0].guest, "/g");
	assert_int_equal(p.o.net.n_forwards, 2);
	assert_int_equal(p.o.net.forward[1].host_port, 3);
	assert_true(p.o.net.forward[1].udp);
	done(&p);
}

static void test_command_line_wins(void **state)
{
	struct parsed p;

	expect_ok(&p,
		  "{\"mem\": \"1G\", \"smp\": 4, \"net\": \"user,hostfwd=tcp::1-:2\","
		  " \"disk\": [\"a\", \"b\"]}",
		  "--smp 2 --net none --disk c");
	assert_int_equal(p.o.mem, 1u << 30);
	assert_int_equal(p.o.smp, 2);
	assert_int_equal(p.o.net.kind, RUN_NET_NONE);
	assert_int_equal(p.o.n_disks, 3);
	assert_string_equal(p.o.disk[0].path, "a");
	assert_string_equal(p.o.disk[2].path, "c");
	done(&p);
	/* What both together must not be is said of both together. */
	assert_int_equal(parse(&p, "{\"append\": \"a\"}", "--append-only b"), -EINVAL);
	assert_non_null(strstr(p.e.text, "--append-only"));
	done(&p);
	assert_int_equal(parse(&p, "{\"mem\": 1, \"exec\": \"true\"}", ""), -EINVAL);
	assert_non_null(p.o.exec); /* the status is promised, though mem came before */
	done(&p);
}

static void test_places(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{"{\"mem\": \"1M\"}", ":1:9: \"mem\": 1M: too small; the least is 16M"},
		{"{\n\t\"smp\" :\n 99\n}", ":3:2: \"smp\": 99: out of range; use 1 to 8"},
		{"{\"smp\": -1}", ":1:9: \"smp\": -1: not a number; use 1 to 8"},
		{"{\"append\": \"\xc3\xa9{}[]\\\"\", \"mem\": {}}",
		 ":1:30: \"mem\": give a number of bytes, or a string such as \"512M\""},
		{"{\"mem\": \"1G\",\n \"memm\": 1}",
		 ":2:2: \"memm\": there is no such option; did you mean \"mem\"?"},
		{"{\"zzzzzz\": 1}", ":1:2: \"zzzzzz\": there is no such option; --help lists them"},
		{"{\"config\": \"x\"}",
		 ":1:2: \"config\": give it on the command line, not in a file"},
		{"{\"mem\": null}",
		 ":1:9: \"mem\": give a number of bytes, or a string such as \"512M\""},
		{"{\"smp\": 1.5}", ":1:9: \"smp\": give a whole number"},
		{"{\"exec\": 1}", ":1:10: \"exec\": give a string"},
		{"{\"verbose\": \"on\"}", ":1:13: \"verbose\": give true or false"},
		{"{\"smp\": [1, 2]}", ":1:9: \"smp\": it has one value, not a list"},
		{"{\"clock\": \"hots\"}", ":1:11: \"clock\": hots: unknown; did you mean host?"},
		{"{\"disk\": [{\"path\": \"a\", \"ro\": true},\n  {\"path\": \"b\", \"ro\": "
		 "\"x\"}]}",
		 ":2:23: \"disk\": ro=x: use on or off"},
		{"{\"disk\": [{\"path\": \"a,b\"}, {\"path\": \",,\", \"rro\": true}]}",
		 ":1:43: \"disk\": rro: unknown key; did you mean ro?"},
		{"{\"disk\": [\"a\",\n 5]}", ":2:2: \"disk\": give a string or an object"},
		{"{\"disk\": {\"path\": [\"a\"]}}",
		 ":1:19: \"disk\": path: it has one value, not a list"},
		{"{\"disk\": {\"path\": {}}}",
		 ":1:19: \"disk\": path: give a string, a whole number, true or false"},
		{"{\"disk\": {\"a=b\": 1}}",
		 ":1:11: \"disk\": a=b: there is no such key; --help lists them"},
		{"{\"disk\": {\"ro\": true}}",
		 ":1:10: \"disk\": needs the image's path: path=FILE"},
		{"{\"disk\": \"a,ro=x\"}", ":1:10: \"disk\": ro=x: use on or off"},
		{"{\"net\": {\"hostfwd\": []}}", ":1:9: \"net\": it needs a \"type\""},
		{"{\"net\": {\"hostfwd\": [\"tcp::1-:2\",\n\"tcp::0-:1\"], \"type\": \"user\"}}",
		 ":2:1: \"net\": user,hostfwd=tcp::0-:1: '0' is no port; use 1 to 65535"},
		{"{\"net\": {\"hostfwd\": \"tcp::1-:2\",\n \"type\": true}}",
		 ":2:10: \"net\": type: give a string, a whole number, true or false"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_refused(cases[i].json, cases[i].want);
}

static void test_syntax(void **state)
{
	expect_refused("", ":1:1: '[' or '{' expected near end of file");
	expect_refused("[]", ":1:1: give an object of options, such as {\"mem\": \"1G\"}");
	expect_refused("{\n \"mem\": 1G }", ":2:10: '}' expected near 'G'");
	expect_refused("{\"a\": 1, \"a\": 2}", ":1:10: duplicate object key near '\"a\"'");
	expect_refused("{\"\xc3\xa9\": \"\xc3\xa9\", x}", ":1:12: string or '}' expected near 'x'");
	expect_refused("{} {}", ":1:4: end of file expected near '{'");
}

static void test_files(void **state)
{
	struct config *c;
	struct err e;

	assert_int_equal(config_load("/nonexistent", &c, &e), -ENOENT);
	assert_null(c);
	assert_non_null(strstr(e.text, "--config /nonexistent"));
	assert_int_equal(config_load("/", &c, &e), -EISDIR);
	assert_int_equal(config_load("/dev/zero", &c, &e), -EFBIG);
	assert_non_null(strstr(e.text, "too large"));
	assert_int_equal(config_parse("f", "{\"a\0\": 1}", 9, &c, &e), -EINVAL);
	assert_null(c);
}

static char *dump(struct parsed *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(config_dump_write(p->o.config_dump, run_option_table, &p->o, f, &p->e), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* What is dumped is read as the same, and dumped as the same again. */
static void test_dump(void **state)
{
	char *first, *second;
	struct parsed p;

	expect_ok(&p,
		  "{\"mem\": 1073741824, \"smp\": 4, \"disk\": {\"path\": \"a,b\", \"ro\": true},\n"
		  " \"net\": \"user\", \"append\": \"\xc3\xa9 \\\"\\n\", \"verbose\": true}",
		  "--dump-config --smp 2 --net user,hostfwd=tcp::1-:2 --disk c,ro=on --file a:/b");
	first = dump(&p);
	done(&p);
	expect_ok(&p, first, "--dump-config");
	assert_int_equal(p.o.mem, 1u << 30);
	assert_int_equal(p.o.smp, 2);
	assert_int_equal(p.o.n_disks, 2);
	assert_string_equal(p.o.disk[0].path, "a,b");
	assert_true(p.o.disk[0].read_only);
	assert_string_equal(p.o.disk[1].path, "c");
	assert_true(p.o.disk[1].read_only);
	assert_int_equal(p.o.net.n_forwards, 1);
	assert_string_equal(p.o.append, "\xc3\xa9 \"\n");
	assert_string_equal(p.o.file[0].host, "a");
	assert_true(p.o.verbose);
	assert_false(p.o.no_reboot);
	second = dump(&p);
	done(&p);
	assert_string_equal(first, second);
	free(first);
	free(second);
	assert_int_equal(parse(&p, "{}", "--dump-config --disk \xff"), -EINVAL);
	assert_non_null(strstr(p.e.text, "UTF-8"));
	done(&p);
}

/* Also what is no JSON ends, within its bounds. */
static void test_place_in_noise(void **state)
{
	static const char *const noise[] = {"",    "{", "{\"a",    "{\"a\\",
					    "[[[", "}", "{\"a\":", "{,,,,"};
	struct config_place p = {.step = {3, 2, 1, 0}, .n = 4};

	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		assert_true(config_place_find(noise[i], strlen(noise[i]), &p) <= strlen(noise[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_command_line_wins),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_place_in_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
