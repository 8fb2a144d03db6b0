/* SPDX-License-Identifier: MIT */
/* HTIF: commands, system calls, a console that is full, and what a hostile program writes. */
#include "hw_test.h"

#include "base/endian.h"
#include "base/loop.h"
#include "hw/htif.h"
#include "mem/gmem.h"

#define RAM      0x80000000ull
#define RAM_SIZE 0x10000ull
#define TOHOST   (RAM + 0x1000)
#define FROMHOST (RAM + 0x1008)
#define BLOCK    (RAM + 0x2000)
#define TEXT     (RAM + 0x3000)

struct fixture {
	struct gmem *m;
	struct loop *loop;
	struct htif *htif;
	uint64_t now;
	char out[0x8000];
	size_t n_out, room; /* of the console */
	unsigned n_exits;
	uint64_t status;
};

static uint64_t fake_now(void *arg)
{
	const struct fixture *f = arg;

	return f->now;
}

static size_t on_write(void *arg, const uint8_t *buf, size_t len)
{
	struct fixture *f = arg;
	size_t n = len < f->room ? len : f->room;

	assert_true(f->n_out + n <= sizeof(f->out));
	memcpy(f->out + f->n_out, buf, n);
	f->n_out += n;
	f->room -= n;
	return n;
}

static void on_exit_status(void *arg, uint64_t status)
{
	struct fixture *f = arg;

	f->n_exits++;
	f->status = status;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct htif_config cfg = {.tohost = TOHOST,
				  .fromhost = FROMHOST,
				  .write = on_write,
				  .exit = on_exit_status,
				  .arg = f};

	*state = f;
	if (!f || gmem_new(&f->m) || gmem_add_ram(f->m, RAM, RAM_SIZE) || loop_new(&f->loop))
		return -1;
	f->room = SIZE_MAX;
	loop_set_clock(f->loop, fake_now, f);
	cfg.loop = f->loop;
	cfg.mem = f->m;
	return htif_new(&cfg, &f->htif);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	htif_free(f->htif);
	loop_free(f->loop);
	gmem_free(f->m);
	free(f);
	return 0;
}

static uint64_t get(const struct fixture *f, uint64_t addr)
{
	return le64_load(gmem_map(f->m, addr, 8));
}

static void set(const struct fixture *f, uint64_t addr, uint64_t v)
{
	le64_store(gmem_map(f->m, addr, 8), v);
}

/* Longer than the longest wait between two looks. */
static void pass_time(struct fixture *f)
{
	f->now += 10000000;
	assert_true(loop_turn(f->loop, 0) >= 0);
}

static void send(struct fixture *f, uint64_t word)
{
	set(f, TOHOST, word);
	pass_time(f);
	assert_int_equal(get(f, TOHOST), 0);
}

/* The call's result, which must have been announced. */
static uint64_t call(struct fixture *f, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
	const uint64_t words[] = {number, a0, a1, a2};

	for (unsigned i = 0; i < 4; i++)
		set(f, BLOCK + 8 * i, words[i]);
	send(f, BLOCK);
	assert_int_equal(get(f, FROMHOST), 1);
	set(f, FROMHOST, 0);
	return get(f, BLOCK);
}

static void test_exit(void **state)
{
	struct fixture *f = *state;

	pass_time(f);
	assert_int_equal(f->n_exits, 0);
	send(f, 42 << 1 | 1);
	assert_int_equal(f->n_exits, 1);
	assert_int_equal(f->status, 42);
	set(f, TOHOST, 1); /* nobody looks any more */
	pass_time(f);
	assert_int_equal(f->n_exits, 1);
	assert_int_equal(get(f, TOHOST), 1);
}

static void test_exit_call(void **state)
{
	struct fixture *f = *state;

	set(f, BLOCK, 93);
	set(f, BLOCK + 8, 7);
	send(f, BLOCK);
	assert_int_equal(f->n_exits, 1);
	assert_int_equal(f->status, 7);
}

static void test_console(void **state)
{
	struct fixture *f = *state;

	send(f, 0x0101ull << 48 | 'a');
	send(f, 0x0101ull << 48 | 0xffffff00 | 'b');
	assert_int_equal(f->n_out, 2);
	assert_memory_equal(f->out, "ab", 2);
	assert_int_equal(get(f, FROMHOST), 0);
}

static void test_write(void **state)
{
	struct fixture *f = *state;

	memcpy(gmem_map(f->m, TEXT, 6), "hello\n", 6);
	assert_int_equal(call(f, 64, 1, TEXT, 6), 6);
	assert_int_equal(call(f, 64, 2, TEXT, 2), 2);
	assert_int_equal(call(f, 64, 1, TEXT, 0), 0);
	assert_int_equal(f->n_out, 8);
	assert_memory_equal(f->out, "hello\nhe", 8);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, 64, 0, TEXT, 1), -9ull);
	assert_int_equal(call(f, 64, 1, RAM - 1, 1), -14ull);
	assert_int_equal(call(f, 64, 1, TEXT, RAM_SIZE), -14ull);
	assert_int_equal(call(f, 64, 1, TEXT, UINT64_MAX), -14ull);
	assert_int_equal(call(f, 63, 0, TEXT, 1), -38ull);
	assert_int_equal(f->n_out, 0);
}

/* Commands to nobody, and blocks that are not in RAM, are taken without an answer. */
static void test_ignored(void **state)
{
	static const uint64_t words[] = {0x0100ull << 48, 0x0202ull << 48, 0xffffull << 48 | 1,
					 0x1000,          RAM + RAM_SIZE,  RAM + RAM_SIZE - 56,
					 RAM - 8};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 7; i++)
		send(f, words[i]);
	assert_int_equal(get(f, FROMHOST), 0);
	assert_int_equal(f->n_out, 0);
	assert_int_equal(f->n_exits, 0);
	set(f, RAM + 0x4004, 0); /* a block need not be aligned */
	memcpy(gmem_map(f->m, RAM + 0x4004, 8), "\xff\0\0\0\0\0\0\0", 8);
	send(f, RAM + 0x4004);
	assert_int_equal(get(f, FROMHOST), 1);
	assert_int_equal(get(f, RAM + 0x4004), -38ull);
}

/* A full console holds up the answer and the next command; nothing gets lost. */
static void test_full(void **state)
{
	struct fixture *f = *state;

	memcpy(gmem_map(f->m, TEXT, 6), "hello\n", 6);
	f->room = 2;
	set(f, BLOCK, 64);
	set(f, BLOCK + 8, 1);
	set(f, BLOCK + 16, TEXT);
	set(f, BLOCK + 24, 6);
	send(f, BLOCK);
	assert_int_equal(f->n_out, 2);
	assert_int_equal(get(f, FROMHOST), 0);
	set(f, TOHOST, 1);
	pass_time(f);
	assert_int_equal(get(f, TOHOST), 1);
	f->room = 100;
	pass_time(f);
	assert_int_equal(get(f, FROMHOST), 1);
	assert_int_equal(get(f, BLOCK), 6);
	assert_int_equal(f->n_exits, 0);
	pass_time(f);
	assert_int_equal(f->n_exits, 1);
	assert_memory_equal(f->out, "hello\n", 6);
}

static void test_places(void **state)
{
	struct fixture *f = *state;
	struct htif_config cfg = {.loop = f->loop, .mem = f->m, .write = on_write, .arg = f};
	struct htif *h;

	cfg.tohost = TOHOST + 4;
	assert_int_equal(htif_new(&cfg, &h), -EINVAL);
	cfg.tohost = RAM + RAM_SIZE;
	assert_int_equal(htif_new(&cfg, &h), -EINVAL);
	cfg.tohost = TOHOST;
	cfg.fromhost = 8;
	assert_int_equal(htif_new(&cfg, &h), -EINVAL);
	/* Without fromhost, calls are carried out all the same. */
	htif_free(f->htif);
	cfg.fromhost = 0;
	assert_int_equal(htif_new(&cfg, &f->htif), 0);
	set(f, BLOCK, 64);
	set(f, BLOCK + 8, 1);
	set(f, BLOCK + 16, TEXT);
	set(f, BLOCK + 24, 3);
	send(f, BLOCK);
	assert_int_equal(f->n_out, 3);
	assert_int_equal(get(f, FROMHOST), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exit),    TEST(test_exit_call), TEST(test_console), TEST(test_write),
		TEST(test_refused), TEST(test_ignored),   TEST(test_full),    TEST(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
