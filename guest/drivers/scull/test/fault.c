/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scull-fault STEP: memory that is not there. Where the kernel can make allocations fail
 * (/proc/self/fail-nth and failslab), the first one fails, then the second one, and so on until
 * all goes well: loading the module, and each call that allocates something. Each time the call
 * says ENOMEM or goes well, and works afterwards. Of those of loading, each STEP-th. Elsewhere
 * there is nothing to test. As root, the module not loaded.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define SLAB "/sys/kernel/debug/failslab/"

static void tell(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int fail_nth_file; /* open all the time, since opening allocates too */

/* From now on the n-th allocation of this thread fails. */
static void fail_nth(int n)
{
	char text[20];
	int length = snprintf(text, sizeof(text), "%d", n);

	CHECK(pwrite(fail_nth_file, text, (size_t)length, 0) == length);
}

/* Whether it has failed; none does from now on. */
static bool has_failed(void)
{
	char text[20] = "";
	bool failed;

	CHECK(pread(fail_nth_file, text, sizeof(text) - 1, 0) > 0);
	failed = strtol(text, NULL, 10) == 0;
	fail_nth(0);
	return failed;
}

static int load(void)
{
	struct utsname system;
	char path[300];
	int fd;

	CHECK(!uname(&system));
	snprintf(path, sizeof(path), "/lib/modules/%s/extra/scull.ko", system.release);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static void unload(void)
{
	CHECK(!syscall(SYS_delete_module, "scull", 0));
}

/* What allocates, on a module that is loaded; 0 or the error. */
static int open_pipe(void)
{
	int fd = open("/dev/scullpipe0", O_RDWR);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int open_fresh(void)
{
	int fd = open("/dev/scull0", O_WRONLY);

	if (fd < 0)
		return errno;
	return close(fd) ? errno : 0;
}

static int write_far(void)
{
	static off_t pos;
	int fd = open("/dev/scull0", O_RDWR), error = 0;

	if (fd < 0)
		return errno;
	pos += (off_t)1 << 33; /* a set that is not there */
	if (pwrite(fd, "x", 1, pos) != 1)
		error = errno;
	close(fd);
	return error;
}

static int resize(void)
{
	int fd = open("/sys/class/scull/scullpipe0/capacity", O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, "8192", 4) != 4)
		error = errno;
	close(fd);
	return error;
}

static int look(void)
{
	int fd = open("/sys/kernel/debug/scull/mem", O_RDONLY), error = 0;
	char text[1000];

	if (fd < 0)
		return errno;
	if (read(fd, text, sizeof(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

static void each_fails(const char *what, int (*call)(void))
{
	int n, error, refused = 0;
	bool failed = true;

	for (n = 1; failed; n++) {
		CHECK(n < 500);
		fail_nth(n);
		error = call();
		failed = has_failed();
		CHECK(error == 0 || (failed && error == ENOMEM));
		refused += error != 0;
		CHECK(call() == 0);
	}
	printf("  %s: %d allocations, %d of them needed\n", what, n - 2, refused);
	CHECK(refused > 0);
}

/* Loading has failures of its own that are not errors of loading (a name that sysfs lacks), so that
 * it may go well too. */
static void load_fails(int step)
{
	int n, fd = load(), refused = 0;
	bool failed = true;

	for (n = 1; failed; n += step) {
		CHECK(n < 5000);
		fail_nth(n);
		errno = 0;
		if (syscall(SYS_finit_module, fd, "", 0)) {
			CHECK(errno == ENOMEM);
			refused++;
			failed = has_failed();
			CHECK(failed);
			CHECK(access("/dev/scull0", F_OK) && access("/sys/class/scull", F_OK));
			continue;
		}
		failed = has_failed();
		unload();
	}
	printf("  loading: about %d allocations, %d tries failed\n", n - step, refused);
	fflush(stdout);
	CHECK(refused > 0);
	close(fd);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		return 2;
	if (access("/proc/self/fail-nth", F_OK) || access(SLAB "verbose", F_OK)) {
		puts("  this kernel cannot do that");
		return 0;
	}
	tell(SLAB "verbose", "0");
	tell(SLAB "ignore-gfp-wait", "N");
	fail_nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK(fail_nth_file >= 0);
	load_fails(atoi(argv[1]));
	fd = load();
	CHECK(!syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	each_fails("opening a pipe", open_pipe);
	each_fails("writing", write_far);
	each_fails("resizing", resize);
	each_fails("emptying", open_fresh);
	each_fails("looking", look);
	unload();
	return 0;
}
