/* SPDX-License-Identifier: MIT */
/* Guest memory: regions and their borders, lookups, zeroing, code words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem/gmem.h"

#define BASE 0x80000000u
#define MIB  (1u << 20)

static int setup(void **state)
{
	struct gmem *m;

	if (gmem_new(&m) || gmem_add_ram(m, BASE, 4 * MIB))
		return -1;
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	gmem_free(*state);
	return 0;
}

static void test_add(void **state)
{
	struct gmem *m = *state;

	assert_int_equal(gmem_add_ram(m, 0x1000, 0), -EINVAL);
	assert_int_equal(gmem_add_ram(m, 0x1001, 0x1000), -EINVAL);
	assert_int_equal(gmem_add_ram(m, 0x1000, 0x1001), -EINVAL);
	assert_int_equal(gmem_add_ram(m, BASE, 0x1000), -EINVAL);
	assert_int_equal(gmem_add_ram(m, BASE + 4 * MIB - 0x1000, 0x2000), -EINVAL);
	assert_int_equal(gmem_add_ram(m, BASE - 0x1000, 0x2000), -EINVAL);
	assert_int_equal(gmem_add_ram(m, BASE - 0x1000, 16 * MIB), -EINVAL);
	assert_int_equal(gmem_add_ram(m, -0x1000ull, 0x2000), -EINVAL);
	assert_int_equal(gmem_add_ram(m, 0x100000000000, 1ull << 50), -ENOMEM);
	assert_int_equal(m->n, 1);

	/* Touching neighbours are no overlap, and the last page of all is a page. */
	assert_int_equal(gmem_add_ram(m, BASE + 4 * MIB, 0x1000), 0);
	assert_int_equal(gmem_add_ram(m, BASE - 0x1000, 0x1000), 0);
	assert_int_equal(gmem_add_ram(m, -0x1000ull, 0x1000), 0);
	for (unsigned i = 1; i < m->n; i++)
		assert_true(m->region[i - 1].gpa < m->region[i].gpa);
	while (m->n < GMEM_MAX_REGIONS)
		assert_int_equal(gmem_add_ram(m, 0x2000 * m->n, 0x1000), 0);
	assert_int_equal(gmem_add_ram(m, 0x20000, 0x1000), -ENOSPC);
}

static void test_map(void **state)
{
	struct gmem *m = *state;
	uint8_t *p = gmem_map(m, BASE, 4 * MIB);

	assert_int_equal(gmem_add_ram(m, BASE + 4 * MIB, 0x1000), 0);
	assert_non_null(p);
	assert_ptr_equal(gmem_map(m, BASE + 5, 1), p + 5);
	assert_ptr_equal(gmem_map(m, BASE + 4 * MIB - 1, 1), p + 4 * MIB - 1);
	assert_null(gmem_map(m, BASE + 4 * MIB - 1, 2)); /* RAM goes on, the region does not */
	assert_null(gmem_map(m, BASE - 1, 1));
	assert_null(gmem_map(m, BASE, 4 * MIB + 1));
	assert_null(gmem_map(m, BASE + 1, UINT64_MAX));
	assert_null(gmem_map(m, 0, 0));
	assert_non_null(gmem_map(m, BASE, 0));
	assert_null(gmem_code_word(m, 0));
	assert_ptr_equal(gmem_code_word(m, BASE + 0x1fff), &m->region[0].code[1]);
}

static void test_shared(void **state)
{
	struct gmem *m = *state;
	uint8_t *mine = gmem_map(m, BASE, MIB);
	uint8_t *other = mmap(NULL, MIB, PROT_READ, MAP_SHARED, m->region[0].fd, 0);

	assert_ptr_not_equal(other, MAP_FAILED);
	mine[12345] = 0x5a;
	assert_int_equal(other[12345], 0x5a);
	munmap(other, MIB);
}

static void test_zero(void **state)
{
	struct gmem *m = *state;
	uint8_t *p = gmem_map(m, BASE, MIB);
	struct stat st;

	memset(p, 0xee, MIB);
	assert_int_equal(gmem_zero(m, BASE + 100, 3 * 4096), 0);
	assert_int_equal(p[99], 0xee);
	for (unsigned i = 100; i < 100 + 3 * 4096; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(p[100 + 3 * 4096], 0xee);

	assert_int_equal(gmem_zero(m, BASE + 0x8010, 16), 0);
	assert_int_equal(p[0x800f], 0xee);
	assert_int_equal(p[0x8010], 0);
	assert_int_equal(p[0x801f], 0);
	assert_int_equal(p[0x8020], 0xee);
	assert_int_equal(gmem_zero(m, BASE + 4 * MIB - 1, 2), -EFAULT);
	assert_int_equal(gmem_zero(m, 0, 1), -EFAULT);

	assert_int_equal(gmem_zero(m, BASE, 4 * MIB), 0);
	assert_int_equal(p[MIB - 1], 0);
	assert_int_equal(fstat(m->region[0].fd, &st), 0);
	assert_int_equal(st.st_size, 4 * MIB);
	assert_true(st.st_blocks <= 8); /* all but the page just read went back to the host */
}

static void test_code_words(void **state)
{
	struct gmem *m = *state;
	_Atomic uint32_t *w = gmem_code_word(m, BASE);

	gmem_note_write(m, BASE, 4096);
	assert_int_equal(w[0], 0);

	atomic_fetch_or(&w[0], GMEM_HAS_CODE);
	atomic_fetch_or(&w[2], GMEM_HAS_CODE);
	gmem_note_write(m, BASE + 4096, 4096); /* neither of them */
	assert_int_equal(w[0], 1);
	assert_int_equal(w[2], 1);
	gmem_note_write(m, BASE + 4095, 2);
	assert_int_equal(w[0], 2);
	assert_int_equal(w[1], 0);
	gmem_note_write(m, BASE, 0);
	gmem_note_write(m, BASE + 4096, 4097);
	assert_int_equal(w[2], 2);

	atomic_store(&w[0], UINT32_MAX); /* the generation wraps */
	gmem_code_written(&w[0]);
	assert_int_equal(w[0], 0);

	w[1023] = 1;
	gmem_note_write(m, BASE + 4 * MIB - 1, 100); /* ends at the region's end */
	assert_int_equal(w[1023], 2);
	gmem_note_write(m, BASE + 4 * MIB, 100);
}

/* Two sides of the barrier: a writer changes a byte and notes it; an "engine" marks the page and
 * then reads the byte. Whenever the engine's value is old, the generation must have moved or be
 * about to. */
struct race {
	struct gmem *m;
	_Atomic uint8_t *byte;
	atomic_bool stop;
};

static void *race_writer(void *arg)
{
	struct race *r = arg;

	for (unsigned i = 0; i < 100000; i++) {
		atomic_store_explicit(r->byte, (uint8_t)i, memory_order_relaxed);
		gmem_note_write(r->m, BASE, 1);
	}
	atomic_store(&r->stop, true);
	return NULL;
}

static void test_code_race(void **state)
{
	struct gmem *m = *state;
	struct race r = {.m = m, .byte = gmem_map(m, BASE, 1)};
	_Atomic uint32_t *w = gmem_code_word(m, BASE);
	uint32_t gen;
	uint8_t seen;
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, race_writer, &r), 0);
	do {
		gen = atomic_fetch_or(w, GMEM_HAS_CODE) | GMEM_HAS_CODE;
		seen = atomic_load(r.byte);
	} while (!atomic_load(&r.stop));
	pthread_join(t, NULL);
	/* The writer is done: an unchanged generation vouches for the byte. */
	if (atomic_load(w) == gen)
		assert_int_equal(seen, atomic_load(r.byte));
	gen = atomic_fetch_or(w, GMEM_HAS_CODE) | GMEM_HAS_CODE;
	gmem_note_write(m, BASE, 1);
	assert_int_not_equal(atomic_load(w), gen);
}

/* A byte, its place, and nothing else decide the sum. */
static void test_sum(void **state)
{
	struct gmem *m = *state;
	uint8_t *ram = gmem_map(m, BASE, 4 * MIB);
	uint64_t empty = gmem_sum(m), one, other;

	ram[2 * MIB + 5] = 1;
	one = gmem_sum(m);
	assert_int_not_equal(one, empty);
	assert_int_equal(gmem_sum(m), one);
	ram[3 * MIB] = 0; /* touched, and still zero */
	assert_int_equal(gmem_sum(m), one);
	ram[2 * MIB + 5] = 2;
	assert_int_not_equal(gmem_sum(m), one);
	ram[2 * MIB + 5] = 0;
	assert_int_equal(gmem_sum(m), empty);
	for (unsigned at = 2 * MIB - GMEM_PAGE_SIZE; at <= 2 * MIB + GMEM_PAGE_SIZE; at += 8) {
		ram[at] = 1;
		other = gmem_sum(m);
		ram[at] = 0;
		assert_int_not_equal(other, one);
	}
}

/* Only what somebody has touched, in the order of its addresses. */
static void test_touched(void **state)
{
	struct gmem *m = *state;
	const struct gmem_region *r = gmem_find(m, BASE);
	uint8_t *ram = gmem_map(m, BASE, 4 * MIB);
	uint64_t at = 0, end = 0, pages = 0;

	ram[3 * MIB + 5] = 1;
	while (gmem_touched(r, &at, &end)) {
		assert_true(at < end && end <= r->size);
		pages += at <= 3 * MIB + 5 && end > 3 * MIB + 5;
		at = end;
	}
	assert_int_equal(pages, 1);
	at = r->size;
	assert_false(gmem_touched(r, &at, &end));
}

/* Memory of another process: here, of another gmem. */
static void test_foreign(void **state)
{
	struct gmem *m = *state, *other;
	int fd, plain;

	assert_int_equal(gmem_new(&other), 0);
	assert_int_equal(gmem_add_ram(m, 0x10000, 0x4000), 0);
	fd = m->region[0].fd;
	assert_int_equal(gmem_add_shared(other, 0x80000, 0x2000, fd, 0x1000), 0);
	assert_int_equal(gmem_add_shared(other, 0x81000, 0x1000, fd, 0), -EINVAL);
	assert_int_equal(gmem_add_shared(other, 0x90000, 0x4000, fd, 0x1000), -EINVAL);
	assert_int_equal(gmem_add_shared(other, 0x90000, 0x1000, fd, 1), -EINVAL);
	assert_int_equal(gmem_add_shared(other, 0x90000, 0x1000, fd, ~0xfffull), -EINVAL);
	assert_int_equal(gmem_add_shared(other, 0x90000, 0x1000, -1, 0), -EPERM);
	/* A memfd that could be cut off, and with it who uses it. */
	plain = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(plain, 0x1000), 0);
	assert_int_equal(gmem_add_shared(other, 0x90000, 0x1000, plain, 0), -EPERM);
	assert_int_equal(close(plain), 0);
	*(char *)gmem_map(other, 0x81fff, 1) = 'x';
	gmem_note_write(other, 0x81fff, 1); /* nobody's code is there */
	assert_int_equal(*(char *)gmem_map(m, 0x12fff, 1), 'x');
	assert_null(gmem_map(other, 0x81fff, 2));
	assert_int_equal(gmem_zero(other, 0x81000, 0x1000), 0);
	assert_int_equal(*(char *)gmem_map(m, 0x12fff, 1), 0);
	gmem_clear(other);
	assert_null(gmem_map(other, 0x80000, 1));
	assert_int_equal(gmem_add_shared(other, 0x80000, 0x1000, fd, 0), 0);
	gmem_free(other);
}

static void test_limit(void **state)
{
	struct gmem *m = *state;
	uint64_t limit = gmem_host_limit();

	assert_true(limit > 64 * MIB);
	limit &= ~(uint64_t)(GMEM_PAGE_SIZE - 1);
	assert_int_equal(gmem_add_ram(m, 0x100000000000, limit + GMEM_PAGE_SIZE), -ENOMEM);
	assert_int_equal(gmem_add_ram(m, 0x100000000000, limit), 0); /* nothing is reserved */
}

/* Populated memory keeps its pages, also those that are zeroed. */
static void test_populate(void **state)
{
	struct gmem *m;
	struct stat st;
	uint8_t *p;

	assert_int_equal(gmem_new(&m), 0);
	assert_int_equal(gmem_add_ram(m, BASE, 4 * MIB), 0);
	assert_int_equal(fstat(m->region[0].fd, &st), 0);
	assert_int_equal(st.st_blocks, 0);
	assert_int_equal(gmem_populate(m), 0);
	assert_int_equal(fstat(m->region[0].fd, &st), 0);
	assert_int_equal(st.st_blocks, 4 * MIB / 512);
	p = gmem_map(m, BASE, 4 * MIB);
	memset(p, 0x55, 4 * MIB);
	assert_int_equal(gmem_zero(m, BASE + 1, 2 * MIB), 0);
	assert_int_equal(p[0], 0x55);
	assert_int_equal(p[1], 0);
	assert_int_equal(p[2 * MIB], 0);
	assert_int_equal(p[2 * MIB + 1], 0x55);
	assert_int_equal(fstat(m->region[0].fd, &st), 0);
	assert_int_equal(st.st_blocks, 4 * MIB / 512);
	gmem_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_populate),
		cmocka_unit_test_setup_teardown(test_add, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(test_code_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_code_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
