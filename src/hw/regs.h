/* SPDX-License-Identifier: MIT */
/*
 * A block of plain registers of 32 bits: what is written is read back. For controllers whose
 * drivers set things up and look at what they have set, while nothing in this machine depends on
 * it; a machine may listen to what is written, and answer for single registers.
 *
 * Accesses of 1, 2, 4 and 8 bytes, aligned; each register is an atomic of its own.
 */
#ifndef HW_REGS_H
#define HW_REGS_H

#include <stdbool.h>
#include <stdint.h>

struct bus;
struct regs;

struct regs_value {
	uint32_t offset, value;
};

struct regs_config {
	struct bus *bus;
	uint64_t base, size;            /* size: a multiple of 8 */
	const char *name;               /* kept alive by the caller, as the two below */
	const struct regs_value *reset; /* what is not 0 after reset */
	unsigned n_reset;
	bool absent; /* of hardware that this machine has not: reads as 0, and stores do nothing */
	/* Before an access to the register at `offset`; on the vCPU's thread, and may be NULL. */
	void (*touched)(void *arg, uint32_t offset, bool is_write);
	/* After a store: the register at `offset` was `old`. On the thread of the vCPU that stores;
	 * may be NULL. */
	void (*written)(void *arg, uint32_t offset, uint32_t old, uint32_t value);
	void *arg;
};

/* 0 or -errno. */
int regs_new(const struct regs_config *cfg, struct regs **out);
void regs_reset(struct regs *r);
/* NULL is allowed. */
void regs_free(struct regs *r);

/* Any thread. `offset` is that of a register. */
uint32_t regs_get(const struct regs *r, uint32_t offset);
void regs_set(struct regs *r, uint32_t offset, uint32_t value);

#endif
