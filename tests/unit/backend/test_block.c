/* SPDX-License-Identifier: MIT */
/* Requests to disk images: what is read and written, in which order, and where it ends up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fd.h"
#include "base/loop.h"
#include "disk.h"

static void test_read_write_flush(void **state)
{
	uint8_t buf[4096], back[4096];
	struct disk d;

	for (int sync = 0; sync < 2; sync++) {
		disk_make_image(64 << 10);
		disk_open(&d, (struct block_file_config){.sync = sync});
		assert_int_equal(d.block->size, 64 << 10);
		assert_false(d.block->read_only);
		assert_int_equal(disk_read(&d, 512, buf, 1024), 0);
		assert_int_equal(buf[0], 1);
		assert_int_equal(buf[512], 2);
		assert_int_equal(buf[513], 3);
		memset(buf, 0x5a, sizeof(buf));
		assert_int_equal(disk_write(&d, 60 << 10, buf, sizeof(buf)), 0);
		assert_int_equal(disk_io(&d, BLOCK_FLUSH, 0, NULL, 0), 0);
		assert_int_equal(disk_read(&d, 60 << 10, back, sizeof(back)), 0);
		assert_memory_equal(buf, back, sizeof(buf));
		assert_int_equal(disk_read(&d, 64 << 10, back, 0), 0);
		disk_close(&d);
	}
}

static void test_refused_requests(void **state)
{
	static const struct block_file_config kinds[] = {
		{.sync = false}, {.sync = true}, {.snapshot = true}};
	uint8_t buf[1024];
	struct disk d;

	disk_make_image(4096);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		disk_open(&d, kinds[i]);
		assert_int_equal(disk_read(&d, 1, buf, 512), -EINVAL);
		assert_int_equal(disk_read(&d, 0, buf, 511), -EINVAL);
		assert_int_equal(disk_read(&d, 4096 - 512, buf, 1024), -EINVAL);
		assert_int_equal(disk_write(&d, 4096, buf, 512), -EINVAL);
		assert_int_equal(disk_read(&d, UINT64_MAX - 511, buf, 1024), -EINVAL);
		disk_close(&d);
	}
	for (int snapshot = 0; snapshot < 2; snapshot++) {
		disk_open(&d, (struct block_file_config){.read_only = true, .snapshot = snapshot});
		assert_true(d.block->read_only);
		assert_int_equal(disk_write(&d, 0, buf, 512), -EROFS);
		assert_int_equal(disk_read(&d, 0, buf, 512), 0);
		assert_int_equal(disk_io(&d, BLOCK_FLUSH, 0, NULL, 0), 0);
		disk_close(&d);
	}
}

/* More entries than one system call takes, with empty ones between. */
static void test_long_lists(void **state)
{
	const size_t n = 1500;
	uint8_t *buf = malloc(n * 512), *back = calloc(n, 512);
	struct iovec *iov = calloc(n * 2, sizeof(*iov));
	struct disk d;

	assert_non_null(buf);
	assert_non_null(back);
	assert_non_null(iov);
	disk_make_image(n * 512);
	for (size_t i = 0; i < n * 512; i++)
		buf[i] = (uint8_t)(i * 13 + i / 512 * 7);
	disk_open(&d, (struct block_file_config){0});
	for (size_t i = 0; i < n; i++)
		iov[i * 2] = (struct iovec){buf + i * 512, 512};
	assert_int_equal(disk_io(&d, BLOCK_WRITE, 0, iov, (unsigned)n * 2), 0);
	for (size_t i = 0; i < n; i++)
		iov[i * 2].iov_base = back + i * 512;
	assert_int_equal(disk_io(&d, BLOCK_READ, 0, iov, (unsigned)n * 2), 0);
	assert_memory_equal(buf, back, n * 512);
	disk_close(&d);
	free(iov);
	free(back);
	free(buf);
}

/* A file that shrinks under a running machine: what is gone cannot be read, what is left can. */
static void test_short_file(void **state)
{
	uint8_t buf[2048];
	struct disk d;

	disk_make_image(8192);
	disk_open(&d, (struct block_file_config){0});
	assert_int_equal(truncate(disk_image, 1024), 0);
	assert_int_equal(disk_read(&d, 512, buf, 2048), -ENODATA);
	assert_int_equal(disk_read(&d, 2048, buf, 512), -ENODATA);
	assert_int_equal(disk_read(&d, 512, buf, 512), 0);
	assert_int_equal(buf[0], 1);
	assert_int_equal(disk_write(&d, 2048, buf, 512), 0);
	assert_int_equal(disk_read(&d, 1024, buf, 1536), 0);
	assert_int_equal(buf[0], 0);
	assert_int_equal(buf[1024], 1);
	disk_close(&d);
}

static void note_drained(void *arg)
{
	*(bool *)arg = true;
}

static void count_down(struct block_request *r, int result)
{
	assert_int_equal(result, 0);
	--*(unsigned *)r->arg;
}

static void test_drain(void **state)
{
	static const struct block_file_config kinds[] = {
		{.io = BLOCK_FILE_THREADS}, {.sync = true}, {.snapshot = true}, {.sync = false}};
	struct block_request r[50];
	static uint8_t buf[50][512];
	struct iovec iov[50];
	struct disk d;
	unsigned left = 0;
	bool drained;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		disk_make_image(sizeof(buf));
		disk_open(&d, kinds[k]);
		for (unsigned i = 0; i < 50; i++) {
			iov[i] = (struct iovec){buf[i], 512};
			r[i] = (struct block_request){.op = i % 2 ? BLOCK_READ : BLOCK_WRITE,
						      .offset = i * 512ull,
						      .iov = &iov[i],
						      .n_iov = 1,
						      .done = count_down,
						      .arg = &left};
			left++;
			assert_int_equal(d.q->ops->submit(d.q, &r[i]), 0);
		}
		drained = false;
		d.q->ops->drain(d.q, note_drained, &drained);
		assert_false(drained);
		while (!drained)
			assert_true(loop_turn(d.loop, -1) >= 0);
		assert_int_equal(left, 0);
		/* With nothing in flight too, and again not inside. */
		drained = false;
		d.q->ops->drain(d.q, note_drained, &drained);
		assert_false(drained);
		assert_true(loop_turn(d.loop, -1) >= 0);
		assert_true(drained);
		disk_close(&d);
	}
}

/* With sync, completions come in the order of submission, whatever they are; over a snapshot in an
 * order that is always the same. */
#define ORDERED 30

struct ordered {
	struct block_request r;
	unsigned nr, *n_done, *order;
};

static void note_order(struct block_request *r, int result)
{
	struct ordered *o = container_of(r, struct ordered, r);

	assert_int_equal(result, 0);
	o->order[(*o->n_done)++] = o->nr;
}

static void run_ordered(bool snapshot, unsigned order[ORDERED])
{
	struct ordered o[ORDERED];
	uint8_t buf[4096];
	struct iovec iov = {buf, sizeof(buf)};
	unsigned n_done = 0;
	struct disk d;

	disk_make_image(64 << 10);
	disk_open(&d, (struct block_file_config){.sync = true, .snapshot = snapshot});
	for (unsigned i = 0; i < ORDERED; i++) {
		o[i] = (struct ordered){
			.r = {.op = i % 3 ? BLOCK_READ : BLOCK_WRITE,
			      .offset = (i * 7919) % 15 * 4096ull,
			      .iov = &iov,
			      .n_iov = 1,
			      .done = note_order},
			.nr = i,
			.n_done = &n_done,
			.order = order,
		};
		assert_int_equal(d.q->ops->submit(d.q, &o[i].r), 0);
	}
	while (n_done < ORDERED)
		assert_true(loop_turn(d.loop, -1) >= 0);
	disk_close(&d);
}

static void test_sync_order(void **state)
{
	unsigned order[ORDERED], again[ORDERED];

	run_ordered(false, order);
	for (unsigned i = 0; i < ORDERED; i++)
		assert_int_equal(order[i], i);
	run_ordered(true, order);
	for (int i = 0; i < 5; i++) {
		run_ordered(true, again);
		assert_memory_equal(order, again, sizeof(order));
	}
}

/* ---- snapshots against a model ---- */

#define SECTORS  256
#define SLOTS    16
#define MAX_RUN  24
#define N_RANDOM 10000

static uint8_t model[SECTORS * 512];

struct slot {
	struct block_request r;
	struct iovec iov[3];
	uint8_t buf[MAX_RUN * 512];
	size_t len;
	bool busy;
	unsigned *in_flight;
};

static void slot_done(struct block_request *r, int result)
{
	struct slot *s = container_of(r, struct slot, r);

	assert_int_equal(result, 0);
	if (r->op == BLOCK_READ)
		assert_memory_equal(s->buf, model + r->offset, s->len);
	s->busy = false;
	--*s->in_flight;
}

static bool slots_overlap(const struct slot *s, const struct slot *t)
{
	return s->r.offset < t->r.offset + t->len && t->r.offset < s->r.offset + s->len;
}

static uint32_t next_random(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static void slot_fill(struct slot *s, uint32_t *seed)
{
	uint32_t run = next_random(seed) % MAX_RUN + 1;
	uint32_t at = next_random(seed) % (SECTORS - run + 1);
	size_t cut;

	s->len = run * 512ul;
	s->r = (struct block_request){.op = next_random(seed) % 3 ? BLOCK_READ : BLOCK_WRITE,
				      .offset = at * 512ull,
				      .length = s->len,
				      .iov = s->iov,
				      .n_iov = 3,
				      .done = slot_done};
	if (s->r.op == BLOCK_WRITE && next_random(seed) % 4 == 0) {
		s->r.op = BLOCK_ZERO;
		s->r.unmap = next_random(seed) % 2;
	}
	cut = next_random(seed) % (s->len + 1);
	s->iov[0] = (struct iovec){s->buf, cut};
	s->iov[1] = (struct iovec){s->buf + cut, (s->len - cut) / 2};
	s->iov[2] = (struct iovec){s->buf + cut + (s->len - cut) / 2,
				   s->len - cut - (s->len - cut) / 2};
	for (size_t i = 0; i < s->len; i++)
		s->buf[i] = (uint8_t)next_random(seed);
}

/* Many at a time, though a write only while nothing else touches its place, since the result would
 * be anybody's guess; sectors next to each other are fair game. */
static void random_against_model(struct disk *d, uint32_t seed)
{
	struct slot *slots = calloc(SLOTS, sizeof(*slots));
	unsigned in_flight = 0, at_once = 0, n = 0;
	struct slot *s;
	bool clash;

	assert_non_null(slots);
	while (n < N_RANDOM) {
		s = slots;
		while (s->busy)
			s++;
		slot_fill(s, &seed);
		do {
			clash = in_flight == SLOTS - 1;
			for (int i = 0; i < SLOTS && !clash; i++)
				clash = slots[i].busy && slots_overlap(&slots[i], s);
			if (clash)
				assert_true(loop_turn(d->loop, -1) >= 0);
		} while (clash);
		s->in_flight = &in_flight;
		s->busy = true;
		if (s->r.op == BLOCK_WRITE)
			memcpy(model + s->r.offset, s->buf, s->len);
		if (s->r.op == BLOCK_ZERO)
			memset(model + s->r.offset, 0, s->len);
		assert_int_equal(d->q->ops->submit(d->q, &s->r), 0);
		if (++in_flight > at_once)
			at_once = in_flight;
		n++;
	}
	while (in_flight)
		assert_true(loop_turn(d->loop, -1) >= 0);
	assert_true(at_once > 1);
	free(slots);
}

static void test_random(void **state)
{
	static const struct block_file_config kinds[] = {
		{.snapshot = true},
		{.snapshot = true, .sync = true},
		{.io = BLOCK_FILE_THREADS},
		{.io = BLOCK_FILE_AUTO},
		{.snapshot = true, .io = BLOCK_FILE_THREADS},
		{.cache = BLOCK_FILE_UNSAFE},
		{.cache = BLOCK_FILE_DIRECT},
		{.cache = BLOCK_FILE_DIRECT, .io = BLOCK_FILE_THREADS},
		{.cache = BLOCK_FILE_DIRECT, .sync = true},
	};
	static uint8_t before[sizeof(model)], after[sizeof(model)];
	struct disk d;
	uint8_t *bytes;
	size_t len;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		disk_make_image(sizeof(model));
		if (kinds[k].cache == BLOCK_FILE_DIRECT && !disk_has_direct())
			continue;
		assert_int_equal(fd_read_file(disk_image, sizeof(model), &bytes, &len), 0);
		memcpy(before, bytes, len);
		memcpy(model, bytes, len);
		free(bytes);
		disk_open(&d, kinds[k]);
		random_against_model(&d, 12345 + (uint32_t)k);
		assert_int_equal(disk_read(&d, 0, after, sizeof(after)), 0);
		assert_memory_equal(after, model, sizeof(model));
		disk_close(&d);
		/* The image is as it was, or as the model says when it was no snapshot. */
		assert_int_equal(fd_read_file(disk_image, sizeof(model), &bytes, &len), 0);
		assert_int_equal(len, sizeof(model));
		assert_memory_equal(bytes, kinds[k].snapshot ? before : model, len);
		assert_memory_not_equal(before, model, sizeof(model));
		free(bytes);
	}
}

/* Nothing of a snapshot has a name on disk. */
static void test_snapshot_leaves_no_file(void **state)
{
	uint8_t buf[512] = {1};
	struct disk d;

	disk_make_image(4096);
	disk_open(&d, (struct block_file_config){.snapshot = true});
	assert_int_equal(disk_write(&d, 0, buf, 512), 0);
	assert_int_equal(unlink(disk_image), 0);
	assert_int_equal(rmdir(disk_dir), 0);
	assert_int_equal(mkdir(disk_dir, 0755), 0);
	disk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_write_flush),
		cmocka_unit_test(test_refused_requests),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_short_file),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_sync_order),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_snapshot_leaves_no_file),
	};

	return cmocka_run_group_tests(tests, disk_group_setup, disk_group_teardown);
}
