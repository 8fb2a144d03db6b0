/* SPDX-License-Identifier: MIT */
/*
 * The host-target interface (HTIF) of Berkeley's simulators, the way out for programs that know of
 * no board: two words of 64 bits in guest memory, `tohost` and `fromhost`. The program stores a
 * command in tohost, which reads 0 again when it has been taken; answers arrive in fromhost.
 *
 *	device 0, command 0	an odd payload ends the run with the status payload >> 1; an even
 *				one is the address of a system call: its number and arguments, 64
 *				bits each. `write` (64) to descriptor 1 or 2 and `exit` (93) are
 *				known, others give -ENOSYS. The result replaces the number, then
 *				fromhost becomes 1.
 *	device 1, command 1	prints the payload's low byte; no answer
 *
 * Everything else is taken and ignored. Stores to RAM cannot be seen when they happen, so the loop
 * looks at tohost now and then: soon after a command, ever more rarely in between, so that waiting
 * for it costs a program at most as long as it had been quiet before.
 *
 * All of it on the loop's thread.
 */
#ifndef HW_HTIF_H
#define HW_HTIF_H

#include <stddef.h>
#include <stdint.h>

struct gmem;
struct htif;
struct loop;

struct htif_config {
	struct loop *loop;
	const struct gmem *mem;
	uint64_t tohost;   /* guest physical addresses, multiples of 8 */
	uint64_t fromhost; /* 0: the program has none, and wants no answers */
	/* Output; returns how many bytes it took, and is asked again for the rest. */
	size_t (*write)(void *arg, const uint8_t *buf, size_t len);
	/* The program has ended; called once. */
	void (*exit)(void *arg, uint64_t status);
	void *arg;
};

/* 0, -EINVAL: a word is not aligned or not in RAM, or -ENOMEM. */
int htif_new(const struct htif_config *cfg, struct htif **out);
/* NULL is allowed. */
void htif_free(struct htif *h);

#endif
