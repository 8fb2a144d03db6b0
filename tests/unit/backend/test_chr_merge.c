/* SPDX-License-Identifier: MIT */
/* Two streams on one: no line of either is torn, and nothing is lost or said twice without need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chr.h"
#include "backend/chr_merge.h"
#include "backend/chr_pair.h"
#include "base/bits.h"
#include "base/loop.h"
#include "chr_user.h"

#define ROOM (1u << 20)

struct world {
	struct loop *loop;
	uint64_t now; /* the loop's time */
	struct chr *below;
	struct chr_user main_side, side, far;
};

static uint64_t now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void begin(struct world *w)
{
	struct chr *far, *main_side, *side;

	memset(w, 0, sizeof(*w));
	assert_int_equal(loop_new(&w->loop), 0);
	loop_set_clock(w->loop, now, w);
	assert_int_equal(chr_pair_new(w->loop, &w->below, &far), 0);
	assert_int_equal(chr_merge_new(w->loop, w->below, "S: ", &main_side, &side), 0);
	chr_user_init(&w->main_side, w->loop, main_side, 64);
	chr_user_init(&w->side, w->loop, side, 0);
	chr_user_init(&w->far, w->loop, far, ROOM);
}

static void end(struct world *w)
{
	chr_user_fini(&w->side);
	chr_user_fini(&w->main_side);
	chr_free(w->below);
	chr_user_fini(&w->far);
	loop_free(w->loop);
}

static void say(struct chr_user *u, const char *text)
{
	assert_int_equal(chr_user_write(u, text, strlen(text)), 0);
}

static void expect(struct world *w, const char *text)
{
	loop_settle(w->loop);
	w->far.got[w->far.n_got] = '\0';
	assert_string_equal((char *)w->far.got, text);
}

static void pass_time(struct world *w, uint64_t ns)
{
	w->now += ns;
	loop_settle(w->loop);
}

static void test_lines(void **state)
{
	struct world w;

	begin(&w);
	say(&w.side, "ha");
	say(&w.main_side, "one\ntw");
	say(&w.side, "lf\r\nwhole\n");
	expect(&w, "one\ntw");
	say(&w.main_side, "o\nthree\n");
	expect(&w, "one\ntwo\nS: half\r\nS: whole\r\nthree\n");
	say(&w.side, "at once\n");
	expect(&w, "one\ntwo\nS: half\r\nS: whole\r\nthree\nS: at once\r\n");
	end(&w);
}

/* A prompt is no reason to wait for ever, and stands there again. */
static void test_quiet(void **state)
{
	struct world w;

	begin(&w);
	say(&w.main_side, "$ ");
	say(&w.side, "tick\n");
	pass_time(&w, CHR_MERGE_QUIET_NS / 2);
	expect(&w, "$ ");
	say(&w.main_side, "l"); /* and it counts anew */
	pass_time(&w, CHR_MERGE_QUIET_NS - 1);
	expect(&w, "$ l");
	pass_time(&w, 1);
	expect(&w, "$ l\r\nS: tick\r\n$ l");
	say(&w.main_side, "s\n");
	expect(&w, "$ l\r\nS: tick\r\n$ ls\n");
	end(&w);
}

static void test_input(void **state)
{
	struct world w;

	begin(&w);
	say(&w.far, "typed");
	chr_user_wait(&w.main_side, 5);
	assert_memory_equal(w.main_side.got, "typed", 5);
	assert_int_equal(w.side.n_got, 0);
	end(&w);
}

/* What is not a line by the end comes with it, also into the middle of one. */
static void test_flush(void **state)
{
	struct world w;

	begin(&w);
	say(&w.main_side, "last");
	say(&w.side, "words");
	assert_int_equal(chr_flush(w.side.chr, 0), 0);
	expect(&w, "last\r\nS: words\r\nlast");
	end(&w);
}

/* More than all buffers hold, from both at once, to a reader that stops. */
static void test_full(void **state)
{
	static char text[4][60001]; /* lines of 60 bytes each */
	const struct chr_user *far;
	unsigned mains = 0, sides = 0;
	struct world w;

	begin(&w);
	far = &w.far;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned n = 0; n < 1000; n++)
			(void)snprintf(text[i] + n * 60, 61, "%c%058u\n", i & 1 ? 's' : 'm', n);
	for (unsigned i = 0; i < 4; i++)
		say(i & 1 ? &w.side : &w.main_side, text[i]);
	loop_settle(w.loop);
	for (size_t at = 0; at < far->n_got;) {
		const char *line = (const char *)far->got + at;
		size_t len = (size_t)((const char *)memchr(line, '\n', far->n_got - at) + 1 - line);

		if (*line == 'm') {
			assert_int_equal(len, 60);
			assert_int_equal(atoi(line + 1), mains++ % 1000);
		} else {
			assert_memory_equal(line, "S: s", 4);
			assert_int_equal(len, 64);
			assert_int_equal(atoi(line + 4), sides++ % 1000);
		}
		at += len;
	}
	assert_int_equal(mains, 2000);
	assert_int_equal(sides, 2000);
	end(&w);
}

static void test_long_line(void **state)
{
	static char text[2001];
	struct world w;

	begin(&w);
	memset(text, 'x', 2000);
	say(&w.side, text);
	say(&w.side, "\n");
	say(&w.main_side, text); /* of which not all is repeated */
	say(&w.side, "tick\n");
	pass_time(&w, CHR_MERGE_QUIET_NS);
	assert_int_equal(memcmp(w.far.got, "S: xxx", 6), 0);
	say(&w.main_side, "\n");
	loop_settle(w.loop);
	assert_int_equal(w.far.got[w.far.n_got - 1], '\n');
	end(&w);
}

static void test_gone(void **state)
{
	struct world w;

	begin(&w);
	chr_free(w.far.chr);
	w.far.chr = NULL;
	assert_int_equal(chr_user_write(&w.side, "a\n", 2), -EPIPE);
	assert_int_equal(chr_user_write(&w.main_side, "a\n", 2), -EPIPE);
	chr_user_wait_end(&w.main_side);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_input), cmocka_unit_test(test_flush),
		cmocka_unit_test(test_full),  cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
