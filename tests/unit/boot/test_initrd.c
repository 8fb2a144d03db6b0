/* SPDX-License-Identifier: MIT */
/* Initial RAM disks: pieces one behind the other, their padding, and what does not fit. */
#include "boot_test.h"

#include <fcntl.h>

#include "base/bits.h"
#include "boot/initrd.h"

#define FROM (RAM_BASE + 0x1234)
#define TO   (RAM_BASE + 0x4000)

static void test_pieces(void **state)
{
	struct fixture *f = *state;
	uint8_t *ram = gmem_map(f->m, RAM_BASE, RAM_SIZE);
	struct initrd_piece p[3] = {{.path = write_file(f, "hello", 5)},
				    {.data = "cpio", .len = 4},
				    {.data = "123456", .len = 6}};
	uint64_t start, end;

	memset(ram, 0xee, 0x4000);
	assert_int_equal(initrd_load(f->m, FROM, TO, p, 3, &start, &end, &f->e), 0);
	assert_int_equal(start, RAM_BASE + 0x2000);
	assert_int_equal(end, start + 18);
	assert_memory_equal(ram + 0x2000, "hello\0\0\0cpio123456\xee", 19);

	assert_int_equal(initrd_load(f->m, FROM, TO, p, 0, &start, &end, &f->e), 0);
	assert_int_equal(start, end);
}

static void test_room(void **state)
{
	struct fixture *f = *state;
	static uint8_t data[0x2001];
	struct initrd_piece file = {.path = write_file(f, data, 0x2000)};
	struct initrd_piece mem = {.data = data, .len = 0x2000};
	uint64_t start, end;

	/* From the first whole page on there are just 0x2000 bytes. */
	assert_int_equal(initrd_load(f->m, FROM, TO, &file, 1, &start, &end, &f->e), 0);
	assert_int_equal(end, TO);
	assert_int_equal(initrd_load(f->m, FROM, TO, &mem, 1, &start, &end, &f->e), 0);
	assert_int_equal(initrd_load(f->m, FROM, TO - 1, &file, 1, &start, &end, &f->e), -E2BIG);
	assert_says(f, "--initrd /tmp/linnet-test-");
	assert_says(f, "7 KiB");
	assert_int_equal(initrd_load(f->m, FROM, TO - 1, &mem, 1, &start, &end, &f->e), -E2BIG);
	assert_says(f, "--file");
	assert_int_equal(initrd_load(f->m, TO, FROM, &mem, 1, &start, &end, &f->e), -E2BIG);
	assert_int_equal(
		initrd_load(f->m, FROM, RAM_BASE + RAM_SIZE + 1, &mem, 1, &start, &end, &f->e),
		-E2BIG);
}

/* A pipe's length is not known before it ends. */
static void test_pipe(void **state)
{
	struct fixture *f = *state;
	struct initrd_piece p;
	uint64_t start, end;
	char path[32];
	int fds[2];

	for (unsigned fits = 0; fits < 2; fits++) {
		static uint8_t data[0x2001] = "pipe";
		size_t len = sizeof(data) - fits;

		assert_int_equal(pipe(fds), 0);
		assert_int_equal(write(fds[1], data, len), len);
		close(fds[1]);
		snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
		p = (struct initrd_piece){.path = path};
		assert_int_equal(initrd_load(f->m, FROM, TO, &p, 1, &start, &end, &f->e),
				 fits ? 0 : -E2BIG);
		close(fds[0]);
	}
	assert_memory_equal(gmem_map(f->m, start, 4), "pipe", 4);
}

static void test_faults(void **state)
{
	struct fixture *f = *state;
	struct initrd_piece p = {.path = "/nonexistent"};
	uint64_t start, end;

	assert_int_equal(initrd_load(f->m, FROM, TO, &p, 1, &start, &end, &f->e), -ENOENT);
	assert_says(f, "--initrd /nonexistent: cannot be opened");
	p.path = f->dir;
	assert_int_equal(initrd_load(f->m, FROM, TO, &p, 1, &start, &end, &f->e), -EISDIR);
	p.path = write_file(f, "", 0);
	assert_int_equal(initrd_load(f->m, FROM, TO, &p, 1, &start, &end, &f->e), -EINVAL);
	assert_says(f, "empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pieces),
		TEST(test_room),
		TEST(test_pipe),
		TEST(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
