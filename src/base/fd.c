/* SPDX-License-Identifier: MIT */
/* Plain loops round the system calls: EINTR is retried everywhere, and a full non-blocking
 * descriptor is waited for with poll(). */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"

void fd_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);
	int want;

	if (flags < 0)
		return -errno;
	want = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (want != flags && fcntl(fd, F_SETFL, want) < 0)
		return -errno;
	return 0;
}

int fd_write_all(int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd pfd = {.fd = fd, .events = POLLOUT};

			if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, (uint8_t *)buf + done, len - done);
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)done;
}

/* Reads to the end of file into a buffer that grows. A regular file gets the right size at first;
 * the byte on top is what tells a file of just `max` bytes from a larger one. */
static int read_growing(int fd, size_t cap, size_t max, uint8_t **out, size_t *len)
{
	uint8_t *buf = NULL, *grown;
	size_t have = 0;
	ssize_t n;

	for (;;) {
		grown = realloc(buf, cap + 1);
		if (!grown) {
			free(buf);
			return -ENOMEM;
		}
		buf = grown;
		n = fd_read_full(fd, buf + have, cap + 1 - have);
		if (n < 0) {
			free(buf);
			return (int)n;
		}
		have += (size_t)n;
		if (have <= cap)
			break;
		if (cap >= max) {
			free(buf);
			return -EFBIG;
		}
		cap = cap > max / 2 ? max : cap * 2;
	}
	*out = buf;
	*len = have;
	return 0;
}

int fd_read_file(const char *path, size_t max, uint8_t **out, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t guess = 65536;
	struct stat st;
	int ret;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		ret = -errno;
	} else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max) {
		ret = -EFBIG;
	} else {
		/* Files under /proc say 0 and have content all the same. */
		if (S_ISREG(st.st_mode) && st.st_size > 0)
			guess = (size_t)st.st_size;
		ret = read_growing(fd, (size_t)min_u64(guess, max), max, out, len);
	}
	close(fd);
	return ret;
}

int eventfd_new(int *out)
{
	*out = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return *out < 0 ? -errno : 0;
}

void eventfd_raise(int fd)
{
	const uint64_t one = 1;

	/* EAGAIN means that the count is at its top: raised for sure. */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

bool eventfd_clear(int fd)
{
	uint64_t count;
	const struct iovec iov = {&count, sizeof(count)};
	ssize_t n;

	do
		n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
	while (n < 0 && errno == EINTR);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

uint64_t host_now_ns(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists on every Linux and the pointer is good. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

unsigned host_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}
