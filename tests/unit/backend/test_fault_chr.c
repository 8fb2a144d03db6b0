/* SPDX-License-Identifier: MIT */
/* The stream that fails on purpose: every byte counts once, however the bytes come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/chr.h"
#include "backend/chr_fault.h"
#include "backend/chr_pair.h"
#include "base/fault.h"
#include "base/loop.h"
#include "chr_user.h"

static const struct fault_kind kind = {
	.name = "uart",
	.what = {[FAULT_TX] = FAULT_DROP | FAULT_CORRUPT, [FAULT_RX] = FAULT_DROP | FAULT_CORRUPT},
};

struct world {
	struct loop *loop;
	struct faults *f;
	struct chr *inner;
	struct chr_user near, far; /* the device, and who is at the other end of the line */
};

static void begin(struct world *w, size_t room, size_t limit, const char *rule)
{
	struct fault_device *device;
	struct chr *a, *b, *c;

	memset(w, 0, sizeof(*w));
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(chr_pair_new(w->loop, &a, &b), 0);
	assert_int_equal(faults_new(w->loop, &w->f), 0);
	assert_int_equal(faults_device_new(w->f, &kind, "uart0", &device), 0);
	assert_int_equal(chr_fault_new(a, device, &c), 0);
	w->inner = a;
	w->near.limit = limit;
	chr_user_init(&w->near, w->loop, c, room);
	chr_user_init(&w->far, w->loop, b, room);
	if (rule)
		assert_int_equal(faults_add(w->f, "", rule, NULL), 0);
	faults_power_on(w->f);
}

static void end(struct world *w)
{
	chr_user_fini(&w->near);
	chr_free(w->inner);
	chr_user_fini(&w->far);
	faults_free(w->f);
	loop_free(w->loop);
}

static void test_no_rule(void **state)
{
	struct world w;

	begin(&w, 64, 0, NULL);
	assert_int_equal(chr_user_write(&w.near, "hello", 5), 0);
	chr_user_wait(&w.far, 5);
	assert_memory_equal(w.far.got, "hello", 5);
	assert_int_equal(chr_user_write(&w.far, "world", 5), 0);
	chr_user_wait(&w.near, 5);
	assert_memory_equal(w.near.got, "world", 5);
	chr_free(w.far.chr);
	w.far.chr = NULL;
	chr_user_wait_end(&w.near);
	assert_int_equal(chr_write(w.near.chr, (const uint8_t *)"x", 1), -EPIPE);
	end(&w);
}

static void test_drop(void **state)
{
	static const size_t pieces[] = {1, 2, 7, 12};
	struct world w;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		begin(&w, 64, 0, "uart0:tx,every=3,drop");
		for (size_t at = 0, n; at < 12; at += n) {
			n = 12 - at < pieces[i] ? 12 - at : pieces[i];
			assert_int_equal(chr_user_write(&w.near, &"abcdefghijkl"[at], n), 0);
		}
		chr_user_wait(&w.far, 8);
		assert_memory_equal(w.far.got, "abdeghjk", 8);
		end(&w);
	}
}

static void test_input(void **state)
{
	struct world w;

	/* The device takes five bytes at a time, and must ask for the rest. */
	for (size_t limit = 0; limit < 6; limit += 5) {
		begin(&w, 64, limit, "uart0:rx,every=3,drop");
		assert_int_equal(chr_user_write(&w.far, "abcdefghijkl", 12), 0);
		chr_user_wait(&w.near, 8);
		assert_memory_equal(w.near.got, "abdeghjk", 8);
		end(&w);
	}
	begin(&w, 64, 0, "uart0:rx,nth=2,corrupt");
	assert_int_equal(chr_user_write(&w.far, "abc", 3), 0);
	chr_user_wait(&w.near, 3);
	assert_int_equal(w.near.got[0], 'a');
	assert_int_not_equal(w.near.got[1], 'b');
	assert_int_equal(w.near.got[2], 'c');
	end(&w);
}

/* A full line: bytes that were offered twice are asked about once. */
static void test_full(void **state)
{
	static uint8_t bytes[3 * CHR_PAIR_BUFFER];
	struct world w;
	size_t n_other = 0;

	memset(bytes, 'x', sizeof(bytes));
	begin(&w, sizeof(bytes), 0, "uart0:tx,every=4,corrupt");
	assert_int_equal(chr_user_write(&w.near, bytes, sizeof(bytes)), 0);
	chr_user_wait(&w.far, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (w.far.got[i] == 'x')
			continue;
		assert_int_equal(i % 4, 3);
		n_other++;
	}
	assert_int_equal(n_other, sizeof(bytes) / 4);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rule),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
