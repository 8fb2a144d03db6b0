/* SPDX-License-Identifier: MIT */
/*
 * Machine-level software interrupts and timers of up to 4095 harts, in the layout of SiFive's
 * CLINT, which is also that of the RISC-V ACLINT devices MSWI and MTIMER one behind the other:
 * msip at 0, mtimecmp at 0x4000, mtime at 0xbff8. Registers of 64 bits may be accessed in halves.
 * mtime follows the machine's clock; stores to it are ignored, since the `time` CSR has to agree.
 *
 * T-Head's variant ("thead,c900-clint"): mtime is missing, mtimecmp is accessed in halves only, and
 * S mode has registers of its own: ssip at 0xc000, stimecmp at 0xd000.
 */
#ifndef HW_ACLINT_H
#define HW_ACLINT_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/irq.h"

struct aclint;
struct bus;

struct aclint_config {
	struct bus *bus;
	uint64_t base; /* of 0x10000 bytes */
	unsigned n_harts;
	const struct irq *msip; /* n_harts wires; copied */
	bool c900;              /* T-Head's variant, with: */
	const struct irq *ssip; /* n_harts wires; copied */
	void (*set_stimer)(void *arg, unsigned hart, uint64_t deadline);
	/* Both on the thread of the vCPU that accesses a register. */
	uint64_t (*time_now)(void *arg);
	/* The timer interrupt of the hart is pending from `deadline` on; UINT64_MAX: never. */
	void (*set_timer)(void *arg, unsigned hart, uint64_t deadline);
	void *arg;
};

/* 0 or -errno. No interrupt is pending, every mtimecmp is UINT64_MAX. */
int aclint_new(const struct aclint_config *cfg, struct aclint **out);
/* As after aclint_new(); lowers the wires. While no vCPU runs. */
void aclint_reset(struct aclint *a);
/* NULL is allowed. */
void aclint_free(struct aclint *a);

#endif
