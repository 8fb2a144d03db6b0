// SPDX-License-Identifier: GPL-2.0
/*
 * scull-stress SECONDS: threads on scull0, sculluid, a stream (scullpipe0) and a FIFO
 * (scullpipe1) at once, until the time is over. Stores: each thread has its own places, and
 * finds there what it wrote, or zeros after somebody emptied the device. Stream: what goes in
 * comes out, in whatever order. FIFO: pieces of up to a page stay in one piece.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linnet/ioctl.h>
#include <testing/check.h>

#define N     3 /* threads of a kind */
#define PLACE 10000

static atomic_bool over;

/* What went through the stream; either may wrap around. */
struct traffic {
	_Atomic unsigned long bytes, sum;
};
static struct traffic stream_in, stream_out;

/* --- scull0 ----------------------------------------------------------------------------------- */

static void all_are(const uint8_t *bytes, ssize_t n, uint8_t value)
{
	for (ssize_t i = 0; i < n; i++)
		CHECK(bytes[i] == value || bytes[i] == 0);
}

static void map_once(int fd, off_t pos)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, pos / (off_t)page * (off_t)page);

	if (map == MAP_FAILED) {
		CHECK(errno == EINVAL);
		return;
	}
	munmap(map, page);
}

static void *use_store(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg;
	int number = (int)(uintptr_t)arg, fd = open("/dev/scull0", O_RDWR), other;
	uint8_t bytes[PLACE], value = (uint8_t)(number + 1);
	off_t pos = (off_t)number * PLACE;

	CHECK(fd >= 0);
	while (!over) {
		memset(bytes, value, sizeof(bytes));
		CHECK(pwrite(fd, bytes, PLACE, pos) == PLACE);
		all_are(bytes, pread(fd, bytes, PLACE, pos), value);
		switch (random_below(&random, 20)) {
		case 0:
			other = open("/dev/scull0", O_WRONLY);
			CHECK(other >= 0 || errno == EBUSY);
			if (other >= 0)
				close(other);
			break;
		case 1:
			map_once(fd, pos);
			break;
		case 2:
			CHECK(ioctl(fd, SCULL_IOCTQUANTUM, 16u << random_below(&random, 12)) == 0);
			break;
		case 3:
			CHECK(ioctl(fd, SCULL_IOCTQSET, 1 + random_below(&random, 50)) == 0);
			break;
		case 4:
			CHECK(lseek(fd, 0, SEEK_DATA) >= 0 || errno == ENXIO);
			break;
		default:
			break;
		}
	}
	close(fd);
	return NULL;
}

static void *use_uid(void *arg)
{
	int fd;

	(void)arg;
	while (!over) {
		fd = open("/dev/sculluid", O_RDWR);
		CHECK(fd >= 0);
		close(fd);
		fd = open("/dev/scullwuid", O_RDWR);
		CHECK(fd >= 0);
		close(fd);
		fd = open("/dev/scullsingle", O_RDONLY);
		CHECK(fd >= 0 || errno == EBUSY);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* --- the stream ------------------------------------------------------------------------------- */

/* n: what a read or a write of them returned. */
static void count(struct traffic *t, const uint8_t *bytes, ssize_t n)
{
	unsigned long sum = 0;

	CHECK(n > 0 || errno == EAGAIN);
	for (ssize_t i = 0; i < n; i++)
		sum += bytes[i];
	t->sum += sum;
	t->bytes += n > 0 ? (unsigned long)n : 0;
}

static void *write_stream(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg;
	int fd = open("/dev/scullpipe0", O_RDWR | O_NONBLOCK);
	uint8_t bytes[6000];
	ssize_t n;

	CHECK(fd >= 0);
	while (!over) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random_below(&random, 256);
		n = write(fd, bytes, 1 + random_below(&random, sizeof(bytes)));
		count(&stream_in, bytes, n);
		if (n < 0)
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 10);
		if (!random_below(&random, 50))
			CHECK(!ioctl(fd, SCULL_P_IOCTSIZE, 4096u << random_below(&random, 5)) ||
			      errno == EBUSY);
	}
	close(fd);
	return NULL;
}

/* Until all that went in is out, which is known when the writers have ended. */
static void *read_stream(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg + 100;
	int fd = open("/dev/scullpipe0", O_RDWR | O_NONBLOCK);
	uint8_t bytes[6000];
	ssize_t n;

	CHECK(fd >= 0);
	for (;;) {
		n = read(fd, bytes, 1 + random_below(&random, sizeof(bytes)));
		count(&stream_out, bytes, n);
		if (n < 0 && over)
			break;
		if (n < 0)
			poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 10);
	}
	close(fd);
	return NULL;
}

/* --- the FIFO --------------------------------------------------------------------------------- */

/* A piece: its length in two bytes, and then one value. */
static void *write_fifo(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg;
	int fd = open("/dev/scullpipe1", O_WRONLY);
	uint8_t piece[4096];
	uint32_t n;

	CHECK(fd >= 0);
	while (!over) {
		n = 3 + random_below(&random, 4094);
		memset(piece, (int)(uintptr_t)arg, n);
		piece[0] = (uint8_t)n;
		piece[1] = (uint8_t)(n >> 8);
		CHECK(write(fd, piece, n) == (ssize_t)n);
	}
	close(fd);
	return NULL;
}

static size_t read_all(int fd, uint8_t *to, size_t n)
{
	size_t done = 0;
	ssize_t got;

	while (done < n && (got = read(fd, to + done, n - done)) > 0)
		done += (size_t)got;
	return done;
}

static void *read_fifo(void *arg)
{
	int fd = open("/dev/scullpipe1", O_RDONLY);
	uint8_t piece[4096];
	size_t n;

	(void)arg;
	CHECK(fd >= 0);
	while ((n = read_all(fd, piece, 2))) {
		CHECK(n == 2);
		n = (size_t)(piece[0] | piece[1] << 8) - 2;
		CHECK(n >= 1 && n <= 4094 && read_all(fd, piece, n) == n);
		for (size_t i = 0; i < n; i++)
			CHECK(piece[i] == piece[0] && piece[i] < N);
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	static void *(*const roles[])(void *) = {use_store, use_uid, write_stream, read_stream,
						 write_fifo};
	pthread_t threads[5][N], reader;
	int keep = open("/dev/scullpipe0", O_RDWR | O_NONBLOCK);
	uint8_t bytes[100];
	ssize_t n;

	if (argc != 2)
		return 2;
	CHECK(keep >= 0 && !pthread_create(&reader, NULL, read_fifo, NULL));
	for (uintptr_t role = 0; role < 5; role++)
		for (uintptr_t i = 0; i < N; i++)
			CHECK(!pthread_create(&threads[role][i], NULL, roles[role], (void *)i));
	sleep((unsigned int)strtoul(argv[1], NULL, 0));
	over = true;
	for (int role = 0; role < 5; role++)
		for (int i = 0; i < N; i++)
			CHECK(!pthread_join(threads[role][i], NULL));
	CHECK(!pthread_join(reader, NULL));
	do {
		n = read(keep, bytes, sizeof(bytes));
		count(&stream_out, bytes, n);
	} while (n > 0);
	CHECK(stream_in.bytes == stream_out.bytes && stream_in.sum == stream_out.sum);
	CHECK(stream_in.bytes > 0);
	CHECK(!ioctl(keep, SCULL_P_IOCTSIZE, 4096));
	return 0;
}
