/* SPDX-License-Identifier: MIT */
/* The disk on a real image file, its loop on a thread of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/rand.h"
#include "backend/block.h"
#include "backend/block_file.h"
#include "base/endian.h"
#include "base/fd.h"
#include "dev/blk.h"

#define SECTORS 512u
#define DEPTH   16u
#define F_FLUSH (1u << 9)

enum { T_IN, T_OUT, T_FLUSH = 4 };

struct world {
	struct driver d;
	struct block *block;
	int fd;
	char path[64];
	uint64_t rng;
	uint8_t expected[SECTORS * 512];
};

/* A request slot in guest memory. */
struct request {
	uint64_t gpa; /* header, 4 KiB of data, status */
	uint32_t type, n;
	uint64_t sector;
	bool busy;
};

static int setup(void **state)
{
	static struct world w;
	struct block_file_config file = {.path = w.path};
	struct blk_config config = {0};
	struct vdev *dev;

	memset(&w, 0, sizeof(w));
	strcpy(w.path, "/tmp/linnet-blk-XXXXXX");
	w.fd = mkstemp(w.path);
	assert_true(w.fd >= 0);
	w.rng = 11;
	for (size_t i = 0; i < sizeof(w.expected); i++)
		w.expected[i] = (uint8_t)rand_next(&w.rng);
	assert_int_equal(fd_write_all(w.fd, w.expected, sizeof(w.expected)), 0);
	assert_int_equal(block_file_open(&file, &w.block, NULL), 0);
	driver_init(&w.d);
	config.block = w.block;
	config.loop = w.d.loop;
	assert_int_equal(blk_new(&config, &dev), 0);
	driver_plug(&w.d, dev);
	driver_thread_start(&w.d);
	assert_true(driver_negotiate(&w.d, VIRTIO_F_EVENT_IDX | F_FLUSH));
	driver_queue(&w.d, 0, 64, true);
	driver_ok(&w.d);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_fini(&w->d);
	w->block->ops->free(w->block);
	fd_close(&w->fd);
	unlink(w->path);
	return 0;
}

/* Sectors of different slots never overlap, so that the order of completion does not matter. */
static void start(struct world *w, struct request *r, unsigned slot)
{
	uint8_t *p = driver_ptr(&w->d, r->gpa, 16 + 4096 + 1);
	struct guest_part part[3];
	uint32_t len;

	r->n = 1 + rand_below(&w->rng, 8);
	r->sector = slot * (SECTORS / DEPTH) + rand_below(&w->rng, SECTORS / DEPTH - 8);
	r->type = rand_below(&w->rng, 10) ? rand_below(&w->rng, 2) : T_FLUSH;
	len = r->type == T_FLUSH ? 0 : r->n * 512;
	le32_store(p, r->type);
	le64_store(p + 8, r->sector);
	p[16 + 4096] = 0xff;
	if (r->type == T_OUT)
		for (uint32_t i = 0; i < len; i++)
			p[16 + i] = w->expected[r->sector * 512 + i] = (uint8_t)rand_next(&w->rng);
	part[0] = (struct guest_part){r->gpa, 16, false};
	part[1] = (struct guest_part){r->gpa + 16, len, r->type == T_IN};
	part[2] = (struct guest_part){r->gpa + 16 + 4096, 1, true};
	driver_submit(&w->d, 0, part, 3);
	r->busy = true;
}

static void finish(struct world *w, struct request *r)
{
	const uint8_t *p = driver_ptr(&w->d, r->gpa, 16 + 4096 + 1);

	assert_int_equal(p[16 + 4096], 0);
	if (r->type == T_IN)
		assert_memory_equal(p + 16, w->expected + r->sector * 512, r->n * 512);
	r->busy = false;
}

static void test_random_requests(void **state)
{
	struct world *w = *state;
	static uint8_t actual[SECTORS * 512];
	struct request r[DEPTH] = {0};

	for (unsigned i = 0; i < DEPTH; i++)
		r[i].gpa = driver_alloc(&w->d, 16 + 4096 + 1);
	for (unsigned round = 0; round < 200; round++) {
		unsigned n = 0;

		for (unsigned i = 0; i < DEPTH; i++)
			if (rand_below(&w->rng, 2)) {
				start(w, &r[i], i);
				n++;
			}
		while (n--)
			driver_wait(&w->d, 0, -1);
		for (unsigned i = 0; i < DEPTH; i++)
			if (r[i].busy)
				finish(w, &r[i]);
	}
	assert_int_equal(pread(w->fd, actual, sizeof(actual), 0), sizeof(actual));
	assert_memory_equal(actual, w->expected, sizeof(actual));
}

/* A reset with real requests under way waits for them, and what was written is written. */
static void test_reset_in_flight(void **state)
{
	struct world *w = *state;
	struct request r[DEPTH] = {0};

	for (unsigned round = 0; round < 30; round++) {
		for (unsigned i = 0; i < DEPTH; i++) {
			r[i].gpa = driver_alloc(&w->d, 16 + 4096 + 1);
			start(w, &r[i], i);
		}
		driver_reset(&w->d);
		assert_true(driver_negotiate(&w->d, VIRTIO_F_EVENT_IDX | F_FLUSH));
		w->d.next_gpa = DRIVER_RAM;
		driver_queue(&w->d, 0, 64, true);
		driver_ok(&w->d);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_random_requests),
		T(test_reset_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
