// SPDX-License-Identifier: GPL-2.0
/*
 * kxo-fault [STEP]: memory that is not there, see <testing/fault.h>: for each call that allocates;
 * with STEP for loading first, each STEP-th of its allocations. As root; without STEP the module
 * is loaded, and stays so; with it, it is not, before and after. Games are whole pages, which do
 * not fail: for these see hoard.c.
 */
#include <fcntl.h>

#include <testing/check.h>
#include <testing/fault.h>

/* A table, which comes with a game on it. */
static int open_table(void)
{
	int fd = open("/dev/kxo", O_RDWR);

	return fd < 0 ? errno : close(fd) ? errno : 0;
}

static int look(void)
{
	static const char *const files[] = {
		"/sys/kernel/debug/kxo/latency", "/sys/kernel/debug/kxo/traffic",
		"/sys/kernel/debug/kxo/games", "/sys/class/kxo/kxo/kxo_state"};
	int error = 0;
	char text[5000];

	for (size_t i = 0; i < COUNT_OF(files) && !error; i++) {
		int fd = open(files[i], O_RDONLY);

		if (fd < 0)
			return errno;
		if (read(fd, text, sizeof(text)) < 0)
			error = errno;
		close(fd);
	}
	return error;
}

static int store(void)
{
	return fault_tell("/sys/class/kxo/kxo/kxo_state", "1 1 0");
}

int main(int argc, char **argv)
{
	if (!fault_init())
		return 0;
	if (argc > 1)
		fault_loading("kxo", "/sys/class/kxo", atoi(argv[1]));
	fault_each("opening", open_table, NULL);
	fault_each("looking", look, NULL);
	fault_each("storing", store, NULL);
	if (argc > 1)
		fault_unload("kxo");
	return 0;
}
