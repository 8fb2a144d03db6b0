/* SPDX-License-Identifier: MIT */
/* The power switch "sifive,test1": a store of 0x5555 powers off, 0x7777 resets, and 0x3333 with a
 * code in the upper half reports a failure. Anything else is ignored. */
#ifndef HW_SYSCON_H
#define HW_SYSCON_H

#include <stdint.h>

struct bus;
struct syscon;

enum syscon_event { SYSCON_POWEROFF, SYSCON_RESET, SYSCON_FAIL };

struct syscon_config {
	struct bus *bus;
	uint64_t base; /* of 0x1000 bytes */
	/* On the thread of the vCPU that did it, which goes on; any number of times. */
	void (*event)(void *arg, enum syscon_event event, unsigned code);
	void *arg;
};

/* 0 or -errno. It has no state, so there is nothing to reset. */
int syscon_new(const struct syscon_config *cfg, struct syscon **out);
/* NULL is allowed. */
void syscon_free(struct syscon *s);

#endif
