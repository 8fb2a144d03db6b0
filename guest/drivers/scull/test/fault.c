// SPDX-License-Identifier: GPL-2.0
/*
 * scull-fault [STEP]: memory that is not there, see <testing/fault.h>: for each call that
 * allocates; with STEP for loading first, each STEP-th of its allocations. As root; without STEP
 * the module is loaded, and stays so; with it, it is not, before and after.
 */
#include <fcntl.h>

#include <testing/check.h>
#include <testing/fault.h>

static int open_with(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		return errno;
	return close(fd) ? errno : 0;
}

static int open_pipe(void)
{
	return open_with("/dev/scullpipe0", O_RDWR);
}

static int open_fresh(void)
{
	return open_with("/dev/scull0", O_WRONLY);
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
	return fault_tell("/sys/class/scull/scullpipe0/capacity", "8192");
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

int main(int argc, char **argv)
{
	if (!fault_init())
		return 0;
	if (argc > 1)
		fault_loading("scull", "/sys/class/scull", atoi(argv[1]));
	fault_each("opening a pipe", open_pipe, NULL);
	fault_each("writing", write_far, NULL);
	fault_each("resizing", resize, NULL);
	fault_each("emptying", open_fresh, NULL);
	fault_each("looking", look, NULL);
	if (argc > 1)
		fault_unload("scull");
	return 0;
}
