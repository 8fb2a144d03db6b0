// SPDX-License-Identifier: GPL-2.0
/*
 * See fault.h. A number in /proc/self/fail-nth counts down with each allocation of the thread that
 * can fail, and the one that makes it 0 fails; so what is read there afterwards tells whether one
 * did.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <testing/check.h>
#include <testing/fault.h>

#define SLAB "/sys/kernel/debug/failslab/"

static int fail_nth_file; /* open all the time, since opening allocates too */

/* From now on the n-th allocation of this thread fails; 0: none. */
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

int fault_tell(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		error = errno;
	close(fd);
	return error;
}

bool fault_init(void)
{
	if (access("/proc/self/fail-nth", F_OK) || access(SLAB "verbose", F_OK)) {
		puts("  this kernel cannot do that");
		return false;
	}
	CHECK(!fault_tell(SLAB "verbose", "0") && !fault_tell(SLAB "ignore-gfp-wait", "N"));
	fail_nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK(fail_nth_file >= 0);
	return true;
}

void fault_each(const char *what, int (*call)(void), void (*undo)(int error))
{
	int n, error, refused = 0;
	bool failed = true;

	for (n = 1; failed; n++) {
		CHECK(n < 2000);
		fail_nth(n);
		error = call();
		failed = has_failed();
		CHECK(error == 0 || (failed && error == ENOMEM));
		refused += error != 0;
		if (undo)
			undo(error);
		CHECK(call() == 0);
		if (undo)
			undo(0);
	}
	printf("  %s: %d allocations, %d of them needed\n", what, n - 2, refused);
	fflush(stdout);
	CHECK(refused > 0);
}

void fault_unload(const char *module)
{
	CHECK(!syscall(SYS_delete_module, module, 0));
}

/* Loading has failures of its own that are not errors of loading (a name that sysfs lacks), so that
 * it may go well too. EINVAL is what the kernel says when it has no memory for the folder of a
 * module's drivers (module_add_driver()).
 */
void fault_loading(const char *module, const char *gone, int step)
{
	int n, fd, refused = 0;
	struct utsname system;
	bool failed = true;
	char path[300];

	CHECK(!uname(&system));
	snprintf(path, sizeof(path), "/lib/modules/%s/extra/%s.ko", system.release, module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	for (n = 1; failed; n += step) {
		CHECK(n < 5000);
		fail_nth(n);
		errno = 0;
		if (syscall(SYS_finit_module, fd, "", 0)) {
			CHECK(errno == ENOMEM || errno == EINVAL);
			refused++;
			failed = has_failed();
			CHECK(failed);
			CHECK(access(gone, F_OK) == -1 && errno == ENOENT);
			continue;
		}
		failed = has_failed();
		fault_unload(module);
	}
	printf("  loading: about %d allocations, %d tries failed\n", n - step, refused);
	fflush(stdout);
	CHECK(refused > 0);
	CHECK(!syscall(SYS_finit_module, fd, "", 0));
	close(fd);
}
