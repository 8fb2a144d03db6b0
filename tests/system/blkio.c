/* SPDX-License-Identifier: MIT */
/*
 * Runs in a guest, on a whole disk.
 *
 *	blkio verify DISK SECONDS THREADS	random writes, zeroes, discards, flushes and reads,
 *						each read checked against what must be there
 *	blkio zero DISK OFFSET LENGTH		BLKZEROOUT
 *
 * Each thread has a part of the disk to itself and one request at a time, past the guest's page
 * cache. A block of 4 KiB holds its number, its thread and its generation all over, or zeroes; what
 * a discard leaves is one of the two, whichever it was before. Exit status 0: all was right.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BLOCK       4096u
#define RUN_MAX     16u /* blocks of one request */
#define BLOCKS_MAX  (1u << 16)
#define THREADS_MAX 16u

enum { ZERO = 0, ANY = 1 /* zeroes or what was written last */, FIRST = 2 };

struct worker {
	pthread_t thread;
	int fd;
	unsigned nr;
	uint64_t base; /* bytes */
	uint32_t n_blocks;
	uint32_t state[BLOCKS_MAX]; /* ZERO, ANY, or what is in it */
	uint32_t last[BLOCKS_MAX];
	uint32_t generation;
	uint64_t rng, n_ops;
	time_t end;
	uint8_t *buf;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t next(struct worker *w, uint32_t below)
{
	w->rng = w->rng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((w->rng >> 33) % below);
}

static void fill(const struct worker *w, uint32_t block, uint32_t state, uint32_t *out)
{
	for (unsigned i = 0; i < BLOCK / 4; i += 4) {
		out[i] = state ? block : 0;
		out[i + 1] = state ? w->nr + 1 : 0;
		out[i + 2] = state;
		out[i + 3] = state ? i : 0;
	}
}

static void check(struct worker *w, uint32_t block, const uint8_t *data)
{
	uint32_t zero[BLOCK / 4], expected[BLOCK / 4];

	fill(w, block, ZERO, zero);
	fill(w, block, w->state[block] == ANY ? w->last[block] : w->state[block], expected);
	if (!memcmp(data, expected, BLOCK))
		return;
	if (w->state[block] == ANY && !memcmp(data, zero, BLOCK))
		return;
	fprintf(stderr, "thread %u, block %u: expected generation %u, found %u\n", w->nr, block,
		expected[2], ((const uint32_t *)(const void *)data)[2]);
	exit(1);
}

static void change_range(struct worker *w, uint32_t at, uint32_t n, unsigned long what)
{
	uint64_t range[2] = {w->base + (uint64_t)at * BLOCK, (uint64_t)n * BLOCK};

	if (ioctl(w->fd, what, range) < 0)
		die(what == BLKDISCARD ? "BLKDISCARD" : "BLKZEROOUT");
	for (uint32_t i = at; i < at + n; i++) {
		if (what == BLKZEROOUT)
			w->state[i] = ZERO;
		else if (w->state[i] != ZERO)
			w->state[i] = ANY;
	}
}

static void write_blocks(struct worker *w, uint32_t at, uint32_t n)
{
	w->generation++;
	for (uint32_t i = 0; i < n; i++) {
		w->state[at + i] = w->last[at + i] = FIRST + w->generation;
		fill(w, at + i, w->state[at + i], (uint32_t *)(void *)(w->buf + i * BLOCK));
	}
	if (pwrite(w->fd, w->buf, n * BLOCK, (off_t)(w->base + (uint64_t)at * BLOCK)) !=
	    (ssize_t)(n * BLOCK))
		die("write");
}

static void read_blocks(struct worker *w, uint32_t at, uint32_t n)
{
	if (pread(w->fd, w->buf, n * BLOCK, (off_t)(w->base + (uint64_t)at * BLOCK)) !=
	    (ssize_t)(n * BLOCK))
		die("read");
	for (uint32_t i = 0; i < n; i++)
		check(w, at + i, w->buf + i * BLOCK);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (time(NULL) < w->end) {
		uint32_t n = 1 + next(w, RUN_MAX), at = next(w, w->n_blocks - n + 1);
		uint32_t what = next(w, 100);

		if (what < 45)
			write_blocks(w, at, n);
		else if (what < 92)
			read_blocks(w, at, n);
		else if (what < 95)
			change_range(w, at, n, BLKZEROOUT);
		else if (what < 98)
			change_range(w, at, n, BLKDISCARD);
		else if (fsync(w->fd) < 0)
			die("fsync");
		w->n_ops++;
	}
	for (uint32_t i = 0; i + RUN_MAX <= w->n_blocks; i += RUN_MAX)
		read_blocks(w, i, RUN_MAX);
	return NULL;
}

static int verify(const char *disk, unsigned seconds, unsigned threads)
{
	static struct worker workers[THREADS_MAX];
	uint64_t size, n_ops = 0;
	int fd = open(disk, O_RDWR | O_DIRECT);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0)
		die(disk);
	for (unsigned i = 0; i < threads; i++) {
		struct worker *w = &workers[i];

		w->fd = fd;
		w->nr = i;
		w->rng = i + 1;
		w->n_blocks = (uint32_t)(size / BLOCK / threads);
		if (w->n_blocks > BLOCKS_MAX)
			w->n_blocks = BLOCKS_MAX;
		w->base = (uint64_t)i * w->n_blocks * BLOCK;
		w->end = time(NULL) + (time_t)seconds;
		w->buf = aligned_alloc(BLOCK, RUN_MAX * BLOCK);
		if (!w->buf || pthread_create(&w->thread, NULL, work, w))
			die("a thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		n_ops += workers[i].n_ops;
	}
	printf("%llu requests\n", (unsigned long long)n_ops);
	return 0;
}

static int zero(const char *disk, uint64_t offset, uint64_t length)
{
	uint64_t range[2] = {offset, length};
	int fd = open(disk, O_RDWR);

	if (fd < 0 || ioctl(fd, BLKZEROOUT, range) < 0)
		die(disk);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	if (!strcmp(argv[1], "zero"))
		return zero(argv[2], strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0));
	return verify(argv[2], (unsigned)strtoul(argv[3], NULL, 0),
		      (unsigned)strtoul(argv[4], NULL, 0));
}
