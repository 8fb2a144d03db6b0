/* SPDX-License-Identifier: MIT */
/* The loads that keep a guest's disk and network busy. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loads.h"

#define DISK       "/dev/vda"
#define DISK_MB    256u
#define DISK_CHUNK 65536u

/* All of it by-passes the guest's page cache, so that each call is a request. */
static int open_disk(int flags, uint8_t **buf)
{
	int fd = open(DISK, flags | O_DIRECT);

	*buf = aligned_alloc(4096, DISK_CHUNK);
	if (fd < 0 || !*buf) {
		perror(DISK);
		exit(1);
	}
	memset(*buf, 0x5a, DISK_CHUNK);
	return fd;
}

static uint64_t disk_sequential(unsigned mb, bool write)
{
	uint8_t *buf;
	int fd = open_disk(write ? O_WRONLY : O_RDONLY, &buf);
	uint64_t sum = 0;

	for (uint64_t i = 0; i < (uint64_t)mb * 16; i++) {
		off_t at = (off_t)(i * DISK_CHUNK % (DISK_MB << 20));
		ssize_t n = write ? pwrite(fd, buf, DISK_CHUNK, at)
				  : pread(fd, buf, DISK_CHUNK, at);

		sum += (uint64_t)n;
	}
	if (write && fsync(fd))
		perror(DISK);
	close(fd);
	free(buf);
	return sum;
}

/* Megabytes. */
uint64_t blkread(unsigned rounds)
{
	return disk_sequential(rounds, false);
}

uint64_t blkwrite(unsigned rounds)
{
	return disk_sequential(rounds, true);
}

/* Thousands of 4 KiB. */
uint64_t blkrand(unsigned rounds)
{
	uint8_t *buf;
	int fd = open_disk(O_RDONLY, &buf);
	uint64_t sum = 0;

	for (unsigned i = 0; i < rounds * 1000; i++)
		sum += (uint64_t)pread(fd, buf, 4096,
				       (off_t)(random_next() % (DISK_MB * 256) * 4096));
	close(fd);
	free(buf);
	return sum;
}

unsigned short server_port;

/* Megabytes, to or from the server that the host has for this (peer.c). */
static uint64_t net_bytes(char direction, unsigned mb)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons(server_port),
				   .sin_addr.s_addr = htonl(0x0a000202)};
	static char buf[1 << 16];
	uint64_t left = (uint64_t)mb << 20, sum = 0;
	char head[9] = {direction};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memcpy(head + 1, &left, sizeof(left));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    write(fd, head, sizeof(head)) != sizeof(head)) {
		perror("the host's server");
		exit(1);
	}
	while (left) {
		size_t want = left < sizeof(buf) ? (size_t)left : sizeof(buf);
		ssize_t n = direction == 'u' ? write(fd, buf, want) : read(fd, buf, want);

		if (n <= 0)
			break;
		left -= (uint64_t)n;
		sum += (uint64_t)n;
	}
	if (direction == 'u' && read(fd, buf, 1) != 1)
		sum = 0;
	close(fd);
	return sum;
}

uint64_t netup(unsigned rounds)
{
	return net_bytes('u', rounds);
}

uint64_t netdown(unsigned rounds)
{
	return net_bytes('d', rounds);
}
