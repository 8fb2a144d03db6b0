/* SPDX-License-Identifier: MIT */
/* Opening disk images: what is refused and why, who may share what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "disk.h"

static int try_open(struct block_file_config config, struct err *e)
{
	struct block *b;
	int ret;

	config.path = config.path ? config.path : disk_image;
	config.temp_dir = config.temp_dir ? config.temp_dir : disk_dir;
	e->text[0] = '\0';
	ret = block_file_open(&config, &b, e);
	if (!ret)
		b->ops->free(b);
	else
		assert_non_null(strstr(e->text, config.path));
	return ret;
}

static void test_bad_images(void **state)
{
	struct err e;

	(void)unlink(disk_image);
	assert_int_equal(try_open((struct block_file_config){0}, &e), -ENOENT);
	assert_non_null(strstr(e.text, "no such file"));
	assert_int_equal(try_open((struct block_file_config){.path = disk_dir}, &e), -EISDIR);
	assert_non_null(strstr(e.text, "is a directory"));
	assert_int_equal(
		try_open((struct block_file_config){.path = disk_dir, .read_only = true}, &e),
		-EISDIR);
	assert_non_null(strstr(e.text, "is a directory"));
	assert_int_equal(try_open((struct block_file_config){.path = "/dev/null"}, &e), -EINVAL);
	assert_non_null(strstr(e.text, "neither a file nor a block device"));
	disk_make_image(0);
	assert_int_equal(try_open((struct block_file_config){0}, &e), -EINVAL);
	assert_non_null(strstr(e.text, "is empty (0 bytes)"));
	disk_make_image(511);
	assert_int_equal(try_open((struct block_file_config){0}, &e), -EINVAL);
	disk_make_image(512);
	assert_int_equal(try_open((struct block_file_config){0}, &e), 0);
	assert_int_equal(
		try_open((struct block_file_config){.snapshot = true, .temp_dir = "/nonexistent"},
			 &e),
		-ENOENT);
	assert_non_null(strstr(e.text, "no temporary file in /nonexistent"));
	(void)unlink(disk_image);
	assert_int_equal(mkfifo(disk_image, 0600), 0);
	assert_int_equal(try_open((struct block_file_config){.read_only = true}, &e), -EINVAL);
	assert_non_null(strstr(e.text, "neither"));
	(void)unlink(disk_image);
}

/* Root may do everything, so it becomes somebody else for a while. */
static void test_permissions(void **state)
{
	bool root = geteuid() == 0;
	struct err e;

	disk_make_image(1024);
	assert_int_equal(chmod(disk_image, 0444), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(try_open((struct block_file_config){0}, &e), -EACCES);
	assert_non_null(strstr(e.text, "may be read but not written; add ro=on"));
	assert_int_equal(try_open((struct block_file_config){.read_only = true}, &e), 0);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(disk_image, 0), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(try_open((struct block_file_config){.read_only = true}, &e), -EACCES);
	assert_non_null(strstr(e.text, "may not be read by this user"));
	if (root)
		assert_int_equal(seteuid(0), 0);
	(void)unlink(disk_image);
}

/* The size is told and rounded; the rest of the file is never touched. */
static void test_odd_size(void **state)
{
	uint8_t buf[512] = {0};
	struct stat st;
	struct disk d;

	disk_make_image(1636);
	disk_open(&d, (struct block_file_config){0});
	assert_int_equal(d.block->size, 1536);
	assert_int_equal(disk_write(&d, 1024, buf, 512), 0);
	assert_int_equal(disk_write(&d, 1536, buf, 512), -EINVAL);
	disk_close(&d);
	assert_int_equal(stat(disk_image, &st), 0);
	assert_int_equal(st.st_size, 1636);
}

static void test_locks(void **state)
{
	/* first, second, whether they may live together */
	static const struct {
		struct block_file_config a, b;
		bool ok;
	} cases[] = {
		{{0}, {0}, false},
		{{0}, {.read_only = true}, false},
		{{0}, {.snapshot = true}, false},
		{{.read_only = true}, {0}, false},
		{{.snapshot = true}, {0}, false},
		{{.read_only = true}, {.snapshot = true}, true},
		{{.snapshot = true}, {.snapshot = true}, true},
	};
	struct disk first;
	struct err e;
	int status;
	pid_t pid;

	disk_make_image(1024);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		disk_open(&first, cases[i].a);
		/* In the same process, where POSIX locks would not help, and in another. */
		assert_int_equal(try_open(cases[i].b, &e), cases[i].ok ? 0 : -EBUSY);
		if (!cases[i].ok)
			assert_non_null(strstr(e.text, "in use by another machine"));
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			_exit(try_open(cases[i].b, &e) == (cases[i].ok ? 0 : -EBUSY) ? 0 : 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		disk_close(&first);
		assert_int_equal(try_open(cases[i].b, &e), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_images),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_odd_size),
		cmocka_unit_test(test_locks),
	};

	return cmocka_run_group_tests(tests, disk_group_setup, disk_group_teardown);
}
