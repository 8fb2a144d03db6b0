/* SPDX-License-Identifier: MIT */
/*
 * What an engine offers to a debugger: points to stop at, single steps, registers beyond
 * struct cpu_regs, and translation of addresses. Nothing here changes what the guest sees.
 *
 * All functions want no hart of the machine to be inside run(), and come from one thread at a time.
 */
#ifndef CPU_DEBUG_H
#define CPU_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct cpu_vm;

#define CPU_MAX_POINTS 256

enum cpu_point_kind {
	CPU_POINT_BREAK,  /* an instruction at addr is about to be executed */
	CPU_POINT_WRITE,  /* an instruction is about to write a byte of [addr, addr + len) */
	CPU_POINT_READ,   /* ... to read one; atomics other than lr only count as writing */
	CPU_POINT_ACCESS, /* ... either */
};

/* Addresses are virtual, of whatever address space a hart is in. */
struct cpu_point {
	enum cpu_point_kind kind;
	uint64_t addr;
	uint64_t len; /* at least 1; not used by CPU_POINT_BREAK */
};

enum cpu_debug_cause {
	CPU_DEBUG_NONE,  /* the last run() did not end with CPU_EXIT_DEBUG */
	CPU_DEBUG_STEP,  /* a step is done */
	CPU_DEBUG_POINT, /* a point was met */
};

struct cpu_debug_event {
	enum cpu_debug_cause cause;
	struct cpu_point point; /* CPU_DEBUG_POINT: as it was given */
	uint64_t addr;          /* of the instruction, or the first byte of the access */
};

struct cpu_debug_ops {
	/* From now on every run() of every hart ends with CPU_EXIT_DEBUG before an instruction that
	 * meets one of these n points, and no others. A hart that goes on there meets it at once.
	 * *p is copied. 0, or -ENOSPC when the engine cannot have so many (n <= CPU_MAX_POINTS):
	 * then nothing has changed. Cheap when nothing has. */
	int (*set_points)(struct cpu_vm *vm, const struct cpu_point *p, unsigned n);

	/* While on, run() executes one instruction, or takes the exception that it causes, and ends
	 * with CPU_EXIT_DEBUG. Interrupts wait, wfi does not, points of kind BREAK do not count. A
	 * hart that is stopped does nothing, but also ends with CPU_EXIT_DEBUG. In either case the
	 * last event is forgotten. */
	void (*set_step)(struct cpu *cpu, bool on);

	/* Why the hart's last run() ended. */
	void (*event)(const struct cpu *cpu, struct cpu_debug_event *event);

	/* By number, whatever the privilege; also on the hart's own thread, from its ecall.
	 * -ENOENT: there is none; -EPERM: it is read-only. */
	int (*csr_read)(struct cpu *cpu, unsigned num, uint64_t *value);
	int (*csr_write)(struct cpu *cpu, unsigned num, uint64_t value);

	/* The physical address of va as the hart's instruction fetches would have it, but whatever
	 * the privilege and permissions, and without a trace in the page tables. 0 or -EFAULT. */
	int (*translate)(struct cpu *cpu, uint64_t va, uint64_t *pa);
};

#endif
