/* SPDX-License-Identifier: MIT */
/* Kernel images: detection by content, placement, packing, and everything that can be wrong. */
#include "boot_test.h"

#include <zlib.h>
#include <zstd.h>

#define TEXT_OFFSET 0x200000u
#define FILE_LEN    0x5000u
#define IMAGE_SIZE  0x8000u

/* A RISC-V Image whose body is not all the same. */
static void make_image(uint8_t *file, size_t len)
{
	for (size_t i = 0; i < len; i++)
		file[i] = (uint8_t)(i * 7 + i / 256);
	memset(file, 0, 64);
	le64_store(file + 8, TEXT_OFFSET);
	le64_store(file + 16, IMAGE_SIZE);
	le32_store(file + 0x38, 0x05435352); /* "RSC\x05" */
}

/* The same with a PE header whose one section ends where the file does. */
static void make_efi_image(uint8_t *file, size_t len)
{
	make_image(file, len);
	le16_store(file, 0x5a4d); /* "MZ" */
	le32_store(file + 0x3c, 0x40);
	memset(file + 0x40, 0, 0x100);
	le32_store(file + 0x40, 0x4550); /* "PE" */
	le16_store(file + 0x46, 1);
	le16_store(file + 0x54, 0x20); /* size of the optional header */
	le32_store(file + 0x78 + 16, (uint32_t)len - 0x1000);
	le32_store(file + 0x78 + 20, 0x1000);
}

/* buf has room for len + 100. The size of the result. */
static size_t gzip(uint8_t *buf, size_t room, const uint8_t *data, size_t len)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
		      .avail_in = (uInt)len,
		      .next_out = buf,
		      .avail_out = (uInt)room};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static int load(struct fixture *f, const void *data, size_t len, struct image *img)
{
	return load_file(f, "--kernel", write_file(f, data, len), img);
}

static void check_loaded(struct fixture *f, const uint8_t *file, const struct image *img)
{
	assert_int_equal(img->kind, IMAGE_LINUX);
	assert_int_equal(img->entry, RAM_BASE + TEXT_OFFSET);
	assert_int_equal(img->start, RAM_BASE + TEXT_OFFSET);
	assert_int_equal(img->end, RAM_BASE + TEXT_OFFSET + IMAGE_SIZE);
	assert_memory_equal(gmem_map(f->m, img->start, FILE_LEN), file, FILE_LEN);
}

static void test_plain(void **state)
{
	struct fixture *f = *state;
	uint8_t file[FILE_LEN];
	struct image img;

	make_image(file, sizeof(file));
	atomic_store(gmem_code_word(f->m, RAM_BASE + TEXT_OFFSET), GMEM_HAS_CODE);
	assert_int_equal(load(f, file, sizeof(file), &img), 0);
	check_loaded(f, file, &img);
	assert_false(img.packed);
	/* An engine that ran something else there is told. */
	assert_int_equal(atomic_load(gmem_code_word(f->m, RAM_BASE + TEXT_OFFSET)), 2);

	make_efi_image(file, sizeof(file));
	assert_int_equal(load(f, file, sizeof(file), &img), 0);
	check_loaded(f, file, &img);

	le64_store(file + 16, 0); /* no size given: the file's */
	assert_int_equal(load(f, file, sizeof(file), &img), 0);
	assert_int_equal(img.end, img.start + FILE_LEN);
}

static size_t zstd(uint8_t *buf, size_t room, const uint8_t *data, size_t len)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	assert_non_null(c);
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
	n = ZSTD_compress2(c, buf, room, data, len);
	assert_false(ZSTD_isError(n));
	ZSTD_freeCCtx(c);
	return n;
}

static const struct {
	const char *name;
	size_t (*pack)(uint8_t *buf, size_t room, const uint8_t *data, size_t len);
	unsigned sum_at; /* where the check sum begins, from the end */
} packings[] = {{"gzip", gzip, 8}, {"zstd", zstd, 4}};

#define N_PACKINGS (sizeof(packings) / sizeof(packings[0]))

static void check_packing(struct fixture *f, unsigned i)
{
	uint8_t file[FILE_LEN], packed[FILE_LEN + 100];
	struct image img;
	size_t len;

	make_efi_image(file, sizeof(file));
	len = packings[i].pack(packed, sizeof(packed), file, sizeof(file));
	assert_int_equal(load(f, packed, len, &img), 0);
	check_loaded(f, file, &img);
	assert_true(img.packed);

	for (size_t cut = 1; cut < len; cut += 1 + len / 50) {
		assert_int_not_equal(load(f, packed, len - cut, &img), 0);
		assert_says(f, len - cut > 4 ? "truncated" : "is t"); /* or "too short" */
	}
	packed[len - packings[i].sum_at] ^= 1;
	assert_int_equal(load(f, packed, len, &img), -EINVAL);
	assert_says(f, "damaged");
	packed[20] ^= 0xff;
	assert_true(load(f, packed, len, &img) < 0);

	le64_store(file + 16, 0);
	len = packings[i].pack(packed, sizeof(packed), file, sizeof(file));
	assert_int_equal(load(f, packed, len, &img), 0);
	assert_int_equal(img.end, img.start + FILE_LEN);
}

static void test_packed(void **state)
{
	for (unsigned i = 0; i < N_PACKINGS; i++)
		check_packing(*state, i);
}

/* 64 MiB of zeros behind a header that does not say so: the RAM's end stops it. */
static void test_gzip_bomb(void **state)
{
	struct fixture *f = *state;
	size_t len = 64u << 20;
	uint8_t *file = calloc(1, len), packed[0x20000];
	struct image img;

	make_image(file, 64);
	le64_store(file + 16, 0);
	len = gzip(packed, sizeof(packed), file, len);
	free(file);
	assert_int_equal(load(f, packed, len, &img), -E2BIG);
	assert_says(f, "--mem");
}

static void test_zboot(void **state)
{
	struct fixture *f = *state;
	uint8_t file[FILE_LEN], packed[FILE_LEN + 0x300] = "MZ\0\0zimg";
	struct image img;
	size_t len;

	make_efi_image(file, sizeof(file));
	for (unsigned i = 0; i < N_PACKINGS; i++) {
		len = packings[i].pack(packed + 0x200, sizeof(packed) - 0x204, file, sizeof(file));
		le32_store(packed + 8, 0x200);
		le32_store(packed + 12, (uint32_t)len);
		memcpy(packed + 24, packings[i].name, strlen(packings[i].name) + 1);
		/* zstd has the size behind it. */
		assert_int_equal(load(f, packed, 0x200 + len + 4, &img), 0);
		check_loaded(f, file, &img);
		assert_int_equal(load(f, packed, 0x200, &img), -EINVAL);
		assert_says(f, "truncated");
		memcpy(packed + 24, "lzma", 5);
		assert_int_equal(load(f, packed, 0x200 + len, &img), -ENOEXEC);
	}
}

static void test_truncated(void **state)
{
	struct fixture *f = *state;
	uint8_t file[FILE_LEN];
	struct image img;

	make_efi_image(file, sizeof(file));
	assert_int_equal(load(f, file, sizeof(file) - 1, &img), -EINVAL);
	assert_says(f, "--kernel /tmp/linnet-test-");
	assert_says(f, "truncated: 20479 bytes of 20480");
	assert_int_equal(load(f, file, 63, &img), -ENOEXEC);
	assert_int_equal(load(f, "hello", 5, &img), -ENOEXEC);
	assert_says(f, "too short");
	assert_int_equal(load(f, "", 0, &img), -EINVAL);
	assert_says(f, "empty");
	memset(file, 0xee, sizeof(file));
	assert_int_equal(load(f, file, sizeof(file), &img), -ENOEXEC);
	assert_says(f, "no known format");
}

static void test_too_large(void **state)
{
	struct fixture *f = *state;
	uint8_t file[FILE_LEN];
	struct image img;

	make_image(file, sizeof(file));
	le64_store(file + 16, RAM_SIZE - TEXT_OFFSET);
	assert_int_equal(load(f, file, sizeof(file), &img), 0); /* just fits */
	le64_store(file + 16, RAM_SIZE - TEXT_OFFSET + 1);
	assert_int_equal(load(f, file, sizeof(file), &img), -E2BIG);
	assert_says(f, "--mem 17M");
	le64_store(file + 16, IMAGE_SIZE);
	le64_store(file + 8, 0x10000000);
	assert_int_equal(load(f, file, sizeof(file), &img), -E2BIG);
	assert_says(f, "--mem 257M");
	le64_store(file + 8, -1ull);
	assert_int_equal(load(f, file, sizeof(file), &img), -ENOEXEC);
	le64_store(file + 8, 0);
	le64_store(file + 16, -1ull);
	assert_int_equal(load(f, file, sizeof(file), &img), -ENOEXEC);
	le64_store(file + 16, IMAGE_SIZE);
	file[0x18] = 1;
	assert_int_equal(load(f, file, sizeof(file), &img), -ENOEXEC);
	assert_says(f, "big-endian");
}

static void test_others(void **state)
{
	static const struct {
		unsigned offset, len;
		const char *magic, *says;
	} samples[] = {
		{0x38, 4, "ARM\x64", "arm64"},
		{0x202, 4, "HdrS", "x86 kernel (bzImage)"},
		{0x24, 4, "\x18\x28\x6f\x01", "arm kernel"},
		{0, 6, "070701", "initrd"},
		{0, 6,
		 "\xfd"
		 "7zXZ",
		 "xz"},
		{0, 4, "\xd0\x0d\xfe\xed", "device tree"},
		{0, 4, "QFI\xfb", "qcow2"},
		{0, 2, "MZ", "EFI program"},
	};
	struct fixture *f = *state;
	struct image img;

	for (unsigned i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		uint8_t file[4096] = "MZ"; /* the kernels have an EFI stub */

		memcpy(file + samples[i].offset, samples[i].magic, samples[i].len);
		assert_int_equal(load(f, file, sizeof(file), &img), -ENOEXEC);
		assert_says(f, samples[i].says);
	}
}

static void test_flat(void **state)
{
	struct fixture *f = *state;
	uint8_t file[FILE_LEN], packed[FILE_LEN + 100];
	uint64_t room = RAM_SIZE - 0x200000;
	struct image img;
	uint8_t *large;
	size_t len;

	make_image(file, sizeof(file));
	memset(file, 0x13, 64);
	assert_int_equal(load(f, file, sizeof(file), &img), -ENOEXEC);
	assert_says(f, "flat binary");
	for (unsigned i = 0; i < 2; i++) {
		len = gzip(packed, sizeof(packed), file, sizeof(file));
		write_file(f, i ? packed : file, i ? len : sizeof(file));
		assert_int_equal(load_file(f, "--firmware", f->path, &img), 0);
		assert_int_equal(img.kind, IMAGE_FLAT);
		assert_int_equal(img.entry, RAM_BASE + 0x200000);
		assert_int_equal(img.start, img.entry);
		assert_int_equal(img.end, img.start + FILE_LEN);
		assert_memory_equal(gmem_map(f->m, img.start, FILE_LEN), file, FILE_LEN);
		memset(gmem_map(f->m, img.start, FILE_LEN), 0, FILE_LEN);
	}
	memcpy(file, "BZh", sizeof("BZh")); /* what is known not to be code is still refused */
	assert_int_equal(load_file(f, "--firmware", write_file(f, file, 100), &img), -ENOEXEC);
	assert_says(f, "bzip2");

	for (unsigned i = 0; i < N_PACKINGS; i++) { /* packed well, but there is nothing in it */
		len = packings[i].pack(packed, sizeof(packed), file, 0);
		write_file(f, packed, len);
		assert_int_equal(load_file(f, "--firmware", f->path, &img), -EINVAL);
		assert_says(f, "is empty");
	}

	large = calloc(1, room + 1);
	assert_non_null(large);
	assert_int_equal(load_file(f, "--firmware", write_file(f, large, room), &img), 0);
	assert_int_equal(img.end, RAM_BASE + RAM_SIZE);
	assert_int_equal(load_file(f, "--firmware", write_file(f, large, room + 1), &img), -E2BIG);
	assert_says(f, "--mem 17M");
	free(large);
}

static void test_files(void **state)
{
	struct fixture *f = *state;
	struct image img;
	char fifo[64];

	assert_int_equal(load_file(f, "--kernel", "/nonexistent", &img), -ENOENT);
	assert_says(f, "--kernel /nonexistent: cannot be opened: No such file");
	assert_int_equal(load_file(f, "--firmware", f->dir, &img), -EISDIR);
	assert_says(f, "--firmware");
	snprintf(fifo, sizeof(fifo), "%s/fifo", f->dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(load_file(f, "--kernel", fifo, &img), -EINVAL);
	unlink(fifo);
	if (geteuid()) { /* root reads everything */
		write_file(f, "x", 1);
		chmod(f->path, 0);
		assert_int_equal(load_file(f, "--kernel", f->path, &img), -EACCES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain),  TEST(test_packed),    TEST(test_gzip_bomb),
		TEST(test_zboot),  TEST(test_truncated), TEST(test_too_large),
		TEST(test_others), TEST(test_flat),      TEST(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
