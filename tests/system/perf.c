/* SPDX-License-Identifier: MIT */
/* Runs in the guest: what perf_event_open() counts around work of a known size. Prints
 * "NAME COUNT" lines. */
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOPS 1000000
#define PAGES 4096

static int open_counter(uint32_t type, uint64_t config)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = type, .config = config, .disabled = 1};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	if (fd < 0) {
		perror("perf_event_open");
		exit(1);
	}
	return fd;
}

static void loop(void)
{
	uint64_t n = LOOPS;

	__asm__ volatile("1: addi %0, %0, -1; bnez %0, 1b" : "+r"(n));
}

/* Each page once, in an order that large pages do not help. */
static void touch(void)
{
	volatile char *p = mmap(NULL, PAGES * 4096ul, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise((void *)p, PAGES * 4096ul, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < PAGES; i++)
		p[i * 4096ul] = 1;
	for (unsigned i = 0; i < PAGES; i++)
		(void)p[i * 4096ul];
	munmap((void *)p, PAGES * 4096ul);
}

static void count(const char *name, uint32_t type, uint64_t config, void (*work)(void))
{
	int fd = open_counter(type, config);
	uint64_t n = 0;

	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	work();
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		perror(name);
	printf("%s %lu\n", name, (unsigned long)n);
	close(fd);
}

#define DTLB(op) (PERF_COUNT_HW_CACHE_DTLB | (op) << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

int main(void)
{
	count("instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, loop);
	count("cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, loop);
	count("loads", PERF_TYPE_HW_CACHE, DTLB(PERF_COUNT_HW_CACHE_OP_READ), touch);
	count("stores", PERF_TYPE_HW_CACHE, DTLB(PERF_COUNT_HW_CACHE_OP_WRITE), touch);
	count("exceptions", PERF_TYPE_RAW, 1, touch);
	return 0;
}
