/* SPDX-License-Identifier: MIT */
/* The disk that fails on purpose, in front of an image: results, data moved, when it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/block_fault.h"
#include "base/fault.h"
#include "base/loop.h"
#include "disk.h"

static const struct fault_kind kind = {
	.name = "disk",
	.has_sectors = true,
	.what = {[FAULT_READ] = FAULT_ERROR | FAULT_DELAY | FAULT_SHORT | FAULT_CORRUPT,
		 [FAULT_WRITE] = FAULT_ERROR | FAULT_DELAY | FAULT_SHORT | FAULT_DROP |
				 FAULT_CORRUPT,
		 [FAULT_FLUSH] = FAULT_ERROR | FAULT_DELAY | FAULT_DROP},
};

/* d is the disk that fails; plain is the one behind it. */
struct world {
	struct disk d, plain;
	struct faults *f;
	uint64_t now;
};

static uint64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static void begin(struct world *w, bool sync)
{
	struct fault_device *device;

	memset(w, 0, sizeof(*w));
	disk_make_image(64 << 10);
	disk_open(&w->plain, (struct block_file_config){.sync = sync});
	w->d.loop = w->plain.loop;
	loop_set_clock(w->d.loop, now_of, w);
	assert_int_equal(faults_new(w->d.loop, &w->f), 0);
	assert_int_equal(faults_device_new(w->f, &kind, "disk0", &device), 0);
	assert_int_equal(block_fault_new(w->plain.block, device, &w->d.block), 0);
	assert_int_equal(w->d.block->size, 64 << 10);
	assert_int_equal(w->d.block->ops->open_queue(w->d.block, w->d.loop, &w->d.q), 0);
	faults_power_on(w->f);
}

static void end(struct world *w)
{
	w->d.q->ops->close(w->d.q);
	w->d.block->ops->free(w->d.block);
	faults_free(w->f);
	disk_close(&w->plain);
}

static void add(struct world *w, const char *text)
{
	assert_int_equal(faults_add(w->f, "", text, NULL), 0);
}

static size_t n_different(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += a[i] != b[i];
	return n;
}

static void test_errors(void **state)
{
	uint8_t buf[2048], before[2048];
	struct world w;

	for (int sync = 0; sync < 2; sync++) {
		begin(&w, sync);
		add(&w, "disk0:read,every=2,error");
		add(&w, "disk0:write,every=2,error");
		add(&w, "disk0:flush,every=2,error");
		for (int i = 0; i < 4; i++) {
			int expected = i % 2 ? -EIO : 0;

			memset(buf, 0xaa, sizeof(buf));
			assert_int_equal(disk_read(&w.d, 4096, buf, sizeof(buf)), expected);
			assert_int_equal(buf[0], i % 2 ? 0xaa : 8);
			assert_int_equal(disk_read(&w.plain, 0, before, sizeof(before)), 0);
			memset(buf, i, sizeof(buf));
			assert_int_equal(disk_write(&w.d, 0, buf, sizeof(buf)), expected);
			assert_int_equal(disk_read(&w.plain, 0, buf, sizeof(buf)), 0);
			assert_int_equal(buf[0], i % 2 ? before[0] : i);
			assert_int_equal(disk_io(&w.d, BLOCK_FLUSH, 0, NULL, 0), expected);
		}
		/* What the disk would refuse is refused without asking the rules. */
		assert_int_equal(disk_read(&w.d, 1, buf, 512), -EINVAL);
		end(&w);
	}
}

static void test_short(void **state)
{
	uint8_t buf[4096], back[4096];
	const struct iovec iov[2] = {{buf, 700}, {buf + 700, 2560 - 700}};
	struct world w;

	begin(&w, false);
	add(&w, "disk0:read,short");
	add(&w, "disk0:write,short");
	/* 5 sectors: 2 of them are moved. */
	memset(buf, 0xbb, sizeof(buf));
	assert_int_equal(disk_io(&w.d, BLOCK_WRITE, 0, iov, 2), -EIO);
	assert_int_equal(disk_read(&w.plain, 0, back, sizeof(back)), 0);
	assert_memory_equal(back, buf, 1024);
	assert_int_equal(back[1024], 2);
	memset(buf, 0xcc, sizeof(buf));
	assert_int_equal(disk_io(&w.d, BLOCK_READ, 0, iov, 2), -EIO);
	assert_memory_equal(buf, back, 1024);
	assert_int_equal(buf[1024], 0xcc);
	/* Of one sector there is no half. */
	assert_int_equal(disk_read(&w.d, 0, back, 512), -EIO);
	assert_int_equal(disk_write(&w.d, 0, back, 512), -EIO);
	end(&w);
}

static void test_drop(void **state)
{
	uint8_t buf[1024];
	struct world w;

	begin(&w, false);
	add(&w, "disk0:write,drop");
	add(&w, "disk0:flush,drop");
	memset(buf, 0xdd, sizeof(buf));
	assert_int_equal(disk_write(&w.d, 512, buf, sizeof(buf)), 0);
	assert_int_equal(disk_io(&w.d, BLOCK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(disk_read(&w.d, 512, buf, sizeof(buf)), 0);
	assert_int_equal(buf[0], 1);
	end(&w);
}

static void test_corrupt(void **state)
{
	uint8_t buf[4096], back[4096], again[4096];
	struct world w;

	begin(&w, false);
	add(&w, "disk0:read,once,corrupt");
	add(&w, "disk0:write,once,corrupt,seed=9");
	assert_int_equal(disk_read(&w.d, 0, buf, sizeof(buf)), 0);
	assert_int_equal(disk_read(&w.d, 0, back, sizeof(back)), 0);
	assert_int_equal(n_different(buf, back, sizeof(buf)), 1);
	/* The writer's own memory stays as it is. */
	memset(buf, 0xee, sizeof(buf));
	memset(again, 0xee, sizeof(again));
	assert_int_equal(disk_write(&w.d, 0, buf, sizeof(buf)), 0);
	assert_memory_equal(buf, again, sizeof(buf));
	assert_int_equal(disk_read(&w.d, 0, back, sizeof(back)), 0);
	assert_int_equal(n_different(buf, back, sizeof(buf)), 1);
	end(&w);
}

/* ---- delays and draining ---- */

#define NOT_YET 1

static void note_result(struct block_request *r, int result)
{
	*(int *)r->arg = result;
}

static void settle(struct world *w)
{
	/* A pool thread may be at work. */
	for (int i = 0; i < 20; i++)
		assert_true(loop_turn(w->d.loop, 1000000) >= 0);
}

static void pass(struct world *w, unsigned ms)
{
	w->now += ms * 1000000ull;
	settle(w);
}

static void on_drained(void *arg)
{
	(*(int *)arg)++;
}

static void test_delay(void **state)
{
	uint8_t buf[4][512];
	int result[4] = {NOT_YET, NOT_YET, NOT_YET, NOT_YET}, drained = 0;
	struct block_request r[4];
	struct iovec iov[4];
	struct world w;

	begin(&w, true);
	add(&w, "disk0:read,sector=1,delay=300ms");
	add(&w, "disk0:read,sector=2,delay=100ms");
	add(&w, "disk0:read,sector=2,error");
	add(&w, "disk0:read,sector=3,delay=1min");
	for (unsigned i = 0; i < 4; i++) {
		iov[i] = (struct iovec){buf[i], 512};
		r[i] = (struct block_request){.op = BLOCK_READ,
					      .offset = 512 * i,
					      .iov = &iov[i],
					      .n_iov = 1,
					      .done = note_result,
					      .arg = &result[i]};
		assert_int_equal(w.d.q->ops->submit(w.d.q, &r[i]), 0);
	}
	w.d.q->ops->drain(w.d.q, on_drained, &drained);
	settle(&w);
	assert_int_equal(result[0], 0);
	pass(&w, 99);
	assert_int_equal(result[2], NOT_YET);
	pass(&w, 1);
	assert_int_equal(result[2], -EIO);
	assert_int_equal(result[1], NOT_YET);
	pass(&w, 200);
	assert_int_equal(result[1], 0);
	assert_int_equal(buf[1][0], 1);
	assert_int_equal(result[3], NOT_YET);
	assert_int_equal(drained, 0);
	faults_power_off(w.f); /* it need not wait for the minute */
	settle(&w);
	assert_int_equal(result[3], 0);
	assert_int_equal(drained, 1);
	/* Also one that comes back from below only after that. */
	faults_power_on(w.f);
	result[3] = NOT_YET;
	assert_int_equal(w.d.q->ops->submit(w.d.q, &r[3]), 0);
	faults_power_off(w.f);
	settle(&w);
	assert_int_equal(result[3], 0);
	drained = 0;
	w.d.q->ops->drain(w.d.q, on_drained, &drained);
	assert_int_equal(drained, 0);
	settle(&w);
	assert_int_equal(drained, 1);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors), cmocka_unit_test(test_short),
		cmocka_unit_test(test_drop),   cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_delay),
	};

	return cmocka_run_group_tests(tests, disk_group_setup, disk_group_teardown);
}
