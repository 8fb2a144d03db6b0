/* SPDX-License-Identifier: MIT */
/* The ways a request can take to the storage: io_uring, threads, O_DIRECT; and what goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/block_uring.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "disk.h"

#define KIB 1024u

static const struct block_file_config ways[] = {
	{.io = BLOCK_FILE_THREADS},
	{.io = BLOCK_FILE_AUTO},
	{.sync = true},
	{.io = BLOCK_FILE_THREADS, .cache = BLOCK_FILE_DIRECT},
	{.io = BLOCK_FILE_AUTO, .cache = BLOCK_FILE_DIRECT},
};

static bool possible(const struct block_file_config *way)
{
	return way->cache != BLOCK_FILE_DIRECT || disk_has_direct();
}

/* Memory at any address, in any parts, by each way. */
static void test_misaligned(void **state)
{
	static uint8_t buf[64 * KIB + 4096] __attribute__((aligned(4096)));
	static uint8_t back[sizeof(buf)];

	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		struct disk d;

		disk_make_image(64 * KIB);
		if (!possible(&ways[k]))
			continue;
		disk_open(&d, ways[k]);
		for (unsigned skew = 0; skew <= 1024; skew = skew * 2 + 1) {
			struct iovec w[3] = {
				{buf + skew, 700}, {buf + skew + 700, 0}, {buf + skew + 700, 7492}};
			struct iovec r[2] = {{back + 1, 8191}, {back + 8192, 1}};

			for (size_t i = 0; i < sizeof(buf); i++)
				buf[i] = (uint8_t)(i * 31 + skew + k);
			assert_int_equal(disk_io(&d, BLOCK_WRITE, 512, w, 3), 0);
			assert_int_equal(disk_io(&d, BLOCK_READ, 512, r, 2), 0);
			assert_memory_equal(back + 1, buf + skew, 8192);
			assert_int_equal(disk_read(&d, 0, back, 512), 0);
			assert_int_equal(back[1], 1);
		}
		disk_close(&d);
	}
}

/* More than a bounce buffer holds. */
static void test_misaligned_and_large(void **state)
{
	const size_t len = (2u << 20) + 1536;
	uint8_t *buf = malloc(len + 1), *back = malloc(len + 1);
	struct disk d;

	assert_non_null(buf);
	assert_non_null(back);
	disk_make_image(len + 512);
	if (disk_has_direct()) {
		disk_open(&d, (struct block_file_config){.cache = BLOCK_FILE_DIRECT});
		for (size_t i = 0; i < len; i++)
			buf[i + 1] = (uint8_t)(i * 13 >> 3);
		assert_int_equal(disk_write(&d, 512, buf + 1, len), 0);
		assert_int_equal(disk_read(&d, 512, back + 1, len), 0);
		assert_memory_equal(buf + 1, back + 1, len);
		disk_close(&d);
	}
	free(buf);
	free(back);
}

#define LENT (256 * KIB)

/* Data in memory that was lent, beside it, and over its ends. */
static void move_about(struct disk *d, uint8_t *lent)
{
	uint8_t *back = lent + LENT - 4096; /* half of it is lent */

	for (unsigned i = 0; i < LENT; i++)
		lent[i] = (uint8_t)(i * 7 + i / 512);
	assert_int_equal(disk_write(d, 0, lent + 4096, 8192), 0);
	assert_int_equal(disk_read(d, 0, back, 8192), 0);
	assert_memory_equal(back, lent + 4096, 8192);
	assert_int_equal(disk_write(d, 16384, back, 8192), 0);
	assert_int_equal(disk_read(d, 16384, lent + 65536, 8192), 0);
	assert_memory_equal(lent + 65536, lent + 4096, 8192);
	for (unsigned parts = 1; parts <= 2; parts++) {
		struct iovec iov[] = {{lent + 65536, 4096}, {lent, 4096}};

		assert_int_equal(disk_io(d, BLOCK_WRITE, 32768, iov, parts), 0);
		assert_int_equal(disk_read(d, 32768, lent + 131072, parts * 4096), 0);
		assert_memory_equal(lent + 131072, iov[0].iov_base, 4096);
	}
	assert_memory_equal(lent + 131072 + 4096, lent, 4096);
	assert_int_equal(disk_read(d, 1 << 20, lent, 512), -EINVAL);
	assert_int_equal(disk_io(d, BLOCK_FLUSH, 0, NULL, 0), 0);
}

static void test_lent_memory(void **state)
{
	uint8_t *lent = mmap(NULL, LENT + 8192, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	const struct iovec region[] = {{lent, LENT / 2}, {lent + LENT / 2, LENT / 2}};

	assert_ptr_not_equal(lent, MAP_FAILED);
	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		struct disk d;

		disk_make_image(128 * KIB);
		if (!possible(&ways[k]))
			continue;
		disk_open(&d, ways[k]);
		d.q->ops->close(d.q);
		block_use_memory(d.block, region, ARRAY_SIZE(region));
		assert_int_equal(d.block->ops->open_queue(d.block, d.loop, &d.q), 0);
		move_about(&d, lent);
		disk_close(&d);
	}
	munmap(lent, LENT + 8192);
}

static void no_done(void *arg, struct block_request *r, int result)
{
	fail();
}

/* A ring takes all of it, in pieces that the kernel can take; or, of what is not there, nothing. */
static void test_registered(void **state)
{
	const size_t len = (1ull << 30) + 4096;
	uint8_t *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct iovec region = {m, 4096};
	struct block_uring_config cfg = {
		.fd = STDERR_FILENO, .memory = &region, .n_memory = 1, .done = no_done};
	struct block_uring *u;

	assert_ptr_not_equal(m, MAP_FAILED);
	if (block_uring_probe()) {
		munmap(m, len);
		return;
	}
	assert_int_equal(loop_new(&cfg.loop), 0);
	assert_int_equal(block_uring_new(&cfg, &u), 0);
	assert_int_equal(block_uring_registered(u), 4096);
	block_uring_free(u);
	assert_int_equal(munmap(m, len), 0);
	assert_int_equal(block_uring_new(&cfg, &u), 0); /* nobody lives there */
	assert_int_equal(block_uring_registered(u), 0);
	block_uring_free(u);
	loop_free(cfg.loop);
}

static void count_down(struct block_request *r, int result)
{
	assert_int_equal(result, 0);
	--*(unsigned *)r->arg;
}

/* More at once than a ring holds; all of one kind, then mixed with ranges and flushes. */
static void test_more_than_the_ring(void **state)
{
	enum { N = 3 * BLOCK_URING_DEPTH };
	static struct block_request r[N];
	static struct iovec iov[N];
	static uint8_t buf[N][512] __attribute__((aligned(512)));

	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		unsigned left = 2 * N;
		struct disk d;

		disk_make_image(N * 512);
		if (!possible(&ways[k]))
			continue;
		disk_open(&d, ways[k]);
		for (unsigned round = 0; round < 2; round++) {
			for (unsigned i = 0; i < N; i++) {
				memset(buf[i], (int)(i + k), 512);
				iov[i] = (struct iovec){buf[i], 512};
				r[i] = (struct block_request){.op = BLOCK_WRITE,
							      .offset = i * 512ull,
							      .length = 512,
							      .iov = &iov[i],
							      .n_iov = 1,
							      .done = count_down,
							      .arg = &left};
				if (round && i % 3)
					r[i].op = i % 3 == 1 ? BLOCK_ZERO : BLOCK_FLUSH;
				assert_int_equal(d.q->ops->submit(d.q, &r[i]), 0);
			}
			while (left > N * (1 - round))
				assert_true(loop_turn(d.loop, -1) >= 0);
		}
		assert_int_equal(disk_read(&d, 0, buf, sizeof(buf)), 0);
		for (unsigned i = 0; i < N; i++) {
			assert_int_equal(buf[i][0], i % 3 == 1 ? 0 : (uint8_t)(i + k));
			assert_int_equal(buf[i][511], buf[i][0]);
		}
		disk_close(&d);
	}
}

/* The end of the last request is where a device may close its queue. */
static void close_queue(struct block_request *r, int result)
{
	struct disk *d = r->arg;

	assert_int_equal(result, 0);
	d->q->ops->close(d->q);
	d->q = NULL;
}

static void test_close_from_done(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		static const enum block_op ops[] = {BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH,
						    BLOCK_ZERO};
		static uint8_t buf[512] __attribute__((aligned(512)));
		struct iovec iov = {buf, 512};
		struct disk d;

		disk_make_image(4096);
		if (!possible(&ways[k]))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
			struct block_request r = {.op = ops[i],
						  .length = 512,
						  .iov = &iov,
						  .n_iov = 1,
						  .done = close_queue,
						  .arg = &d};

			disk_open(&d, ways[k]);
			assert_int_equal(d.q->ops->submit(d.q, &r), 0);
			while (d.q)
				assert_true(loop_turn(d.loop, -1) >= 0);
			d.block->ops->free(d.block);
			loop_free(d.loop);
		}
	}
}

/* ---- ranges ---- */

static uint64_t blocks_of_image(void)
{
	struct stat st;

	assert_int_equal(stat(disk_image, &st), 0);
	return (uint64_t)st.st_blocks;
}

static void assert_zero_within(struct disk *d, uint64_t from, uint64_t to, uint64_t size)
{
	uint8_t *buf = malloc(size);

	assert_non_null(buf);
	assert_int_equal(disk_read(d, 0, buf, size), 0);
	for (uint64_t i = 0; i < size; i++)
		assert_int_equal(buf[i], i >= from && i < to ? 0 : (uint8_t)(i / 512 + i % 512));
	free(buf);
}

static void test_ranges(void **state)
{
	const uint64_t size = 1024 * KIB;

	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		struct disk d;
		uint64_t before;

		for (unsigned op = 0; op < 3; op++) {
			disk_make_image(size);
			if (!possible(&ways[k]))
				continue;
			disk_open(&d, ways[k]);
			assert_int_equal(disk_io(&d, BLOCK_FLUSH, 0, NULL, 0), 0);
			before = blocks_of_image();
			assert_int_equal(disk_range(&d, op ? BLOCK_ZERO : BLOCK_DISCARD, op == 1,
						    512, 900 * KIB),
					 0);
			assert_zero_within(&d, 512, 512 + 900 * KIB, size);
			if (op < 2)
				assert_true(blocks_of_image() + 1500 < before);
			else
				assert_true(blocks_of_image() >= before);
			assert_int_equal(disk_range(&d, BLOCK_ZERO, false, 0, 0), 0);
			disk_close(&d);
			assert_int_equal(truncate(disk_image, (off_t)size), 0);
		}
	}
}

static void test_refused_ranges(void **state)
{
	static const struct block_file_config kinds[] = {
		{.sync = false}, {.sync = true}, {.snapshot = true}};
	struct disk d;

	disk_make_image(4096);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		disk_open(&d, kinds[k]);
		assert_int_equal(disk_range(&d, BLOCK_ZERO, false, 1, 512), -EINVAL);
		assert_int_equal(disk_range(&d, BLOCK_ZERO, false, 0, 511), -EINVAL);
		assert_int_equal(disk_range(&d, BLOCK_DISCARD, false, 4096 - 512, 1024), -EINVAL);
		assert_int_equal(disk_range(&d, BLOCK_DISCARD, false, 512, UINT64_MAX - 511),
				 -EINVAL);
		disk_close(&d);
	}
	disk_open(&d, (struct block_file_config){.read_only = true});
	assert_int_equal(disk_range(&d, BLOCK_ZERO, false, 0, 512), -EROFS);
	assert_int_equal(disk_range(&d, BLOCK_DISCARD, false, 0, 512), -EROFS);
	disk_close(&d);
}

/* A snapshot's zeroes are its own; a discard gives back what it holds and no more. */
static void test_ranges_of_a_snapshot(void **state)
{
	uint8_t buf[4096];
	struct disk d;

	disk_make_image(64 * KIB);
	disk_open(&d, (struct block_file_config){.snapshot = true});
	assert_int_equal(disk_range(&d, BLOCK_ZERO, true, 1024, 8192), 0);
	assert_zero_within(&d, 1024, 1024 + 8192, 64 * KIB);
	assert_int_equal(disk_range(&d, BLOCK_DISCARD, false, 0, 64 * KIB), 0);
	assert_zero_within(&d, 1024, 1024 + 8192, 64 * KIB);
	memset(buf, 0x55, sizeof(buf));
	assert_int_equal(disk_write(&d, 32 * KIB, buf, sizeof(buf)), 0);
	assert_int_equal(disk_range(&d, BLOCK_DISCARD, false, 32 * KIB, 4096), 0);
	assert_int_equal(disk_read(&d, 32 * KIB, buf, sizeof(buf)), 0);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	disk_close(&d);
	disk_open(&d, (struct block_file_config){.read_only = true});
	assert_zero_within(&d, 0, 0, 64 * KIB);
	disk_close(&d);
}

/* ---- faults ---- */

static void test_end_of_file(void **state)
{
	uint8_t buf[4096] __attribute__((aligned(512)));

	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		struct disk d;

		disk_make_image(64 * KIB);
		if (!possible(&ways[k]))
			continue;
		disk_open(&d, ways[k]);
		assert_int_equal(truncate(disk_image, 8192 + 100), 0);
		assert_int_equal(disk_read(&d, 4096, buf, 4096), 0);
		assert_int_equal(buf[0], 8);
		assert_int_equal(disk_read(&d, 8192, buf, 512), -ENODATA);
		assert_int_equal(disk_read(&d, 4608, buf, 4096), -ENODATA);
		assert_int_equal(disk_read(&d, 60 * KIB, buf, 512), -ENODATA);
		disk_close(&d);
	}
}

static void test_file_too_large(void **state)
{
	uint8_t buf[4096] __attribute__((aligned(512))) = {0};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct rlimit limit, small;

	assert_int_equal(sigaction(SIGXFSZ, &ignore, &old), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){.rlim_cur = 16 * KIB, .rlim_max = limit.rlim_max};
	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		struct disk d;

		disk_make_image(64 * KIB);
		if (!possible(&ways[k]))
			continue;
		disk_open(&d, ways[k]);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		assert_int_equal(disk_write(&d, 32 * KIB, buf, 4096), -EFBIG);
		/* What the kernel takes in part is not success. */
		assert_int_equal(disk_write(&d, 14 * KIB, buf, 4096), -EFBIG);
		assert_int_equal(disk_write(&d, 8 * KIB, buf, 4096), 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(disk_write(&d, 32 * KIB, buf, 4096), 0);
		disk_close(&d);
	}
	assert_int_equal(sigaction(SIGXFSZ, &old, NULL), 0);
}

/* ---- a host without io_uring ---- */

/* From here on this process may not set up a ring. */
static int forbid_uring(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What a child found: 0 when all was right. */
static int without_uring(void)
{
	struct block_file_config config = {.path = disk_image, .io = BLOCK_FILE_URING};
	uint8_t buf[1024] = {7};
	struct block *block;
	struct err e = {0};
	struct disk d;

	if (forbid_uring())
		return 1;
	if (block_uring_probe() != -EPERM)
		return 2;
	if (block_file_open(&config, &block, &e) != -EPERM)
		return 3;
	if (!strstr(e.text, "io=uring") || !strstr(e.text, "use io=auto"))
		return 4;
	disk_open(&d, (struct block_file_config){.verbose = true});
	if (disk_write(&d, 512, buf, 1024) || disk_io(&d, BLOCK_FLUSH, 0, NULL, 0) ||
	    disk_read(&d, 512, buf, 1024) || buf[0] != 7)
		return 5;
	disk_close(&d);
	return 0;
}

static void test_without_uring(void **state)
{
	int status;
	pid_t pid;

	disk_make_image(4096);
	pid = fork();
	if (!pid)
		_exit(without_uring());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The ring is there but none can be made for the queue: no more descriptors. */
static void test_no_ring_for_the_queue(void **state)
{
	struct block_queue *q;
	struct rlimit limit, small;
	uint8_t buf[512];
	struct disk d;

	disk_make_image(4096);
	disk_open(&d, (struct block_file_config){0});
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	small = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	assert_int_equal(d.block->ops->open_queue(d.block, d.loop, &q), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	d.q->ops->close(d.q);
	d.q = q;
	assert_int_equal(disk_read(&d, 0, buf, 512), 0);
	assert_int_equal(disk_write(&d, 0, buf, 512), 0);
	disk_close(&d);
}

static void test_no_direct(void **state)
{
	struct block_file_config config = {
		.path = "/sys/kernel/notes", .read_only = true, .cache = BLOCK_FILE_DIRECT};
	struct block *block;
	struct err e = {0};

	if (open(config.path, O_RDONLY | O_DIRECT | O_CLOEXEC) >= 0 || errno != EINVAL)
		skip();
	assert_int_equal(block_file_open(&config, &block, &e), -EINVAL);
	assert_non_null(strstr(e.text, "use cache=writeback"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misaligned),
		cmocka_unit_test(test_misaligned_and_large),
		cmocka_unit_test(test_more_than_the_ring),
		cmocka_unit_test(test_lent_memory),
		cmocka_unit_test(test_registered),
		cmocka_unit_test(test_close_from_done),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_refused_ranges),
		cmocka_unit_test(test_ranges_of_a_snapshot),
		cmocka_unit_test(test_end_of_file),
		cmocka_unit_test(test_file_too_large),
		cmocka_unit_test(test_without_uring),
		cmocka_unit_test(test_no_ring_for_the_queue),
		cmocka_unit_test(test_no_direct),
	};

	return cmocka_run_group_tests(tests, disk_group_setup, disk_group_teardown);
}
