/* SPDX-License-Identifier: MIT */
/* The disk's younger half: ranges, caches, many queues, limits, and requests cut in any way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/mem_block.h"
#include "lib/rand.h"
#include "base/endian.h"
#include "dev/blk.h"
#include "dev/blk_ranges.h"
#include "dev/blk_spec.h"

#define SECTORS 256u
#define QUEUES  3u
#define S_NONE  0xeeu

struct world {
	struct driver d;
	struct mem_block m;
	uint64_t header, data, status; /* in guest memory */
};

static struct world w;

#define DATA_MAX (1u << 16)

static void negotiate(uint64_t without)
{
	assert_true(driver_negotiate(&w.d, driver_offered(&w.d) & ~without));
	w.d.next_gpa = DRIVER_RAM;
	for (unsigned i = 0; i < QUEUES; i++)
		driver_queue(&w.d, i, 128, true);
	driver_ok(&w.d);
	w.header = driver_alloc(&w.d, BLK_HEADER_SIZE);
	w.data = driver_alloc(&w.d, DATA_MAX);
	w.status = driver_alloc(&w.d, 1);
}

static int setup(void **state)
{
	struct blk_config config = {.block = &w.m.block, .n_queues = QUEUES};
	struct vdev *dev;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	mem_block_init(&w.m, SECTORS * 512, false);
	config.loop = w.d.loop;
	assert_int_equal(blk_new(&config, &dev), 0);
	driver_plug(&w.d, dev);
	negotiate(0);
	return 0;
}

static int teardown(void **state)
{
	driver_fini(&w.d);
	mem_block_fini(&w.m);
	return 0;
}

static uint8_t *at(uint64_t gpa, uint64_t len)
{
	return driver_ptr(&w.d, gpa, len);
}

static void put_header(uint32_t type, uint64_t sector)
{
	le32_store(at(w.header, 16), type);
	le32_store(at(w.header, 16) + 4, 0);
	le64_store(at(w.header, 16) + 8, sector);
	*at(w.status, 1) = S_NONE;
}

/* A request with `len` bytes of data on a queue, from beginning to end; its status. */
static unsigned run_on(unsigned queue, uint32_t type, uint64_t sector, uint32_t len)
{
	struct guest_part p[3] = {{w.header, 16, false}};
	unsigned n = 1;

	put_header(type, sector);
	if (len)
		p[n++] = (struct guest_part){w.data, len, type == BLK_T_IN};
	p[n++] = (struct guest_part){w.status, 1, true};
	driver_wait(&w.d, queue, driver_submit(&w.d, queue, p, n));
	return *at(w.status, 1);
}

static unsigned run(uint32_t type, uint64_t sector, uint32_t len)
{
	return run_on(0, type, sector, len);
}

static void put_range(unsigned i, uint64_t sector, uint32_t n, uint32_t flags)
{
	uint8_t *p = at(w.data, DATA_MAX) + (size_t)i * BLK_RANGE_SIZE;

	le64_store(p, sector);
	le32_store(p + 8, n);
	le32_store(p + 12, flags);
}

static void assert_sector(unsigned n, int byte)
{
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(w.m.data[n * 512 + i], byte);
}

static void assert_untouched(void)
{
	for (unsigned i = 0; i < SECTORS; i++)
		assert_sector(i, (uint8_t)(i + 1));
}

/* ---- ranges ---- */

static void test_ranges(void **state)
{
	put_range(0, 3, 2, 0);
	put_range(1, 9, 0, BLK_RANGE_F_UNMAP); /* nothing */
	put_range(2, SECTORS - 1, 1, BLK_RANGE_F_UNMAP);
	assert_int_equal(run(BLK_T_WRITE_ZEROES, 77, 3 * 16), BLK_S_OK);
	for (unsigned i = 0; i < SECTORS; i++)
		assert_sector(i, i == 3 || i == 4 || i == SECTORS - 1 ? 0 : (uint8_t)(i + 1));
	put_range(0, 0, 1, 0);
	put_range(1, 7, 2, 0);
	assert_int_equal(run(BLK_T_DISCARD, 0, 2 * 16), BLK_S_OK);
	assert_sector(0, 0xdd);
	assert_sector(1, 2);
	assert_sector(7, 0xdd);
	assert_sector(8, 0xdd);
	put_range(0, 1, 0, 0);
	assert_int_equal(run(BLK_T_DISCARD, 0, 16), BLK_S_OK);
	assert_sector(1, 2);
	assert_int_equal(w.m.n_flush, 0);
}

static void test_bad_ranges(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t n, flags;
		unsigned zeroes, discard; /* status */
	} bad[] = {
		{0, SECTORS + 1, 0, BLK_S_IOERR, BLK_S_IOERR},
		{SECTORS, 1, 0, BLK_S_IOERR, BLK_S_IOERR},
		{SECTORS + 1, 0, 0, BLK_S_IOERR, BLK_S_IOERR},
		{UINT64_MAX, 1, 0, BLK_S_IOERR, BLK_S_IOERR},
		{UINT64_MAX, 2, 0, BLK_S_IOERR, BLK_S_IOERR},
		{1ull << 55, 1, 0, BLK_S_IOERR, BLK_S_IOERR},
		{0, UINT32_MAX, 0, BLK_S_IOERR, BLK_S_IOERR},
		{0, 1, 2, BLK_S_UNSUPP, BLK_S_UNSUPP},
		{0, 1, 1u << 31, BLK_S_UNSUPP, BLK_S_UNSUPP},
		{0, 1, 3, BLK_S_UNSUPP, BLK_S_UNSUPP},
		{UINT64_MAX, 1, 4, BLK_S_UNSUPP, BLK_S_UNSUPP},
		{SECTORS, 1, 1, BLK_S_IOERR, BLK_S_UNSUPP},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		/* The good one before it must not be executed either. */
		put_range(0, 1, 1, 0);
		put_range(1, bad[i].sector, bad[i].n, bad[i].flags);
		assert_int_equal(run(BLK_T_WRITE_ZEROES, 0, 32), bad[i].zeroes);
		assert_int_equal(run(BLK_T_DISCARD, 0, 32), bad[i].discard);
	}
	put_range(0, 0, 1, BLK_RANGE_F_UNMAP);
	assert_int_equal(run(BLK_T_DISCARD, 0, 16), BLK_S_UNSUPP);
	for (uint32_t len = 0; len < 33; len++)
		if (len % 16 || !len)
			assert_int_equal(run(BLK_T_DISCARD, 0, len), BLK_S_IOERR);
	assert_int_equal(run(BLK_T_DISCARD, 0, (BLK_RANGES_MAX + 1) * 16), BLK_S_IOERR);
	assert_untouched();
}

/* What the config space says is the most, and one more. */
static void test_range_limits(void **state)
{
	static const struct {
		uint32_t type, max;
	} limits[] = {{BLK_T_DISCARD, BLK_DISCARD_MAX}, {BLK_T_WRITE_ZEROES, BLK_ZERO_MAX}};
	uint8_t bytes[16] = {0};
	struct blk_range range;

	assert_int_equal(driver_config(&w.d, BLK_CONFIG_DISCARD_MAX, 4), BLK_DISCARD_MAX);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_DISCARD_SEGS, 4), BLK_RANGES_MAX);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_DISCARD_ALIGN, 4), 8);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_ZERO_MAX, 4), BLK_ZERO_MAX);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_ZERO_SEGS, 4), BLK_RANGES_MAX);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_ZERO_UNMAP, 1), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		le32_store(bytes + 8, limits[i].max);
		assert_int_equal(blk_ranges_parse(limits[i].type, bytes, 1, 1ull << 40, &range),
				 BLK_S_OK);
		assert_int_equal(range.n_sectors, limits[i].max);
		le32_store(bytes + 8, limits[i].max + 1);
		assert_int_equal(blk_ranges_parse(limits[i].type, bytes, 1, 1ull << 40, &range),
				 BLK_S_IOERR);
	}
}

static void test_ranges_not_negotiated(void **state)
{
	negotiate(BLK_F_DISCARD | BLK_F_WRITE_ZEROES);
	put_range(0, 0, 1, 0);
	assert_int_equal(run(BLK_T_DISCARD, 0, 16), BLK_S_UNSUPP);
	assert_int_equal(run(BLK_T_WRITE_ZEROES, 0, 16), BLK_S_UNSUPP);
	assert_untouched();
}

/* A request of many steps beside others, with a back end that has room for one or two. */
static void test_ranges_without_room(void **state)
{
	struct guest_part p[3] = {{w.header, 16, false}, {w.data, 16 * 16, false}};

	for (unsigned room = 1; room <= 2; room++) {
		w.m.room = room;
		memset(w.m.data, 0x11, SECTORS * 512);
		for (unsigned i = 0; i < 16; i++)
			put_range(i, i * 2, 1, 0);
		put_header(BLK_T_WRITE_ZEROES, 0);
		for (unsigned i = 0; i < 30; i++) {
			p[2] = (struct guest_part){driver_alloc(&w.d, 1), 1, true};
			*at(p[2].gpa, 1) = S_NONE;
			driver_submit(&w.d, 0, p, 3);
		}
		for (unsigned i = 0; i < 30; i++)
			driver_wait(&w.d, 0, -1);
		assert_int_equal(*at(p[2].gpa, 1), BLK_S_OK);
		for (unsigned i = 0; i < 32; i++)
			assert_sector(i, i % 2 ? 0x11 : 0);
	}
}

static void test_range_fails(void **state)
{
	put_range(0, 0, 1, 0);
	put_range(1, 1, 1, 0);
	w.m.failure = -5;
	assert_int_equal(run(BLK_T_WRITE_ZEROES, 0, 32), BLK_S_IOERR);
	w.m.failure = 0;
	assert_int_equal(run(BLK_T_IN, 0, 512), BLK_S_OK);
}

/* ---- the cache ---- */

static unsigned flushes_of_a_write(void)
{
	unsigned before = w.m.n_flush;

	assert_int_equal(run(BLK_T_OUT, 0, 512), BLK_S_OK);
	return w.m.n_flush - before;
}

static void test_write_through(void **state)
{
	unsigned n;

	assert_int_equal(driver_config(&w.d, BLK_CONFIG_WRITEBACK, 1), 1);
	assert_int_equal(flushes_of_a_write(), 0);
	driver_config_write(&w.d, BLK_CONFIG_WRITEBACK, 1, 0);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_WRITEBACK, 1), 0);
	assert_int_equal(flushes_of_a_write(), 1);
	n = w.m.n_flush;
	put_range(0, 0, 1, 0);
	put_range(1, 2, 1, 0);
	assert_int_equal(run(BLK_T_WRITE_ZEROES, 0, 32), BLK_S_OK);
	assert_int_equal(w.m.n_flush, n + 1);
	assert_int_equal(run(BLK_T_IN, 0, 512), BLK_S_OK);
	assert_int_equal(w.m.n_flush, n + 1);
	driver_config_write(&w.d, BLK_CONFIG_WRITEBACK, 1, 1);
	assert_int_equal(flushes_of_a_write(), 0);
	/* Nothing else is writable, nor is this by a wider store. */
	driver_config_write(&w.d, BLK_CONFIG_WRITEBACK, 4, 0);
	driver_config_write(&w.d, 0, 1, 0);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_WRITEBACK, 1), 1);
	assert_int_equal(driver_config(&w.d, 0, 8), SECTORS);
	/* A reset brings the default back. */
	driver_config_write(&w.d, BLK_CONFIG_WRITEBACK, 1, 0);
	negotiate(0);
	assert_int_equal(flushes_of_a_write(), 0);
}

/* 5.2.6.2, by what the driver knows of caches. */
static void test_cache_by_features(void **state)
{
	negotiate(BLK_F_CONFIG_WCE);
	assert_int_equal(flushes_of_a_write(), 0);
	driver_config_write(&w.d, BLK_CONFIG_WRITEBACK, 1, 0);
	assert_int_equal(flushes_of_a_write(), 0);
	negotiate(BLK_F_FLUSH);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_WRITEBACK, 1), 0);
	assert_int_equal(flushes_of_a_write(), 1);
	negotiate(BLK_F_FLUSH | BLK_F_CONFIG_WCE);
	assert_int_equal(flushes_of_a_write(), 1);
}

/* The write is not told before its flush is done. */
static void test_flush_fails(void **state)
{
	struct guest_part p[3] = {{w.header, 16, false}, {w.data, 512, false}, {w.status, 1, true}};

	driver_config_write(&w.d, BLK_CONFIG_WRITEBACK, 1, 0);
	put_header(BLK_T_OUT, 0);
	w.m.hold = true;
	driver_submit(&w.d, 0, p, 3);
	driver_settle(&w.d);
	mem_block_release(&w.m);
	w.m.hold = true;
	driver_settle(&w.d);
	assert_int_equal(w.m.n_waiting, 1);
	assert_int_equal(*at(w.status, 1), S_NONE);
	w.m.failure = -5;
	mem_block_release(&w.m);
	driver_wait(&w.d, 0, -1);
	assert_int_equal(*at(w.status, 1), BLK_S_IOERR);
}

/* ---- queues and limits ---- */

static void test_queues(void **state)
{
	assert_true(driver_offered(&w.d) & BLK_F_MQ);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_NUM_QUEUES, 2), QUEUES);
	for (unsigned q = 0; q < QUEUES; q++) {
		assert_int_equal(run_on(q, BLK_T_IN, q, 512), BLK_S_OK);
		assert_int_equal(*at(w.data, 1), q + 1);
	}
	for (unsigned q = 0; q < QUEUES; q++) {
		memset(at(w.data, 512), (int)q + 50, 512);
		assert_int_equal(run_on(q, BLK_T_OUT, 10, 512), BLK_S_OK);
		assert_sector(10, (int)q + 50);
	}
}

static unsigned run_parts(unsigned n, uint32_t len)
{
	struct guest_part p[140] = {{w.header, 16, false}};

	put_header(BLK_T_IN, 0);
	for (unsigned i = 0; i < n; i++)
		p[1 + i] = (struct guest_part){w.data + i * len, len, true};
	p[1 + n] = (struct guest_part){w.status, 1, true};
	driver_wait(&w.d, 0, driver_submit(&w.d, 0, p, n + 2));
	return *at(w.status, 1);
}

static void test_part_limits(void **state)
{
	uint64_t big = driver_alloc(&w.d, (1u << 20) + 512);
	struct guest_part p[3] = {
		{w.header, 16, false}, {big, (1u << 20) + 512, true}, {w.status, 1, true}};

	assert_int_equal(driver_config(&w.d, BLK_CONFIG_SEG_MAX, 4), 126);
	assert_int_equal(driver_config(&w.d, BLK_CONFIG_SIZE_MAX, 4), 1u << 20);
	assert_int_equal(run_parts(126, 512), BLK_S_OK);
	assert_int_equal(run_parts(2, 512), BLK_S_OK);
	/* The disk is too small for it as well, but that is looked at later. */
	put_header(BLK_T_IN, 0);
	driver_wait(&w.d, 0, driver_submit(&w.d, 0, p, 3));
	assert_int_equal(*at(w.status, 1), BLK_S_IOERR);
}

/* One part more than was agreed, in a table of its own since no ring has so many. */
static void test_too_many_parts(void **state)
{
	static const uint64_t refusing[] = {0, BLK_F_SEG_MAX};

	for (unsigned i = 0; i < ARRAY_SIZE(refusing); i++) {
		struct guest_part p[129] = {{w.header, 16, false}};
		uint64_t table;

		negotiate(refusing[i]);
		table = driver_alloc(&w.d, 129 * 16);
		p[0].gpa = w.header;
		put_header(BLK_T_IN, 0);
		for (unsigned k = 0; k < 127; k++)
			p[1 + k] = (struct guest_part){w.data + k * 512, 512, true};
		p[128] = (struct guest_part){w.status, 1, true};
		assert_true(guest_ring_add(&w.d.ring[0], p, 129, table, 0) >= 0);
		if (guest_ring_publish(&w.d.ring[0]))
			driver_kick(&w.d, 0);
		driver_wait(&w.d, 0, -1);
		/* Whoever did not agree may. */
		assert_int_equal(*at(w.status, 1), refusing[i] ? BLK_S_OK : BLK_S_IOERR);
	}
}

/* ---- any split (2.7.4.2) ---- */

struct outcome {
	uint8_t status, data[4096], disk[SECTORS * 512];
	uint32_t used;
};

/* Cuts [gpa, gpa + len) at random, with empty parts between. */
static unsigned cut(struct guest_part *p, uint64_t gpa, uint32_t len, bool write, uint64_t *rng)
{
	unsigned n = 0;

	while (len) {
		uint32_t part = rand_below(rng, 4) ? 1 + rand_below(rng, len) : 0;

		if (n >= 40)
			part = len;
		p[n++] = (struct guest_part){gpa, part, write};
		gpa += part;
		len -= part;
	}
	return n;
}

/* All readable bytes lie in one piece, and all writable ones. */
static void run_split(const uint8_t *readable, uint32_t n_readable, uint32_t n_writable,
		      uint64_t *rng, struct outcome *o)
{
	struct guest_part p[100];
	unsigned n = 0;

	memcpy(at(w.data, n_readable), readable, n_readable);
	memset(at(w.data + 8192, n_writable), 0x77, n_writable);
	for (unsigned i = 0; i < SECTORS * 512; i++)
		w.m.data[i] = (uint8_t)(i * 7 + i / 512);
	if (rng) {
		n = cut(p, w.data, n_readable, false, rng);
		n += cut(p + n, w.data + 8192, n_writable, true, rng);
	} else {
		p[n++] = (struct guest_part){w.data, n_readable, false};
		p[n++] = (struct guest_part){w.data + 8192, n_writable, true};
	}
	memset(o, 0, sizeof(*o));
	o->used = driver_wait(&w.d, 0, driver_submit(&w.d, 0, p, n));
	memcpy(o->data, at(w.data + 8192, n_writable), n_writable);
	memcpy(o->disk, w.m.data, sizeof(o->disk));
	o->status = o->data[n_writable - 1];
}

/* The bytes of a request of any type, mostly a good one; returns how many are readable. */
static uint32_t random_request(uint8_t *out, uint32_t *n_writable, uint64_t *rng)
{
	static const uint32_t types[] = {
		BLK_T_IN,      BLK_T_OUT,          BLK_T_FLUSH, BLK_T_GET_ID,
		BLK_T_DISCARD, BLK_T_WRITE_ZEROES, 99};
	uint32_t type = types[rand_below(rng, ARRAY_SIZE(types))];
	uint32_t len = (1 + rand_below(rng, 4)) * 512;

	le32_store(out, type);
	le32_store(out + 4, (uint32_t)rand_next(rng));
	le64_store(out + 8, rand_below(rng, SECTORS + 2));
	for (uint32_t i = 0; i < len; i++)
		out[16 + i] = (uint8_t)rand_next(rng);
	*n_writable = 1;
	switch (type) {
	case BLK_T_OUT: return 16 + len - !rand_below(rng, 10);
	case BLK_T_DISCARD:
	case BLK_T_WRITE_ZEROES:
		len = 1 + rand_below(rng, BLK_RANGES_MAX);
		for (uint32_t i = 0; i < len; i++) {
			le64_store(out + 16 + i * 16, rand_below(rng, SECTORS));
			le32_store(out + 16 + i * 16 + 8, rand_below(rng, 3));
			le32_store(out + 16 + i * 16 + 12, !rand_below(rng, 40));
		}
		return 16 + len * 16;
	case BLK_T_GET_ID: *n_writable += rand_below(rng, 30); return 16;
	default: *n_writable += len - !rand_below(rng, 10); return 16;
	}
}

static void test_any_split(void **state)
{
	static struct outcome whole, split;
	unsigned n_ok = 0, n_bad = 0;
	uint64_t rng = 4711;

	for (unsigned i = 0; i < 400; i++) {
		uint8_t bytes[16 + 2048];
		uint32_t n_writable, n_readable = random_request(bytes, &n_writable, &rng);

		run_split(bytes, n_readable, n_writable, NULL, &whole);
		assert_int_equal(whole.used, n_writable);
		assert_true(whole.status <= BLK_S_UNSUPP);
		*(whole.status == BLK_S_OK ? &n_ok : &n_bad) += 1;
		for (unsigned k = 0; k < 5; k++) {
			run_split(bytes, n_readable, n_writable, &rng, &split);
			assert_memory_equal(&whole, &split, sizeof(whole));
		}
	}
	assert_true(n_ok > 50 && n_bad > 50);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ranges),
		T(test_bad_ranges),
		T(test_range_limits),
		T(test_ranges_not_negotiated),
		T(test_ranges_without_room),
		T(test_range_fails),
		T(test_write_through),
		T(test_cache_by_features),
		T(test_flush_fails),
		T(test_queues),
		T(test_part_limits),
		T(test_too_many_parts),
		T(test_any_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
