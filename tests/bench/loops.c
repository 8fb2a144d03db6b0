/* SPDX-License-Identifier: MIT */
/*
 * bench/loops: what queues on I/O threads, and looking for work before sleeping, cost and bring.
 *
 *	loops [ROUNDS [SECONDS]]
 *
 * A disk without an image behind it (null_block.c), so that what is measured is the way: kick,
 * loop, device, interrupt. Its queues are on THREADS I/O threads; a driver in a thread of its own
 * for each two queues at most keeps DEPTH requests of 4 KiB in flight in each queue, and sleeps on
 * a semaphore until an interrupt, as a guest that has nothing else to do.
 *
 * Columns, each without polling, with poll=50, and the ratio of the two: CPU microseconds of the
 * whole process for one request (the driver's share included), and thousands of requests in a
 * second of real time, which depends on what else the host does. Medians over ROUNDS (5) of SECONDS
 * (0.3) each, in turn.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/block.h"
#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "dev/blk.h"
#include "dev/blk_spec.h"
#include "lib/guest_ring.h"
#include "machine/iothreads.h"
#include "null_block.h"
#include "virtio/vdev.h"

#define RAM         0x80000000ull
#define RAM_SIZE    (16ull << 20)
#define QUEUE_BYTES (1ull << 20) /* of that, for each queue */
#define IMAGE_SIZE  (64ull << 20)
#define BYTES       4096u
#define QUEUES_MAX  4u
#define DRIVERS_MAX 2u
#define ROUNDS_MAX  15u
#define POLL_NS     50000u

struct queue {
	struct guest_ring ring;
	uint64_t gpa;          /* of its requests */
	uint16_t slot_of[128]; /* by head */
	uint64_t rng, n_done;
	unsigned in_flight;
};

/* A thread of the guest's: every DRIVERS_MAX-th queue is its own. */
struct driver {
	struct bench *b;
	unsigned number;
	pthread_t thread;
	sem_t interrupt;
};

struct bench {
	unsigned n_queues, n_threads, n_drivers, depth;
	struct gmem *mem;
	struct iothreads io;
	struct loop *home;
	struct block *block;
	struct vdev *dev;
	struct queue queue[QUEUES_MAX];
	struct driver driver[DRIVERS_MAX];
	atomic_bool stop;
};

struct figures {
	double cpu, rate;
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "bench/loops: %s\n", what);
	exit(1);
}

/* ---- the driver ---- */

static void put_request(struct bench *b, struct queue *q, unsigned slot)
{
	uint64_t header = q->gpa + slot * 64ull;
	struct guest_part part[3] = {
		{header, BLK_HEADER_SIZE, false},
		{q->gpa + 0x10000 + (uint64_t)slot * BYTES, BYTES, true},
		{header + 32, 1, true},
	};
	uint8_t *p = gmem_map(b->mem, header, 64);
	int head;

	q->rng = q->rng * 6364136223846793005u + 1442695040888963407u;
	le32_store(p, BLK_T_IN);
	le64_store(p + 8, (q->rng >> 33) % (IMAGE_SIZE / BYTES) * (BYTES / BLOCK_SECTOR));
	head = guest_ring_add(&q->ring, part, 3, 0, 0);
	q->slot_of[head] = (uint16_t)slot;
	q->in_flight++;
}

/* For each request that is done, the next. Whether any is in flight. */
static bool serve(struct bench *b, unsigned index)
{
	struct queue *q = &b->queue[index];
	uint32_t id, len;

	do {
		while (guest_ring_reap(&q->ring, &id, &len)) {
			q->n_done++;
			q->in_flight--;
			if (!atomic_load_explicit(&b->stop, memory_order_relaxed))
				put_request(b, q, q->slot_of[id]);
		}
		if (guest_ring_publish(&q->ring))
			vdev_kick(b->dev, index);
	} while (guest_ring_arm(&q->ring));
	return q->in_flight;
}

static void *driver_main(void *arg)
{
	struct driver *d = arg;
	struct bench *b = d->b;
	bool busy = true;

	for (unsigned i = d->number; i < b->n_queues; i += b->n_drivers)
		for (unsigned k = 0; k < b->depth; k++)
			put_request(b, &b->queue[i], k);
	while (busy) {
		busy = false;
		for (unsigned i = d->number; i < b->n_queues; i += b->n_drivers)
			busy |= serve(b, i);
		if (busy)
			(void)sem_wait(&d->interrupt);
	}
	return NULL;
}

static void interrupt(void *port, unsigned queue)
{
	struct bench *b = port;

	(void)sem_post(&b->driver[queue % b->n_drivers].interrupt);
}

static void nothing(void *port)
{
}

static const struct vdev_port_ops port_ops = {
	.interrupt = interrupt, .config_changed = nothing, .broken = nothing};

/* ---- the board ---- */

static void start_queue(struct bench *b, unsigned index)
{
	struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};
	struct queue *q = &b->queue[index];
	uint64_t at = RAM + index * QUEUE_BYTES;

	*q = (struct queue){.rng = index + 1u};
	q->gpa = (guest_ring_init(&q->ring, b->mem, at, 128, 0, true) + 4095) & ~4095ull;
	setup.ring = (struct virtq_setup){
		.size = 128, .desc = q->ring.desc, .driver = q->ring.avail, .device = q->ring.used};
	if (vdev_queue_start(b->dev, index, &setup))
		die("a queue cannot be started");
}

static void start(struct bench *b, uint64_t poll_ns)
{
	struct loop *loops[QUEUES_MAX];
	struct blk_config config = {.queue_loop = loops, .n_queues = b->n_queues};
	struct err e;

	b->io = (struct iothreads){0};
	b->block = null_block_new(IMAGE_SIZE);
	if (!b->block || iothreads_init(&b->io, b->n_threads, poll_ns))
		die("not enough memory");
	iothreads_place(&b->io, b->home, IOTHREADS_ANY, false, loops, b->n_queues);
	config.block = b->block;
	if (blk_new(&config, &b->dev))
		die("no device");
	vdev_attach(b->dev, &port_ops, b, b->home, b->mem);
	if (vdev_set_features(b->dev, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | BLK_F_FLUSH) ||
	    iothreads_start(&b->io, &e))
		die("cannot begin");
	for (unsigned i = 0; i < b->n_queues; i++)
		start_queue(b, i);
	atomic_store(&b->stop, false);
	b->n_drivers = (unsigned)min_u64(b->n_queues, DRIVERS_MAX);
	for (unsigned i = 0; i < b->n_drivers; i++) {
		struct driver *d = &b->driver[i];

		*d = (struct driver){.b = b, .number = i};
		(void)sem_init(&d->interrupt, 0, 0);
		if (pthread_create(&d->thread, NULL, driver_main, d))
			die("no thread");
	}
}

static void stop_done(void *arg)
{
	*(bool *)arg = true;
}

static uint64_t stop(struct bench *b)
{
	bool stopped = false;
	uint64_t n = 0;

	atomic_store(&b->stop, true);
	for (unsigned i = 0; i < b->n_drivers; i++) {
		pthread_join(b->driver[i].thread, NULL);
		(void)sem_destroy(&b->driver[i].interrupt);
	}
	vdev_reset(b->dev, stop_done, &stopped);
	while (!stopped)
		loop_turn(b->home, -1);
	iothreads_stop(&b->io);
	vdev_free(b->dev);
	iothreads_fini(&b->io);
	b->block->ops->free(b->block);
	for (unsigned i = 0; i < b->n_queues; i++) {
		n += b->queue[i].n_done;
		guest_ring_fini(&b->queue[i].ring);
	}
	return n;
}

/* ---- measuring ---- */

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct figures measure(struct bench *b, uint64_t poll_ns, double seconds)
{
	struct timespec pause = {.tv_nsec = (long)(seconds * 1e9)};
	uint64_t from = host_now_ns(), n;
	double cpu = cpu_now(), real;

	start(b, poll_ns);
	(void)nanosleep(&pause, NULL);
	n = stop(b);
	cpu = cpu_now() - cpu;
	real = (double)(host_now_ns() - from) / 1e9;
	return (struct figures){.cpu = cpu * 1e6 / (double)n, .rate = (double)n / real / 1e3};
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static void run_row(struct bench *b, unsigned rounds, double seconds)
{
	double cpu[2][ROUNDS_MAX], rate[2][ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned poll = 0; poll < 2; poll++) {
			struct figures f = measure(b, poll ? POLL_NS : 0, seconds);

			cpu[poll][i] = f.cpu;
			rate[poll][i] = f.rate;
		}
	}
	for (unsigned poll = 0; poll < 2; poll++) {
		cpu[poll][0] = median(cpu[poll], rounds);
		rate[poll][0] = median(rate[poll], rounds);
	}
	printf("%7u %6u %5u | %8.2f %8.2f %6.2f | %8.1f %8.1f %6.2f\n", b->n_threads, b->n_queues,
	       b->depth, cpu[0][0], cpu[1][0], cpu[1][0] / cpu[0][0], rate[0][0], rate[1][0],
	       rate[1][0] / rate[0][0]);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct {
		unsigned threads, queues;
	} rows[] = {{1, 1}, {1, 2}, {2, 2}, {1, 4}, {2, 4}};
	static const unsigned depths[] = {1, 32};
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.3;
	static struct bench b;

	if (rounds < 1 || rounds > (long)ROUNDS_MAX || seconds <= 0 || seconds >= 1)
		die("usage: loops [ROUNDS [SECONDS]], at most 15 of less than 1 s");
	if (loop_new(&b.home) || gmem_new(&b.mem) || gmem_add_ram(b.mem, RAM, RAM_SIZE))
		die("not enough memory");
	printf("threads queues depth |   CPU us / request, poll | 1000 requests / s, poll\n");
	for (unsigned k = 0; k < ARRAY_SIZE(depths); k++) {
		for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
			b.n_threads = rows[i].threads;
			b.n_queues = rows[i].queues;
			b.depth = depths[k];
			run_row(&b, (unsigned)rounds, seconds);
		}
	}
	gmem_free(b.mem);
	loop_free(b.home);
	return 0;
}
