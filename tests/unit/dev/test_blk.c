/* SPDX-License-Identifier: MIT */
/* The disk, over the real transport and a block in memory that does as the test says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/mem_block.h"
#include "base/endian.h"
#include "dev/blk.h"

#define SECTORS 64u

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, S_NONE = 0xee };

struct world {
	struct driver d;
	struct mem_block m;
	struct vdev *dev;
	struct loop_timer release;
};

/* A request in guest memory. */
struct request {
	uint64_t header, data, status;
	uint32_t len;
	int head;
};

static struct world *world_new(bool read_only)
{
	static struct world w;
	struct blk_config config = {.block = &w.m.block, .serial = "a-serial-number"};

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	mem_block_init(&w.m, SECTORS * 512, read_only);
	config.loop = w.d.loop;
	assert_int_equal(blk_new(&config, &w.dev), 0);
	driver_plug(&w.d, w.dev);
	assert_true(driver_negotiate(&w.d, driver_offered(&w.d)));
	driver_queue(&w.d, 0, 128, true);
	driver_ok(&w.d);
	return &w;
}

static int setup(void **state)
{
	*state = world_new(false);
	return 0;
}

static int setup_read_only(void **state)
{
	*state = world_new(true);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_fini(&w->d);
	mem_block_fini(&w->m);
	return 0;
}

static struct request prepare(struct world *w, uint32_t type, uint64_t sector, uint32_t len)
{
	struct request r = {.len = len};
	uint8_t *header;

	r.header = driver_alloc(&w->d, 16);
	r.data = driver_alloc(&w->d, len + 1);
	r.status = driver_alloc(&w->d, 1);
	header = driver_ptr(&w->d, r.header, 16);
	le32_store(header, type);
	le32_store(header + 4, 0);
	le64_store(header + 8, sector);
	memset(driver_ptr(&w->d, r.data, len + 1), 0x77, len + 1);
	*(uint8_t *)driver_ptr(&w->d, r.status, 1) = S_NONE;
	return r;
}

/* The usual three parts; data is written by the device unless type is OUT. */
static void start(struct world *w, struct request *r, uint32_t type)
{
	struct guest_part p[3] = {
		{r->header, 16, false}, {r->data, r->len, type != T_OUT}, {r->status, 1, true}};

	r->head = driver_submit(&w->d, 0, p, 3);
}

static unsigned status_of(struct world *w, const struct request *r)
{
	return *(uint8_t *)driver_ptr(&w->d, r->status, 1);
}

static uint8_t *data_of(struct world *w, const struct request *r)
{
	return driver_ptr(&w->d, r->data, r->len + 1);
}

static unsigned run(struct world *w, struct request *r, uint32_t type)
{
	uint32_t used;

	start(w, r, type);
	used = driver_wait(&w->d, 0, r->head);
	assert_int_equal(used, type == T_OUT ? 1 : r->len + 1);
	return status_of(w, r);
}

static void assert_bytes(const uint8_t *p, uint8_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], value);
}

static void assert_needs_reset(struct world *w, bool needed)
{
	uint32_t status;

	driver_settle(&w->d);
	status = driver_read(&w->d, VIRTIO_MMIO_STATUS);
	assert_int_equal(!!(status & VIRTIO_STATUS_NEEDS_RESET), needed);
}

static void test_config(void **state)
{
	struct world *w = *state;
	uint64_t offered = driver_offered(&w->d);

	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_DEVICE_ID), 2);
	assert_int_equal(offered & 0xffffff,
			 1 << 1 | 1 << 2 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 13 | 1 << 14);
	assert_int_equal(driver_config(&w->d, 0, 8), SECTORS);
	assert_int_equal(driver_config(&w->d, 12, 4), 126);
	assert_int_equal(driver_config(&w->d, 20, 4), 512);
}

static void test_read(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, T_IN, 3, 1024);

	assert_int_equal(run(w, &r, T_IN), S_OK);
	assert_bytes(data_of(w, &r), 4, 512);
	assert_bytes(data_of(w, &r) + 512, 5, 512);
	r = prepare(w, T_IN, SECTORS - 1, 512);
	assert_int_equal(run(w, &r, T_IN), S_OK);
	assert_bytes(data_of(w, &r), SECTORS, 512);
}

static void test_write_and_flush(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, T_OUT, 7, 1024);

	assert_int_equal(run(w, &r, T_OUT), S_OK);
	assert_bytes(w->m.data + 7 * 512, 0x77, 1024);
	assert_bytes(w->m.data + 9 * 512, 10, 512);
	r = prepare(w, T_FLUSH, 0, 0);
	assert_int_equal(run(w, &r, T_FLUSH), S_OK);
	assert_int_equal(w->m.n_flush, 1);
}

/* Cuts [gpa, gpa + len) into parts of `step` bytes. */
static unsigned cut(struct guest_part *p, uint64_t gpa, uint32_t len, uint32_t step, bool write)
{
	unsigned n = 0;

	for (uint32_t at = 0; at < len; at += step)
		p[n++] = (struct guest_part){gpa + at, at + step < len ? step : len - at, write};
	return n;
}

/* 2.6.4: a device must not care where descriptors begin and end. */
static void test_any_split(void **state)
{
	struct world *w = *state;
	struct guest_part p[64];

	for (uint32_t head_step = 1; head_step <= 16; head_step++) {
		for (uint32_t step = 64; step <= 513; step = step * 2 - 1) {
			struct request r = prepare(w, T_IN, head_step, 512);
			unsigned n = cut(p, r.header, 16, head_step, false);

			/* The status is the byte behind the data. */
			n += cut(p + n, r.data, 513, step, true);
			assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, p, n)), 513);
			assert_bytes(data_of(w, &r), (uint8_t)(head_step + 1), 512);
			assert_int_equal(data_of(w, &r)[512], S_OK);
		}
	}
}

/* The header and the data to write share descriptors. */
static void test_any_split_of_a_write(void **state)
{
	struct world *w = *state;
	struct guest_part p[600];

	for (uint32_t step = 5; step <= 600; step += 35) {
		uint64_t at = driver_alloc(&w->d, 16 + 512);
		uint64_t status = driver_alloc(&w->d, 1);
		uint8_t *b = driver_ptr(&w->d, at, 16 + 512);
		unsigned n;

		memset(b, 0, 16);
		le32_store(b, T_OUT);
		le64_store(b + 8, 9);
		memset(b + 16, (int)step, 512);
		n = cut(p, at, 16 + 512, step, false);
		p[n++] = (struct guest_part){status, 1, true};
		driver_wait(&w->d, 0, driver_submit(&w->d, 0, p, n));
		assert_int_equal(*(uint8_t *)driver_ptr(&w->d, status, 1), S_OK);
		assert_bytes(w->m.data + 9 * 512, (uint8_t)step, 512);
	}
}

static void test_get_id(void **state)
{
	struct world *w = *state;
	static const char id[30] = "a-serial-number";

	for (uint32_t len = 1; len <= 30; len++) {
		struct request r = prepare(w, T_GET_ID, 0, len);

		assert_int_equal(run(w, &r, T_GET_ID), S_OK);
		assert_memory_equal(data_of(w, &r), id, len);
		assert_int_equal(data_of(w, &r)[len], 0x77);
	}
}

static void test_unsupported(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, 12, 0, 512);

	assert_int_equal(run(w, &r, 12), S_UNSUPP);
	assert_bytes(data_of(w, &r), 0, 512);
	r = prepare(w, UINT32_MAX, 0, 512);
	assert_int_equal(run(w, &r, T_OUT), S_UNSUPP);
}

static void test_bad_ranges(void **state)
{
	struct world *w = *state;
	const struct {
		uint64_t sector;
		uint32_t len;
	} bad[] = {
		{SECTORS, 512},
		{SECTORS - 1, 1024},
		{SECTORS + 1, 0},
		{UINT64_MAX, 512},
		{1ull << 55, 512},
		{1ull << 63, 512},
		{0, 511},
		{0, 1},
		{UINT64_MAX - 1, 1024},
		{(1ull << 55) - 1, 1024},
		{0, (SECTORS + 1) * 512},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct request r = prepare(w, T_IN, bad[i].sector, bad[i].len);

		assert_int_equal(run(w, &r, T_IN), S_IOERR);
		assert_bytes(data_of(w, &r), 0, bad[i].len);
		r = prepare(w, T_OUT, bad[i].sector, bad[i].len);
		assert_int_equal(run(w, &r, T_OUT), S_IOERR);
	}
	for (unsigned i = 0; i < SECTORS; i++)
		assert_bytes(w->m.data + i * 512, (uint8_t)(i + 1), 512);
	assert_needs_reset(w, false);
}

static void test_empty_transfer(void **state)
{
	struct request r = prepare(*state, T_IN, SECTORS, 0);

	assert_int_equal(run(*state, &r, T_IN), S_OK);
}

/* Memory of the wrong direction where a request has its data: it is refused, nothing moves, and the
 * device goes on. */
static void test_wrong_direction(void **state)
{
	static const uint32_t types[] = {T_IN, T_OUT, 11, 13};
	struct world *w = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		for (unsigned both = 0; both < 2; both++) {
			struct request r = prepare(w, types[i], 0, 512);
			bool write = types[i] != T_IN;
			struct guest_part p[4] = {{r.header, 16, false}};
			uint64_t more = driver_alloc(&w->d, 512);
			unsigned n = 1;

			memset(driver_ptr(&w->d, more, 512), 0, 512);
			if (!write || both)
				p[n++] = (struct guest_part){more, 512, false};
			if (write || both)
				p[n++] = (struct guest_part){r.data, 512, true};
			p[n++] = (struct guest_part){r.status, 1, true};
			driver_wait(&w->d, 0, driver_submit(&w->d, 0, p, n));
			assert_int_equal(status_of(w, &r), S_IOERR);
			assert_bytes(data_of(w, &r), write || both ? 0 : 0x77, 512);
			assert_bytes(w->m.data, 1, 512);
		}
	}
	assert_needs_reset(w, false);
}

static void test_read_only(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, T_OUT, 0, 512);

	assert_true(driver_offered(&w->d) & 1 << 5);
	assert_int_equal(run(w, &r, T_OUT), S_IOERR);
	assert_bytes(w->m.data, 1, 512);
	r = prepare(w, T_IN, 0, 512);
	assert_int_equal(run(w, &r, T_IN), S_OK);
}

static void test_back_end_fails(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, T_IN, 0, 512);

	w->m.failure = -EIO;
	assert_int_equal(run(w, &r, T_IN), S_IOERR);
	assert_bytes(data_of(w, &r), 0, 512);
	r = prepare(w, T_FLUSH, 0, 0);
	assert_int_equal(run(w, &r, T_FLUSH), S_IOERR);
	w->m.failure = 0;
	r = prepare(w, T_IN, 0, 512);
	assert_int_equal(run(w, &r, T_IN), S_OK);
	assert_int_equal(counter_read(&w->dev->stats.errors), 2);
}

/* As many as the ring holds; they complete in reverse, with few interrupts. */
static void test_many_in_flight(void **state)
{
	struct world *w = *state;
	struct request r[42];
	unsigned raised;

	w->m.hold = true;
	for (unsigned i = 0; i < 42; i++) {
		r[i] = prepare(w, T_IN, i, 512);
		start(w, &r[i], T_IN);
	}
	driver_settle(&w->d);
	assert_int_equal(w->m.n_waiting, 42);
	raised = w->d.n_raised;
	mem_block_release(&w->m);
	for (unsigned i = 42; i-- > 0;)
		assert_int_equal(driver_wait(&w->d, 0, r[i].head), 513);
	assert_int_equal(w->d.n_raised, raised + 1);
	for (unsigned i = 0; i < 42; i++) {
		assert_int_equal(status_of(w, &r[i]), S_OK);
		assert_bytes(data_of(w, &r[i]), (uint8_t)(i + 1), 512);
	}
}

/* As many chains in flight as the ring has entries, and then one more. */
static void test_ring_in_flight(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, T_IN, 0, 512);

	w->m.hold = true;
	start(w, &r, T_IN);
	for (unsigned i = 1; i < 128; i++)
		guest_ring_offer(&w->d.ring[0], (uint16_t)r.head);
	driver_kick(&w->d, 0);
	driver_settle(&w->d);
	assert_int_equal(w->m.n_waiting, 128);
	driver_kick(&w->d, 0);
	assert_needs_reset(w, false);
	guest_ring_offer(&w->d.ring[0], (uint16_t)r.head);
	driver_kick(&w->d, 0);
	assert_needs_reset(w, true);
	mem_block_release(&w->m);
}

static void test_back_end_is_full(void **state)
{
	struct world *w = *state;
	struct request r[40];

	w->m.room = 3;
	w->m.hold = true;
	for (unsigned i = 0; i < 40; i++) {
		r[i] = prepare(w, T_IN, i, 512);
		start(w, &r[i], T_IN);
	}
	driver_settle(&w->d);
	assert_int_equal(w->m.n_waiting, 3);
	mem_block_release(&w->m);
	for (unsigned i = 0; i < 40; i++)
		driver_wait(&w->d, 0, -1);
	assert_true(w->m.n_eagain > 0);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(status_of(w, &r[i]), S_OK);
}

/* -EAGAIN with nothing in flight would wait for ever. */
static void test_back_end_takes_nothing(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, T_IN, 0, 512);

	w->m.room = 0;
	assert_int_equal(run(w, &r, T_IN), S_IOERR);
}

static void test_no_header(void **state)
{
	struct world *w = *state;
	struct request held = prepare(w, T_IN, 0, 512), r = prepare(w, T_IN, 0, 512);
	struct guest_part p[2] = {{r.header, 15, false}, {r.status, 1, true}};

	w->m.hold = true;
	start(w, &held, T_IN);
	driver_submit(&w->d, 0, p, 2);
	assert_needs_reset(w, true);
	assert_int_equal(status_of(w, &r), S_NONE);
	/* What was in flight before still completes, and so does the reset. */
	mem_block_release(&w->m);
	assert_int_equal(driver_wait(&w->d, 0, held.head), 513);
	driver_reset(&w->d);
}

static void test_no_status(void **state)
{
	struct world *w = *state;
	struct request r = prepare(w, T_OUT, 0, 512);
	struct guest_part p[2] = {{r.header, 16, false}, {r.data, 512, false}};

	driver_submit(&w->d, 0, p, 2);
	assert_needs_reset(w, true);
	assert_bytes(w->m.data, 1, 512);
}

static void release_timer(struct loop_timer *t)
{
	struct world *w = t->arg;

	mem_block_release(&w->m);
}

static void test_reset_in_flight(void **state)
{
	struct world *w = *state;
	struct request r[20];

	for (unsigned room = 5; room <= 50; room += 45) {
		w->m.hold = true;
		w->m.room = room; /* the first time the queue is stalled as well */
		for (unsigned i = 0; i < 20; i++) {
			r[i] = prepare(w, T_IN, i, 512);
			start(w, &r[i], T_IN);
		}
		driver_settle(&w->d);
		w->release = (struct loop_timer){.fn = release_timer, .arg = w};
		loop_timer_arm(w->d.loop, &w->release, loop_now(w->d.loop) + 5000000);
		driver_reset(&w->d);
		assert_int_equal(w->m.n_waiting, 0);
		assert_true(driver_negotiate(&w->d, 0));
		driver_queue(&w->d, 0, 64, false);
		driver_ok(&w->d);
		r[0] = prepare(w, T_IN, 1, 512);
		assert_int_equal(run(w, &r[0], T_IN), S_OK);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_config),
		T(test_read),
		T(test_write_and_flush),
		T(test_any_split),
		T(test_any_split_of_a_write),
		T(test_get_id),
		T(test_unsupported),
		T(test_bad_ranges),
		T(test_empty_transfer),
		T(test_wrong_direction),
		cmocka_unit_test_setup_teardown(test_read_only, setup_read_only, teardown),
		T(test_back_end_fails),
		T(test_many_in_flight),
		T(test_ring_in_flight),
		T(test_back_end_is_full),
		T(test_back_end_takes_nothing),
		T(test_no_header),
		T(test_no_status),
		T(test_reset_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
