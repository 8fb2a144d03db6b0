// SPDX-License-Identifier: GPL-2.0
/*
 * scull-fsx DEVICE OPERATIONS SEED: random reads, writes, appends, seeks and mappings, against a
 * model in memory. What the model says of each byte is what the device must say.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <testing/check.h>

#define SPACE   (1 << 19)
#define LONGEST (1 << 16)

struct model {
	const char *path;
	int fd, fd_append;
	uint64_t random;
	size_t size;
	uint8_t bytes[SPACE];
	uint8_t buffer[LONGEST];
};

static uint32_t next(struct model *m, uint32_t below)
{
	return random_below(&m->random, below);
}

/* Lengths are short or long, so that both few and many quanta are met. */
static size_t length(struct model *m, size_t most)
{
	size_t n = next(m, 4) ? next(m, 300) : next(m, LONGEST);

	return n < most ? n : most;
}

static void fill(struct model *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m->buffer[i] = (uint8_t)next(m, 256);
}

static void write_at(struct model *m, size_t pos, size_t n)
{
	memcpy(m->bytes + pos, m->buffer, n);
	if (n && pos + n > m->size)
		m->size = pos + n;
}

static void do_write(struct model *m)
{
	size_t pos = next(m, SPACE), n = length(m, SPACE - pos);

	fill(m, n);
	CHECK(pwrite(m->fd, m->buffer, n, pos) == (ssize_t)n);
	write_at(m, pos, n);
}

static void do_append(struct model *m)
{
	size_t n = length(m, SPACE - m->size);

	fill(m, n);
	CHECK(write(m->fd_append, m->buffer, n) == (ssize_t)n);
	write_at(m, m->size, n);
}

static void do_read(struct model *m)
{
	size_t pos = next(m, SPACE), n = length(m, SPACE - pos), got = 0;

	if (pos < m->size)
		got = n < m->size - pos ? n : m->size - pos;
	CHECK(lseek(m->fd, pos, SEEK_SET) == (off_t)pos);
	CHECK(read(m->fd, m->buffer, n) == (ssize_t)got);
	CHECK(!memcmp(m->buffer, m->bytes + pos, got));
	CHECK(lseek(m->fd, 0, SEEK_CUR) == (off_t)(pos + got));
	CHECK(lseek(m->fd, 0, SEEK_END) == (off_t)m->size);
}

/* Nothing but zeros in what is said to be a hole. */
static void do_seek(struct model *m)
{
	off_t pos = next(m, SPACE), data = lseek(m->fd, pos, SEEK_DATA);
	size_t end = data < 0 ? m->size : (size_t)data;

	CHECK(data >= pos || (data == -1 && errno == ENXIO));
	for (size_t i = pos; i < end; i++)
		CHECK(m->bytes[i] == 0);
	if (data >= 0)
		CHECK(lseek(m->fd, data, SEEK_HOLE) > data);
}

/* EINVAL where quanta are not of whole pages. */
static void do_map(struct model *m)
{
	size_t n = m->size, i;
	uint8_t *map;

	if (!n)
		return;
	map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (map == MAP_FAILED) {
		CHECK(errno == EINVAL);
		return;
	}
	for (int k = 0; k < 20; k++) {
		i = next(m, n);
		CHECK(map[i] == m->bytes[i]);
		map[i] = m->bytes[i] = (uint8_t)next(m, 256);
	}
	munmap(map, n);
}

static void do_truncate(struct model *m)
{
	int fd = open(m->path, O_WRONLY);

	CHECK(fd >= 0);
	close(fd);
	m->size = 0;
	memset(m->bytes, 0, sizeof(m->bytes));
}

int main(int argc, char **argv)
{
	static struct model m;
	static void (*const operations[])(struct model *) = {
		do_write, do_write, do_write, do_read, do_read, do_read, do_append, do_seek, do_map,
	};

	if (argc != 4)
		return 2;
	m.path = argv[1];
	m.random = strtoull(argv[3], NULL, 0);
	m.fd = open(m.path, O_RDWR | O_TRUNC);
	m.fd_append = open(m.path, O_RDWR | O_APPEND);
	CHECK(m.fd >= 0 && m.fd_append >= 0);
	for (long i = 0, n = strtol(argv[2], NULL, 0); i < n; i++) {
		if (!next(&m, 100))
			do_truncate(&m);
		operations[next(&m, COUNT_OF(operations))](&m);
	}
	return 0;
}
