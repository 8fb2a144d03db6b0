/* SPDX-License-Identifier: GPL-2.0 */
/* duo-rpmsg sizes|cycles N: RPMsg with the firmware guest/firmware/apps/rpmsg.c. `cycles`
 * starts and stops the core N times under traffic; for the others it runs.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include <testing/check.h>

#define MAX    496 /* bytes in a message */
#define ENOUGH 200 /* messages, before the core is stopped */

static int open_when_there(const char *path)
{
	int fd;

	while ((fd = open(path, O_RDWR)) < 0)
		usleep(5000);
	return fd;
}

static void sizes(void)
{
	int fd = open_when_there("/dev/rpmsg0");
	uint8_t out[MAX + 1], in[MAX + 1];

	for (unsigned int n = 1; n <= MAX; n++) {
		for (unsigned int i = 0; i < n; i++)
			out[i] = (uint8_t)(i * 31 + n);
		CHECK(write(fd, out, n) == (ssize_t)n);
		CHECK(read(fd, in, sizeof(in)) == (ssize_t)n && !memcmp(in, out, n));
	}
	FAILS(write(fd, out, MAX + 1), EMSGSIZE);
}

/* ---- under traffic ---- */

static atomic_uint answers;

/* Until the channel goes; each answer is to the last question. */
static void *traffic(void *arg)
{
	int fd = open_when_there("/dev/rpmsg0");
	uint32_t n = 0, got;

	for (;;) {
		n++;
		if (write(fd, &n, sizeof(n)) != sizeof(n) ||
		    read(fd, &got, sizeof(got)) != sizeof(got))
			break;
		CHECK(got == n);
		atomic_fetch_add(&answers, 1);
	}
	CHECK(errno == EPIPE || errno == ENODEV || errno == ENXIO);
	close(fd);
	return arg;
}

static void tell_state(const char *word)
{
	int fd = open("/sys/class/remoteproc/remoteproc0/state", O_WRONLY);

	CHECK(fd >= 0 && write(fd, word, strlen(word)) > 0 && !close(fd));
}

static void cycle(void)
{
	pthread_t thread;

	atomic_store(&answers, 0);
	tell_state("start");
	CHECK(!pthread_create(&thread, NULL, traffic, NULL));
	while (atomic_load(&answers) < ENOUGH)
		usleep(1000);
	tell_state("stop");
	CHECK(!pthread_join(thread, NULL));
	CHECK(access("/dev/rpmsg0", F_OK));
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (!strcmp(word, "sizes"))
		sizes();
	else if (!strcmp(word, "cycles") && argc > 2)
		for (int n = atoi(argv[2]); n; n--)
			cycle();
	else
		return 2;
	return 0;
}
