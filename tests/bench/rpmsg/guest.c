/* SPDX-License-Identifier: MIT */
/* In the guest, beside guest/firmware/apps/rpmsg.c, whose channels are FILEs:
 *	ping FILE SIZE COUNT	when write() began and ended, and read() ended
 *	send FILE SIZE COUNT	one way: the messages a second that the channel takes
 *	burst FILE SIZE COUNT	the other way: of linnet-burst
 * Times are the guest's in ns since power-on, which traces have as well. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX     496
#define NS_TICK 40u

static uint64_t now(void)
{
	uint64_t t;

	__asm__ volatile("rdtime %0" : "=r"(t));
	return t * NS_TICK;
}

static void need(ssize_t got, size_t wanted)
{
	if (got == (ssize_t)wanted)
		return;
	perror("rpmsg bench");
	exit(1);
}

static void ping(int fd, size_t size, unsigned count)
{
	uint8_t message[MAX] = {0};
	uint64_t *t = calloc(count, 3 * sizeof(*t));

	for (unsigned i = 0; t && i < count; i++) {
		t[3 * i] = now();
		need(write(fd, message, size), size);
		t[3 * i + 1] = now();
		need(read(fd, message, sizeof(message)), size);
		t[3 * i + 2] = now();
	}
	for (unsigned i = 0; t && i < count; i++)
		printf("%zu %lu %lu %lu\n", size, t[3 * i], t[3 * i + 1], t[3 * i + 2]);
}

static void tell_rate(const char *way, size_t size, unsigned count, uint64_t begin)
{
	printf("%s %zu %.0f\n", way, size, count / ((double)(now() - begin) / 1e9));
}

static void send_all(int fd, size_t size, unsigned count)
{
	uint8_t message[MAX] = {0};
	uint64_t begin = now();

	for (unsigned i = 0; i < count; i++)
		need(write(fd, message, size), size);
	tell_rate("send", size, count, begin);
}

static void burst(int fd, size_t size, unsigned count)
{
	uint32_t request[2] = {count, (uint32_t)size};
	uint8_t message[MAX];
	uint64_t begin = now();

	need(write(fd, request, sizeof(request)), sizeof(request));
	for (unsigned i = 0; i < count; i++)
		need(read(fd, message, sizeof(message)), size);
	tell_rate("burst", size, count, begin);
}

int main(int argc, char **argv)
{
	int fd = argc == 5 ? open(argv[2], O_RDWR) : -1;
	size_t size = argc == 5 ? (size_t)atoi(argv[3]) : 0;
	unsigned count = argc == 5 ? (unsigned)atoi(argv[4]) : 0;

	if (fd < 0 || !size || size > MAX)
		return 2;
	if (!strcmp(argv[1], "ping"))
		ping(fd, size, count);
	else if (!strcmp(argv[1], "send"))
		send_all(fd, size, count);
	else
		burst(fd, size, count);
	return 0;
}
