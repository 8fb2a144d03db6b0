/* SPDX-License-Identifier: MIT */
/*
 * bench/blk: what a request costs the host on the device's side, by threads and by io_uring, in
 * turn in one run.
 *
 *	blk [DIRECTORY [ROUNDS [SECONDS]]]
 *
 * The disk as a machine has it (ring, device, back end, image), driven by a driver in this
 * process and thread. The image lies in DIRECTORY ($TMPDIR or /var/tmp) and, but for the rows
 * "direct", in the page cache. A request is 4 KiB at a random place. Figures are CPU microseconds
 * of the process (user and system, all threads, those of the kernel that io_uring makes included)
 * for one request, medians over ROUNDS (5) of SECONDS (0.3) each. Row "null" is a disk without an
 * image behind it: what ring, device, loop and driver take of all the others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/block_file.h"
#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/loop.h"
#include "dev/blk.h"
#include "dev/blk_spec.h"
#include "lib/guest_ring.h"
#include "null_block.h"
#include "virtio/vdev.h"

#define RAM        0x80000000ull
#define RAM_SIZE   (8ull << 20)
#define REQUESTS   (RAM + (1ull << 20)) /* data; headers lie before it */
#define IMAGE_SIZE (64ull << 20)
#define BYTES      4096u
#define DEPTH_MAX  32u
#define MAX_ROUNDS 15u

struct bench {
	struct loop *loop;
	struct gmem *mem;
	uint8_t *ram; /* its bytes */
	struct vdev *dev;
	struct guest_ring ring;
	uint32_t type;
	uint64_t rng, n_done, n_failed;
	bool stop;
	unsigned in_flight;
	uint16_t slot_of[128]; /* by head */
};

struct row {
	const char *name;
	uint32_t type;
	unsigned depth;
	enum block_file_cache cache;
	bool null;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench/blk: %s: %s\n", what, why);
	exit(1);
}

/* ---- the driver ---- */

static void put_request(struct bench *b, unsigned slot)
{
	uint64_t header = RAM + 0x40000 + slot * 64ull;
	struct guest_part part[3] = {
		{header, BLK_HEADER_SIZE, false},
		{REQUESTS + (uint64_t)slot * BYTES, BYTES, b->type == BLK_T_IN},
		{header + 32, 1, true},
	};
	uint8_t *p = b->ram + (header - RAM);
	int head;

	b->rng = b->rng * 6364136223846793005u + 1442695040888963407u;
	le32_store(p, b->type);
	le64_store(p + 8, (b->rng >> 33) % (IMAGE_SIZE / BYTES) * (BYTES / BLOCK_SECTOR));
	p[32] = 0xff;
	head = guest_ring_add(&b->ring, part, 3, 0, 0);
	b->slot_of[head] = (uint16_t)slot;
	b->in_flight++;
}

static void publish(struct bench *b)
{
	if (guest_ring_publish(&b->ring))
		vdev_kick(b->dev, 0);
}

/* The driver's interrupt handler: for each request that is done, the next. */
static void interrupt(void *port, unsigned queue)
{
	struct bench *b = port;
	uint32_t id, len;

	do {
		while (guest_ring_reap(&b->ring, &id, &len)) {
			unsigned slot = b->slot_of[id];

			b->n_failed += b->ram[0x40020 + slot * 64u] != 0;
			b->n_done++;
			b->in_flight--;
			if (!b->stop)
				put_request(b, slot);
		}
		publish(b);
	} while (guest_ring_arm(&b->ring));
}

static void nothing(void *port)
{
}

static const struct vdev_port_ops port_ops = {
	.interrupt = interrupt, .config_changed = nothing, .broken = nothing};

/* ---- measuring ---- */

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void start(struct bench *b, struct block *block, const struct row *row)
{
	struct blk_config config = {.block = block, .loop = b->loop};
	struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};

	if (blk_new(&config, &b->dev))
		die(row->name, "no device");
	vdev_attach(b->dev, &port_ops, b, b->loop, b->mem);
	guest_ring_init(&b->ring, b->mem, RAM, 128, 0, true);
	setup.ring = (struct virtq_setup){
		.size = 128, .desc = b->ring.desc, .driver = b->ring.avail, .device = b->ring.used};
	if (vdev_set_features(b->dev, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | BLK_F_FLUSH) ||
	    vdev_queue_start(b->dev, 0, &setup))
		die(row->name, "the queue cannot be started");
}

static void stop_done(void *arg)
{
	*(bool *)arg = true;
}

static void stop(struct bench *b)
{
	bool stopped = false;

	b->stop = true;
	while (b->in_flight)
		loop_turn(b->loop, -1);
	vdev_reset(b->dev, stop_done, &stopped);
	while (!stopped)
		loop_turn(b->loop, -1);
	vdev_free(b->dev);
	guest_ring_fini(&b->ring);
}

/* Microseconds of CPU for one request. */
static double measure(struct bench *b, struct block *block, const struct row *row, double seconds)
{
	uint64_t from, deadline;
	double cpu;

	b->type = row->type;
	b->stop = false;
	start(b, block, row);
	for (unsigned i = 0; i < row->depth; i++)
		put_request(b, i);
	(void)guest_ring_arm(&b->ring);
	publish(b);
	from = b->n_done;
	deadline = loop_now(b->loop) + (uint64_t)(seconds * 1e9);
	cpu = cpu_now();
	while (loop_now(b->loop) < deadline)
		for (unsigned i = 0; i < 64; i++)
			loop_turn(b->loop, -1);
	cpu = cpu_now() - cpu;
	cpu = cpu * 1e6 / (double)(b->n_done - from);
	stop(b);
	if (b->n_failed)
		die(row->name, "requests failed");
	return cpu;
}

static struct block *make_null(void)
{
	struct block *block = null_block_new(IMAGE_SIZE);

	if (!block)
		die("null", "not enough memory");
	return block;
}

static struct block *open_image(const char *path, const struct row *row, enum block_file_io io)
{
	struct block_file_config config = {.path = path, .io = io, .cache = row->cache};
	struct block *block;
	struct err e;

	if (row->null)
		return make_null();
	if (block_file_open(&config, &block, &e)) {
		fprintf(stderr, "bench/blk: %s\n", e.text);
		return NULL;
	}
	return block;
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

static void run_row(struct bench *b, const char *path, const struct row *row, unsigned rounds,
		    double seconds)
{
	static const enum block_file_io io[2] = {BLOCK_FILE_THREADS, BLOCK_FILE_URING};
	double v[2][MAX_ROUNDS];

	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct block *block = open_image(path, row, io[k]);

			if (!block)
				return;
			v[k][i] = measure(b, block, row, seconds);
			block->ops->free(block);
		}
	}
	v[0][0] = median(v[0], rounds);
	v[1][0] = median(v[1], rounds);
	printf("%-14s %5u %9.2f %9.2f %7.2f\n", row->name, row->depth, v[0][0], v[1][0],
	       v[1][0] / v[0][0]);
	(void)fflush(stdout);
}

static void make_image(const char *path)
{
	static uint8_t buf[1 << 20];
	FILE *f = fopen(path, "w");

	if (!f)
		die(path, "cannot be written");
	memset(buf, 0x5a, sizeof(buf));
	for (uint64_t at = 0; at < IMAGE_SIZE; at += sizeof(buf))
		if (fwrite(buf, sizeof(buf), 1, f) != 1)
			die(path, "cannot be written");
	if (fflush(f) || fsync(fileno(f)) || fclose(f))
		die(path, "cannot be written");
}

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{"null", BLK_T_IN, 1, BLOCK_FILE_UNSAFE, true},
		{"null", BLK_T_IN, 32, BLOCK_FILE_UNSAFE, true},
		{"cached read", BLK_T_IN, 1, BLOCK_FILE_WRITEBACK, false},
		{"cached read", BLK_T_IN, 32, BLOCK_FILE_WRITEBACK, false},
		{"cached write", BLK_T_OUT, 1, BLOCK_FILE_UNSAFE, false},
		{"cached write", BLK_T_OUT, 32, BLOCK_FILE_UNSAFE, false},
		{"direct read", BLK_T_IN, 1, BLOCK_FILE_DIRECT, false},
		{"direct read", BLK_T_IN, 32, BLOCK_FILE_DIRECT, false},
		{"direct write", BLK_T_OUT, 1, BLOCK_FILE_DIRECT, false},
		{"direct write", BLK_T_OUT, 32, BLOCK_FILE_DIRECT, false},
	};
	const char *tmp = getenv("TMPDIR");
	const char *dir = argc > 1 ? argv[1] : tmp && *tmp ? tmp : "/var/tmp";
	long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 5;
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 0.3;
	struct bench b = {.rng = 1};
	char path[4096];

	if (rounds < 1 || rounds > (long)MAX_ROUNDS || seconds <= 0)
		die("usage", "blk [DIRECTORY [ROUNDS [SECONDS]]]");
	(void)snprintf(path, sizeof(path), "%s/linnet-bench-blk-%d", dir, (int)getpid());
	make_image(path);
	if (loop_new(&b.loop) || gmem_new(&b.mem) || gmem_add_ram(b.mem, RAM, RAM_SIZE))
		die("start", "not enough memory");
	b.ram = gmem_map(b.mem, RAM, RAM_SIZE);
	printf("%-14s %5s %9s %9s %7s\n", "CPU us/request", "depth", "threads", "uring", "ratio");
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(&b, path, &rows[i], (unsigned)rounds, seconds);
	gmem_free(b.mem);
	loop_free(b.loop);
	return unlink(path) < 0;
}
