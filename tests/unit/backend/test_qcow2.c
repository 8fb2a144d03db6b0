/* SPDX-License-Identifier: MIT */
/* qcow2 images made by hand: each kind of cluster, and each way to be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "backend/qcow2.h"
#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "disk.h"

/* The image: 1 KiB clusters: header, L1, an L2 table, then data. */
#define BITS     10u
#define CLUSTER  1024u
#define L1_AT    1024u
#define L2_AT    2048u
#define DATA_AT  3072u
#define SIZE     (20 * CLUSTER + 512)
#define FILE_LEN 8192u
#define BACKING  "backing.img"

static uint8_t image[FILE_LEN];

static void put32(size_t at, uint32_t v)
{
	le32_store(image + at, __builtin_bswap32(v));
}

static void put64(size_t at, uint64_t v)
{
	le64_store(image + at, __builtin_bswap64(v));
}

static void put_entry(unsigned cluster, uint64_t v)
{
	put64(L2_AT + cluster * 8ul, v);
}

/* An empty image of version 3, with a place for the name of a backing file. */
static void make_empty(void)
{
	memset(image, 0, sizeof(image));
	put32(0, 0x514649fb);
	put32(4, 3);
	put32(20, BITS);
	put64(24, SIZE);
	put32(36, 1);
	put64(40, L1_AT);
	put32(96, 4);
	put32(100, 104);
	put64(L1_AT, L2_AT | BIT(63));
}

/* The format counts the bytes; there is no final zero. */
static void put_text(size_t at, const char *text)
{
	for (size_t i = 0; text[i]; i++)
		image[at + i] = (uint8_t)text[i];
}

static void add_backing(const char *name, const char *format)
{
	put32(104, 0xe2792aca);
	put32(108, (uint32_t)strlen(format));
	put_text(112, format);
	put64(8, 512);
	put32(16, (uint32_t)strlen(name));
	put_text(512, name);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, len), 0);
	close(fd);
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", disk_dir, name);
	return path;
}

static int try_open(size_t len, struct block **out, struct err *e)
{
	struct block_file_config config = {
		.path = disk_image, .read_only = true, .format = BLOCK_FILE_QCOW2};

	write_file(disk_image, image, len);
	*e = (struct err){0};
	return block_file_open(&config, out, e);
}

static void refused(size_t len, int ret, const char *why)
{
	struct block *block;
	struct err e;

	assert_int_equal(try_open(len, &block, &e), ret);
	if (!strstr(e.text, why) || !strstr(e.text, disk_image))
		fail_msg("not about \"%s\": %s", why, e.text);
}

/* ---- what is read ---- */

/* Cluster 4 is compressed and lies at an odd place. */
static void add_compressed(int byte)
{
	uint8_t plain[CLUSTER];
	z_stream z = {
		.next_in = plain, .avail_in = CLUSTER, .next_out = image + 5555, .avail_out = 600};

	memset(plain, byte, sizeof(plain));
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -12, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&z), Z_OK);
	/* Two bits of sectors more than the first: 62 - (10 - 8) = 60. */
	put_entry(4, BIT(62) | (uint64_t)(5555 / 512 != (5555 + z.total_out) / 512) << 60 | 5555);
}

static void make_all_kinds(bool backing)
{
	make_empty();
	put_entry(1, DATA_AT | BIT(63));
	put_entry(2, (DATA_AT + CLUSTER) | BIT(63));
	put_entry(3, 1); /* zero */
	put_entry(6, DATA_AT);
	put_entry(7, DATA_AT | 1); /* has a place, and is zero */
	put_entry(20, DATA_AT + CLUSTER);
	for (unsigned i = 0; i < 2 * CLUSTER; i++)
		image[DATA_AT + i] = (uint8_t)(i / CLUSTER * 100 + i % 64 + 1);
	add_compressed(0x99);
	if (backing)
		add_backing(BACKING, "raw");
}

static uint8_t expected_at(unsigned n, size_t backing_len)
{
	unsigned cluster = n / CLUSTER, in = n % CLUSTER;

	switch (cluster) {
	case 1:
	case 6: return (uint8_t)(in % 64 + 1);
	case 2:
	case 20: return (uint8_t)(100 + in % 64 + 1);
	case 3:
	case 7: return 0;
	case 4: return 0x99;
	default: return n < backing_len ? (uint8_t)(n * 7 + 3) : 0;
	}
}

static void check_reads(size_t backing_len, bool sync)
{
	struct block_file_config config = {
		.read_only = true, .format = BLOCK_FILE_QCOW2, .sync = sync};
	static uint8_t buf[SIZE];
	struct disk d;

	write_file(disk_image, image, FILE_LEN);
	disk_open(&d, config);
	assert_int_equal(d.block->size, SIZE);
	assert_true(d.block->read_only);
	for (unsigned at = 0; at < SIZE; at += 512) {
		for (unsigned len = 512; at + len <= SIZE; len = len * 2 + 512) {
			struct iovec iov[3] = {{buf, 100}, {buf + 100, 0}, {buf + 100, len - 100}};

			memset(buf, 0xee, len);
			assert_int_equal(disk_io(&d, BLOCK_READ, at, iov, 3), 0);
			for (unsigned i = 0; i < len; i++)
				assert_int_equal(buf[i], expected_at(at + i, backing_len));
		}
	}
	assert_int_equal(disk_write(&d, 0, buf, 512), -EROFS);
	assert_int_equal(disk_read(&d, SIZE, buf, 512), -EINVAL);
	assert_int_equal(disk_io(&d, BLOCK_FLUSH, 0, NULL, 0), 0);
	disk_close(&d);
}

static void test_all_kinds(void **state)
{
	make_all_kinds(false);
	check_reads(0, false);
	check_reads(0, true);
}

/* Backing files of all lengths: the rest is zero. */
static void test_backing(void **state)
{
	static const size_t lengths[] = {0, 100, 5 * CLUSTER + 700, 10 * CLUSTER, SIZE, 2 * SIZE};
	static uint8_t bytes[2 * SIZE];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 3);
	make_all_kinds(true);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		write_file(path_of(BACKING), bytes, lengths[i]);
		check_reads(lengths[i], false);
	}
	unlink(path_of(BACKING));
}

/* Three images, one on the other, the middle one shorter than the others. */
static void test_chain(void **state)
{
	uint8_t buf[512];
	struct disk d;

	make_all_kinds(false);
	write_file(path_of("low"), image, FILE_LEN);
	make_empty();
	put64(24, 2 * CLUSTER);
	add_backing("low", "qcow2");
	write_file(path_of("middle"), image, FILE_LEN);
	make_empty();
	add_backing(path_of("middle"), "qcow2");
	write_file(disk_image, image, FILE_LEN);
	disk_open(&d, (struct block_file_config){.snapshot = true, .format = BLOCK_FILE_QCOW2});
	assert_int_equal(disk_read(&d, CLUSTER, buf, 512), 0);
	assert_int_equal(buf[5], 6);
	assert_int_equal(disk_read(&d, 2 * CLUSTER, buf, 512), 0);
	assert_int_equal(buf[5], 0);
	memset(buf, 0x42, sizeof(buf));
	assert_int_equal(disk_write(&d, CLUSTER, buf, 512), 0);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(disk_read(&d, CLUSTER, buf, 512), 0);
	assert_int_equal(buf[5], 0x42);
	disk_close(&d);
	unlink(path_of("low"));
	unlink(path_of("middle"));
}

static void test_damaged_data(void **state)
{
	uint8_t buf[2048];
	struct disk d;

	make_all_kinds(false);
	memset(image + 5555, 0xff, 100);
	put_entry(1, FILE_LEN * 4);
	put_entry(2, BIT(62) | FILE_LEN * 4);
	write_file(disk_image, image, FILE_LEN);
	disk_open(&d, (struct block_file_config){.read_only = true, .format = BLOCK_FILE_QCOW2});
	assert_int_equal(disk_read(&d, CLUSTER, buf, 512), -ENODATA);
	assert_int_equal(disk_read(&d, 2 * CLUSTER, buf, 512), -EIO);
	assert_int_equal(disk_read(&d, 4 * CLUSTER, buf, 512), -EIO);
	assert_int_equal(disk_read(&d, 3 * CLUSTER, buf, 2048), -EIO);
	assert_int_equal(disk_read(&d, 6 * CLUSTER, buf, 2048), 0);
	disk_close(&d);
}

/* ---- what is refused ---- */

static void test_refused_headers(void **state)
{
	static const struct {
		size_t at;
		uint32_t v;
		int ret;
		const char *why;
	} bad[] = {
		{0, 0x514649fa, -EINVAL, "no header"},
		{4, 1, -ENOTSUP, "version"},
		{4, 4, -ENOTSUP, "version"},
		{16, 1024, -EINVAL, "name of the backing"},
		{20, 8, -EINVAL, "clusters"},
		{20, 22, -EINVAL, "clusters"},
		{20, UINT32_MAX, -EINVAL, "clusters"},
		{24, UINT32_MAX, -EINVAL, "size of the disk"},
		{28, 511, -EINVAL, "size of the disk"},
		{24, 1 << 20, -EINVAL, "L1"},
		{32, 1, -ENOTSUP, "encryption"},
		{36, 0, -EINVAL, "L1"},
		{44, 1025, -EINVAL, "L1"},
		{40, 1, -EINVAL, "table"},
		{40, UINT32_MAX, -EINVAL, "table"},
		{76, 2, -ENOTSUP, "corrupt"},
		{76, 4, -ENOTSUP, "feature"},
		{76, 16, -ENOTSUP, "feature"},
		{72, 1, -ENOTSUP, "feature"},
		{100, 96, -EINVAL, "header's length"},
		{100, 108, -EINVAL, "header's length"},
		{100, UINT32_MAX, -EINVAL, "header's length"},
		{L1_AT + 4, L2_AT + 512, -EINVAL, "L1"},
		{L1_AT + 4, FILE_LEN, -EINVAL, "table"},
		{L2_AT + 4, 512, -EINVAL, "L2"},
	};
	struct block *block;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		make_empty();
		put32(bad[i].at, bad[i].v);
		refused(FILE_LEN, bad[i].ret, bad[i].why);
	}
	make_empty();
	for (size_t len = 512; len < DATA_AT; len += 512)
		refused(len, -EINVAL, "table");
	/* A kind of compression, which needs both the feature and the byte. */
	put32(100, 112);
	put32(76, 8);
	image[104] = 1;
	refused(FILE_LEN, -ENOTSUP, "zlib");
	image[104] = 0;
	assert_int_equal(try_open(FILE_LEN, &block, &e), 0);
	block->ops->free(block);
	/* Dirty is no harm to a reader. */
	put32(76, 1);
	assert_int_equal(try_open(FILE_LEN, &block, &e), 0);
	block->ops->free(block);
}

static void test_refused_backing(void **state)
{
	make_empty();
	add_backing("not-there", "raw");
	refused(FILE_LEN, -ENOENT, "not-there");
	make_empty();
	add_backing(BACKING, "");
	refused(FILE_LEN, -ENOTSUP, "-F raw|qcow2");
	make_empty();
	add_backing(BACKING, "vmdk");
	refused(FILE_LEN, -ENOTSUP, "-F raw|qcow2");
	make_empty();
	add_backing("json:{}", "raw");
	refused(FILE_LEN, -ENOTSUP, "plain file");
	make_empty();
	add_backing("nbd://host/", "raw");
	refused(FILE_LEN, -ENOTSUP, "plain file");
	make_empty();
	add_backing(disk_dir, "raw");
	refused(FILE_LEN, -EINVAL, "neither a file");
	/* Its own backing file. */
	make_empty();
	add_backing(strrchr(disk_image, '/') + 1, "qcow2");
	refused(FILE_LEN, -ENOTSUP, "16");
}

static void test_refused_use(void **state)
{
	struct block_file_config config = {.path = disk_image, .format = BLOCK_FILE_QCOW2};
	struct block *block;
	struct err e = {0};

	make_empty();
	write_file(disk_image, image, FILE_LEN);
	assert_int_equal(block_file_open(&config, &block, &e), -EINVAL);
	assert_non_null(strstr(e.text, "snapshot=on"));
	config.read_only = true;
	config.cache = BLOCK_FILE_DIRECT;
	if (disk_has_direct()) {
		assert_int_equal(block_file_open(&config, &block, &e), -EINVAL);
		assert_non_null(strstr(e.text, "cache=writeback"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds),       cmocka_unit_test(test_backing),
		cmocka_unit_test(test_chain),           cmocka_unit_test(test_damaged_data),
		cmocka_unit_test(test_refused_headers), cmocka_unit_test(test_refused_backing),
		cmocka_unit_test(test_refused_use),
	};

	return cmocka_run_group_tests(tests, disk_group_setup, disk_group_teardown);
}
