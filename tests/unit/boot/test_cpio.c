/* SPDX-License-Identifier: MIT */
/* Archives of files for the guest: read back by an independent little reader. */
#include "boot_test.h"

#include "base/bits.h"
#include "boot/cpio.h"

struct entry {
	unsigned ino, mode, nlink, mtime, size;
	const char *name;
	const uint8_t *data;
};

/* The entries up to the trailer; asserts the layout. */
static unsigned read_archive(const void *archive, size_t len, struct entry *out, unsigned max)
{
	const char *p = archive;
	size_t at = 0;
	unsigned n;

	for (n = 0; n < max; n++) {
		unsigned v[13];

		assert_true(at % 4 == 0 && at + 110 < len);
		assert_memory_equal(p + at, "070701", 6);
		for (unsigned i = 0; i < 13; i++)
			assert_int_equal(sscanf(p + at + 6 + 8 * i, "%8x", &v[i]), 1);
		out[n] = (struct entry){.ino = v[0],
					.mode = v[1],
					.nlink = v[4],
					.mtime = v[5],
					.size = v[6],
					.name = p + at + 110};
		assert_int_equal(v[2] | v[3], 0); /* root's */
		assert_int_equal(strlen(out[n].name) + 1, v[11]);
		at = align_up(at + 110 + v[11], 4);
		out[n].data = (const uint8_t *)p + at;
		at = align_up(at + v[6], 4);
		assert_true(at <= len);
		if (!strcmp(out[n].name, "TRAILER!!!"))
			break;
	}
	assert_int_equal(at, len);
	return n;
}

static void check(const struct entry *e, const char *name, unsigned mode, const char *text)
{
	assert_string_equal(e->name, name);
	assert_int_equal(e->mode, mode);
	assert_int_equal(e->mtime, 0);
	assert_int_equal(e->size, strlen(text));
	assert_memory_equal(e->data, text, strlen(text));
}

static void test_archive(void **state)
{
	struct fixture *f = *state;
	struct entry e[16];
	struct cpio *c;
	const void *data;
	size_t len;

	assert_int_equal(cpio_new(&c), 0);
	assert_int_equal(cpio_add_file(c, write_file(f, "module", 6), "/my.ko", &f->e), 0);
	chmod(write_file(f, "#!/bin/sh", 9), 0700);
	assert_int_equal(cpio_add_file(c, f->path, "/tmp/a/run", &f->e), 0);
	assert_int_equal(cpio_add_data(c, "/tmp/a/b/x", 0600, "", 0, &f->e), 0);
	assert_int_equal(cpio_add_data(c, "/root/.profile", 0600, "abc", 3, &f->e), 0);
	/* /usr/bin may be a link, and must stay one. */
	assert_int_equal(cpio_add_data(c, "/usr/bin/z", 0700, "", 0, &f->e), 0);
	assert_int_equal(cpio_finish(c, &data, &len), 0);
	assert_int_equal(len % 4, 0);
	assert_int_equal(read_archive(data, len, e, 16), 10);
	check(&e[0], "my.ko", S_IFREG | 0644, "module");
	check(&e[1], "tmp", S_IFDIR | 01777, "");
	check(&e[2], "tmp/a", S_IFDIR | 0755, "");
	check(&e[3], "tmp/a/run", S_IFREG | 0755, "#!/bin/sh");
	check(&e[4], "tmp/a/b", S_IFDIR | 0755, "");
	check(&e[5], "tmp/a/b/x", S_IFREG | 0600, "");
	check(&e[6], "root", S_IFDIR | 0700, "");
	check(&e[7], "root/.profile", S_IFREG | 0600, "abc");
	check(&e[8], "usr", S_IFDIR | 0755, "");
	check(&e[9], "usr/bin/z", S_IFREG | 0700, "");
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(e[i].ino, i + 1);
		assert_int_equal(e[i].nlink, S_ISDIR(e[i].mode) ? 2 : 1);
	}
	cpio_free(c);
}

static void test_big(void **state)
{
	struct fixture *f = *state;
	const size_t big = 3u << 20;
	uint8_t *file = malloc(big);
	struct entry e[16];
	struct cpio *c;
	const void *data;
	size_t len;

	for (size_t i = 0; i < big; i++)
		file[i] = (uint8_t)(i ^ i >> 8);
	assert_int_equal(cpio_new(&c), 0);
	write_file(f, file, big);
	for (unsigned i = 0; i < 4; i++) {
		char name[] = "/big0";

		name[4] = (char)('0' + i);
		assert_int_equal(cpio_add_file(c, f->path, name, &f->e), 0);
	}
	assert_int_equal(cpio_finish(c, &data, &len), 0);
	assert_int_equal(read_archive(data, len, e, 16), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(e[i].size, big);
		assert_memory_equal(e[i].data, file, big);
	}
	cpio_free(c);
	free(file);
}

static void test_faults(void **state)
{
	static const struct {
		const char *path, *says;
	} bad[] = {{"my.ko", "absolute"},  {"", "absolute"},      {"/", "file's name"},
		   {"/a/", "file's name"}, {"//a", "empty part"}, {"/a//b", "empty part"},
		   {"/a/../b", ". or .."}, {"/./b", ". or .."},   {"/..", ". or .."}};
	struct fixture *f = *state;
	char long_path[2000];
	struct cpio *c;

	assert_int_equal(cpio_new(&c), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(cpio_add_data(c, bad[i].path, 0644, "", 0, &f->e), -EINVAL);
		assert_says(f, "--file");
		assert_says(f, bad[i].says);
	}
	assert_int_equal(cpio_add_data(c, "/.../..a", 0644, "", 0, &f->e), 0);
	memset(long_path, 'a', sizeof(long_path));
	long_path[0] = '/';
	long_path[1025] = 0;
	assert_int_equal(cpio_add_data(c, long_path, 0644, "", 0, &f->e), -EINVAL);
	long_path[1024] = 0;
	assert_int_equal(cpio_add_data(c, long_path, 0644, "", 0, &f->e), 0);
	for (unsigned i = 2; i < 1020; i += 2)
		long_path[i] = '/';
	assert_int_equal(cpio_add_data(c, long_path, 0644, "", 0, &f->e), 0);

	assert_int_equal(cpio_add_file(c, "/nonexistent", "/a", &f->e), -ENOENT);
	assert_says(f, "--file /nonexistent:/a: the host's file cannot be read: No such file");
	assert_int_equal(cpio_add_file(c, f->dir, "/a", &f->e), -EISDIR);
	cpio_free(c);
	cpio_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_archive), TEST(test_big), TEST(test_faults)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
