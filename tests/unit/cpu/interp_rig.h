/* SPDX-License-Identifier: MIT */
/*
 * A machine of nothing but memory, a bus with one device, and harts of an engine, for tests
 * that run programs. Functions fail the test when something cannot be made.
 */
#ifndef TESTS_UNIT_CPU_INTERP_RIG_H
#define TESTS_UNIT_CPU_INTERP_RIG_H

#include <stddef.h>

#include "bus/bus.h"
#include "cpu/cpu.h"
#include "cpu/halt_poll.h"
#include "mem/gmem.h"

#define RAM      0x80000000ull
#define RAM_SIZE 0x4000000ull
#define DEVICE   0x10000000ull /* 0x1000 bytes */

struct rig {
	struct gmem *mem;
	struct bus *bus;
	const struct cpu_engine *engine;
	struct cpu_vm *vm;
	struct cpu_vm *beside; /* or NULL */
	struct cpu *cpu[CPU_MAX_HARTS];
	struct halt_poll halt_poll; /* room for all, whatever the host has */
	void *arg;                  /* the test's */

	/* What the device does, on the thread of the hart that reads or writes; may be NULL. */
	void (*device)(struct rig *r, bool is_write, uint64_t offset, uint64_t *value);
};

struct rig_config {
	unsigned n_harts;
	bool in_turns;
	bool apart;              /* of two harts each is the first of a VM */
	struct cpu_watch *watch; /* or NULL */
	/* As in struct cpu_env, but arg is the rig; NULL: no ecall, and time that stands still. */
	void (*ecall)(void *rig, struct cpu *cpu, uint64_t a[8]);
	uint64_t (*time_now)(void *rig, struct cpu *cpu);
};

struct rig *rig_new(const struct rig_config *cfg);
void rig_free(struct rig *r);

/* Copies code or data into RAM, as a device would. */
void rig_write(struct rig *r, uint64_t gpa, const void *bytes, size_t len);
/* The program programs/NAME.S, made by the build, at RAM; its directory is argv[1] of the test. */
void rig_load(struct rig *r, const char *name);
void *rig_ptr(struct rig *r, uint64_t gpa);

/* Starts the hart at pc and runs it on this thread until it idles; returns its registers. */
struct cpu_regs rig_run(struct rig *r, unsigned hart, uint64_t pc);

/* Set by rig_args(): the programs' directory; the engine, default interp. jit compiles everything
 * at its first execution. */
extern const char *rig_programs, *rig_engine;
/* main's: [PROGRAMS [ENGINE]], where PROGRAMS may be "-". */
void rig_args(int argc, char **argv);

#endif
