/* SPDX-License-Identifier: MIT */
/*
 * A disk whose queues live on I/O threads: the driver on one thread, the carrier's loop on a
 * second, two queues each on one of their own. Everything that a machine does to a device meanwhile
 * is done while requests fly: resets, of the device and of queues, reports, faults, its end. Under
 * ThreadSanitizer each of these must be silent.
 */
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
#include "backend/block_fault.h"
#include "backend/block_file.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fd.h"
#include "dev/blk.h"
#include "machine/iothreads.h"
#include "transport/carrier.h"

#define SECTORS 512u
#define DEPTH   16u
#define POLL_NS 20000u            /* so that the loops both look and sleep */
#define PART    (SECTORS / DEPTH) /* of a slot */
#define QUEUES  2u
#define F_FLUSH (1u << 9)
#define F_MQ    (1u << 12)

enum { T_IN, T_OUT, T_FLUSH = 4 };

/* A slot in guest memory; it owns a part of the disk, so that the order of ends does not matter. */
struct request {
	uint64_t gpa; /* header, 4 KiB of data, status */
	uint32_t type, n;
	uint64_t sector;
	unsigned queue;
};

struct world {
	struct driver d;
	struct iothreads io;
	struct faults *faults;
	struct block *file, *block;
	struct vdev *dev;
	struct loop_timer look;
	uint64_t n_looks, n_seen; /* home */
	struct loop_task order;
	sem_t done; /* by home */
	int fd;
	char path[64];
	uint64_t rng;
	struct request r[DEPTH];
	uint8_t expected[SECTORS * 512];
};

static const struct fault_kind kind = {
	.name = "disk",
	.has_sectors = true,
	.what = {[FAULT_READ] = FAULT_DELAY, [FAULT_WRITE] = FAULT_DELAY, [FAULT_IRQ] = FAULT_LOST},
};

/* What `linnet ctl stats` and `diagnose` do, again and again. */
static void look(struct loop_timer *t)
{
	struct world *w = t->arg;

	for (unsigned i = 0; i < QUEUES; i++) {
		struct vdev_queue_state s = vdev_queue_look(w->dev, i);

		assert_true(s.in_flight <= DEPTH);
		assert_true(!s.ready || s.size == 64);
		w->n_seen += counter_read(&w->dev->queues[i].stats.ring.chains);
	}
	w->n_looks++;
	loop_timer_arm(w->d.loop, t, loop_now(w->d.loop) + 100000);
}

static void make_disk(struct world *w, bool snapshot)
{
	struct loop *loops[QUEUES];
	struct block_file_config file = {.path = w->path, .snapshot = snapshot};
	struct blk_config config = {.queue_loop = loops, .n_queues = QUEUES};
	struct fault_device *device;

	assert_int_equal(block_file_open(&file, &w->file, NULL), 0);
	assert_false(w->file->single_loop);
	assert_int_equal(faults_new(w->d.loop, &w->faults), 0);
	assert_int_equal(faults_device_new(w->faults, &kind, "disk0", &device), 0);
	assert_int_equal(block_fault_new(w->file, device, &w->block), 0);
	assert_int_equal(iothreads_init(&w->io, QUEUES, POLL_NS), 0);
	iothreads_place(&w->io, w->d.loop, IOTHREADS_ANY, w->block->single_loop, loops, QUEUES);
	assert_ptr_not_equal(loops[0], loops[1]);
	config.block = w->block;
	assert_int_equal(blk_new(&config, &w->dev), 0);
	faults_power_on(w->faults);
}

static void bring_up(struct world *w)
{
	assert_true(
		driver_negotiate(&w->d, VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_RESET | F_FLUSH | F_MQ));
	w->d.next_gpa = DRIVER_RAM;
	for (unsigned i = 0; i < QUEUES; i++)
		driver_queue(&w->d, i, 64, true);
	for (unsigned i = 0; i < DEPTH; i++)
		w->r[i].gpa = driver_alloc(&w->d, 16 + 4096 + 1);
	driver_ok(&w->d);
}

static int setup_disk(void **state, bool snapshot)
{
	static struct world w;
	struct err e;

	memset(&w, 0, sizeof(w));
	strcpy(w.path, "/tmp/linnet-iothreads-XXXXXX");
	w.fd = mkstemp(w.path);
	assert_true(w.fd >= 0);
	w.rng = 11;
	sem_init(&w.done, 0, 0);
	for (size_t i = 0; i < sizeof(w.expected); i++)
		w.expected[i] = (uint8_t)rand_next(&w.rng);
	assert_int_equal(fd_write_all(w.fd, w.expected, sizeof(w.expected)), 0);
	driver_init(&w.d);
	make_disk(&w, snapshot);
	driver_plug(&w.d, w.dev);
	w.look.fn = look;
	w.look.arg = &w;
	loop_timer_arm(w.d.loop, &w.look, 0);
	assert_int_equal(iothreads_start(&w.io, &e), 0);
	driver_thread_start(&w.d);
	bring_up(&w);
	*state = &w;
	return 0;
}

static int setup(void **state)
{
	return setup_disk(state, false);
}

static int setup_snapshot(void **state)
{
	return setup_disk(state, true);
}

/* For home. One at a time. */
static void give_order(struct world *w, void (*fn)(struct loop_task *t))
{
	w->order.fn = fn;
	w->order.arg = w;
	loop_post(w->d.loop, &w->order);
}

static void quiet(void *arg)
{
	struct world *w = arg;

	sem_post(&w->done);
}

static void quiesce(struct loop_task *t)
{
	struct world *w = t->arg;

	carrier_reset(w->d.carrier, quiet, w);
}

/* As a machine ends: the devices are quiet, then the threads end, then all is freed. */
static int teardown(void **state)
{
	struct world *w = *state;

	give_order(w, quiesce);
	sem_wait(&w->done);
	sem_destroy(&w->done);
	driver_thread_stop(&w->d);
	loop_timer_cancel(&w->look);
	assert_true(w->n_looks > 0);
	iothreads_stop(&w->io);
	driver_unplug(&w->d);
	iothreads_fini(&w->io);
	w->block->ops->free(w->block);
	faults_free(w->faults);
	w->file->ops->free(w->file);
	driver_fini(&w->d);
	fd_close(&w->fd);
	unlink(w->path);
	return 0;
}

static void submit(struct world *w, struct request *r)
{
	uint8_t *p = driver_ptr(&w->d, r->gpa, 16 + 4096 + 1);
	struct guest_part part[3];
	uint32_t len;

	r->queue = rand_below(&w->rng, QUEUES);
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
	driver_submit(&w->d, r->queue, part, 3);
}

static void start(struct world *w, unsigned slot)
{
	struct request *r = &w->r[slot];

	r->n = 1 + rand_below(&w->rng, 8);
	r->sector = slot * PART + rand_below(&w->rng, PART - 8);
	r->type = rand_below(&w->rng, 10) ? rand_below(&w->rng, 2) : T_FLUSH;
	submit(w, r);
}

static void check(struct world *w, const struct request *r)
{
	const uint8_t *p = driver_ptr(&w->d, r->gpa, 16 + 4096 + 1);

	assert_int_equal(p[16 + 4096], 0);
	if (r->type == T_IN)
		assert_memory_equal(p + 16, w->expected + r->sector * 512, r->n * 512);
}

/* All slots at once, each on any queue. A round later a slot's sectors come by another queue. */
static void run_rounds(struct world *w, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < DEPTH; i++)
			start(w, i);
		for (unsigned i = 0; i < DEPTH; i++)
			driver_wait(&w->d, w->r[i].queue, -1);
		for (unsigned i = 0; i < DEPTH; i++)
			check(w, &w->r[i]);
	}
}

/* The driver cannot know which of the requests that a reset has cut short were executed: it writes
 * all sectors anew, and goes on. */
static void recover(struct world *w)
{
	for (unsigned k = 0; k < PART; k += 8) {
		for (unsigned i = 0; i < DEPTH; i++) {
			w->r[i].type = T_OUT;
			w->r[i].n = 8;
			w->r[i].sector = i * PART + k;
			submit(w, &w->r[i]);
		}
		for (unsigned i = 0; i < DEPTH; i++)
			driver_wait(&w->d, w->r[i].queue, -1);
	}
	run_rounds(w, 5);
}

static void test_requests(void **state)
{
	run_rounds(*state, 200);
}

static void test_device_resets(void **state)
{
	struct world *w = *state;

	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < DEPTH; i++)
			start(w, i);
		bring_up(w);
	}
	recover(w);
}

/* One queue goes while the other one works on. */
static void test_queue_resets(void **state)
{
	struct world *w = *state;

	for (unsigned round = 0; round < 60; round++) {
		unsigned q = round % QUEUES, other = 0;

		for (unsigned i = 0; i < DEPTH; i++) {
			start(w, i);
			other += w->r[i].queue != q;
		}
		driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, q);
		driver_write(&w->d, VIRTIO_MMIO_QUEUE_RESET, 1);
		driver_await(&w->d, VIRTIO_MMIO_QUEUE_RESET, 0);
		while (other--)
			driver_wait(&w->d, 1 - q, -1);
		if (w->d.next_gpa > DRIVER_RAM + DRIVER_RAM_SZ / 2)
			w->d.next_gpa = DRIVER_RAM + 0x100000;
		driver_queue(&w->d, q, 64, true);
	}
	recover(w);
}

static void break_it(struct loop_task *t)
{
	struct world *w = t->arg;

	vdev_broken(w->dev, "by order of the test");
}

static void lose_it(struct loop_task *t)
{
	struct world *w = t->arg;

	vdev_gone(w->dev);
}

static void test_broken(void **state)
{
	struct world *w = *state;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < DEPTH; i++) {
			start(w, i);
			if (i == round % DEPTH)
				give_order(w, break_it);
		}
		while (!vdev_is_broken(w->dev))
			usleep(100);
		bring_up(w);
	}
	recover(w);
}

static void test_gone(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < DEPTH; i++) {
		start(w, i);
		if (i == DEPTH / 2)
			give_order(w, lose_it);
	}
	while (!vdev_is_gone(w->dev))
		usleep(100);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_STATUS), w->d.pci ? 0xff : 0);
}

static void add_faults(struct loop_task *t)
{
	struct world *w = t->arg;
	struct err e;

	assert_int_equal(faults_add(w->faults, "", "disk0:read,every=3,delay=2ms", &e), 0);
	assert_int_equal(faults_add(w->faults, "", "disk0:write,every=2,delay=1s", &e), 0);
	sem_post(&w->done);
}

static void call_off(struct loop_task *t)
{
	struct world *w = t->arg;

	faults_clear(w->faults);
}

/* Delays come, expire on the queues' loops, and are called off on home. */
static void test_faults(void **state)
{
	struct world *w = *state;

	for (unsigned round = 0; round < 10; round++) {
		give_order(w, add_faults);
		sem_wait(&w->done);
		for (unsigned i = 0; i < DEPTH; i++)
			start(w, i);
		give_order(w, call_off);
		for (unsigned i = 0; i < DEPTH; i++)
			driver_wait(&w->d, w->r[i].queue, -1);
		for (unsigned i = 0; i < DEPTH; i++)
			check(w, &w->r[i]);
	}
}

/* Who gets which loop. */
static void test_places(void **state)
{
	struct iothreads io = {0};
	struct loop *home, *out[4];

	assert_int_equal(loop_new(&home), 0);
	iothreads_place(&io, home, IOTHREADS_ANY, false, out, 2);
	assert_true(out[0] == home && out[1] == home);
	assert_int_equal(iothreads_init(&io, 3, 0), 0);
	iothreads_place(&io, home, IOTHREADS_ANY, false, out, 4);
	assert_true(out[0] == io.thread[0].loop && out[1] == io.thread[1].loop);
	assert_true(out[2] == io.thread[2].loop && out[3] == io.thread[0].loop);
	iothreads_place(&io, home, IOTHREADS_ANY, true, out, 2);
	assert_true(out[0] == io.thread[1].loop && out[1] == io.thread[1].loop);
	iothreads_place(&io, home, 1, false, out, 2);
	assert_true(out[0] == io.thread[1].loop && out[1] == io.thread[1].loop);
	iothreads_place(&io, home, IOTHREADS_ANY, false, out, 1);
	assert_true(out[0] == io.thread[2].loop);
	iothreads_stop(&io); /* none runs */
	iothreads_fini(&io);
	loop_free(home);
}

#define T(name)          cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T_SNAPSHOT(name) cmocka_unit_test_setup_teardown(name, setup_snapshot, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		T(test_requests),
		T_SNAPSHOT(test_requests),
		T(test_device_resets),
		T_SNAPSHOT(test_queue_resets),
		T(test_broken),
		T(test_gone),
		T(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
