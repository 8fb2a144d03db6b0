/* SPDX-License-Identifier: MIT */
/* What the loads share: each does its work `rounds` times and returns what it computed. */
#ifndef BENCH_LOADS_H
#define BENCH_LOADS_H

#include <stdint.h>

/* Xorshift, from the same start in each run. */
static uint64_t random_state = 88172645463325252ull;

static inline uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* loads_devices.c. Sequential requests of 64 KiB, in megabytes; random ones of 4 KiB, in thousands;
 * bytes to and from the host's server, in megabytes. */
uint64_t blkread(unsigned rounds);
uint64_t blkwrite(unsigned rounds);
uint64_t blkrand(unsigned rounds);
uint64_t netup(unsigned rounds);
uint64_t netdown(unsigned rounds);
extern unsigned short server_port;

#endif
