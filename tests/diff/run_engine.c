/* SPDX-License-Identifier: MIT */
/*
 * A machine of nothing but memory and one hart. The program runs in S mode without translation; its
 * system calls arrive as calls of the firmware. A few instructions before it turn floating point on
 * and send traps, which a program never takes, to a call of our own.
 */
#include "run_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "bus/bus.h"
#include "cpu/cpu.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/jit.h"
#include "encode.h"
#include "mem/gmem.h"

#define RAM UINT64_C(0x80000000)

#define CALL_WRITE 64
#define CALL_EXIT  93
#define CALL_TRAP  2000

/* More than any program needs. */
#define BUDGET_PER_CASE 2000

#define CSR_SSTATUS 0x100
#define CSR_STVEC   0x105
#define CSR_SEPC    0x141
#define CSR_SCAUSE  0x142
#define CSR_STVAL   0x143

struct rig {
	struct gmem *mem;
	struct bus *bus;
	struct cpu_vm *vm;
	const struct cpu_engine *engine;
	int status; /* -1: still running */
};

static void system_call(void *arg, struct cpu *cpu, uint64_t a[8])
{
	struct rig *rig = arg;
	const void *bytes;

	switch (a[7]) {
	case CALL_WRITE:
		bytes = gmem_map(rig->mem, a[1], a[2]);
		a[0] = bytes ? (uint64_t)write((int)a[0], bytes, a[2]) : UINT64_MAX;
		return;
	case CALL_EXIT: rig->status = (int)(a[0] & 0xff); break;
	case CALL_TRAP:
		fprintf(stderr, "trap %llu at pc 0x%llx, value 0x%llx\n", (unsigned long long)a[0],
			(unsigned long long)a[1], (unsigned long long)a[2]);
		rig->status = 125;
		break;
	default:
		fprintf(stderr, "system call %llu\n", (unsigned long long)a[7]);
		rig->status = 125;
		break;
	}
	rig->engine->kick(cpu);
}

static uint64_t no_time(void *arg, struct cpu *cpu)
{
	return 0;
}

static int make(struct rig *rig, const struct program *p, struct cpu **cpu, struct err *e)
{
	uint64_t size = align_up(PROGRAM_BASE - RAM + p->size, GMEM_PAGE_SIZE);
	struct cpu_vm_config cfg = {
		.env = {.arg = rig, .ecall = system_call, .time_now = no_time},
		.n_harts = 1,
		.timebase_hz = 10000000,
		.in_turns = true,
	};
	int err = gmem_new(&rig->mem);

	if (!err)
		err = gmem_add_ram(rig->mem, RAM, size);
	if (!err)
		err = bus_new(&rig->bus);
	if (err)
		return err_set(e, err, "no memory for a machine: %s", strerror(-err));
	cfg.mem = rig->mem;
	cfg.bus = rig->bus;
	err = rig->engine->vm_new(&cfg, &rig->vm, e);
	if (err)
		return err;
	err = rig->engine->cpu_new(rig->vm, 0, cpu);
	if (!err) /* once in the interpreter, then compiled */
		rv64_jit_set_hot(interp_of(rv64_hart_of(*cpu)), 2);
	return err ? err_set(e, err, "no hart: %s", strerror(-err)) : 0;
}

static void add_shim(struct gmem *mem)
{
	const unsigned t0 = 5, a0 = 10, a1 = 11, a2 = 12, a7 = 17;
	const uint32_t code[] = {
		enc_u(OP_LUI, t0, 1u << 13), /* FS = Initial */
		enc_i(OP_CSRRS, 0, t0, CSR_SSTATUS),
		enc_u(OP_AUIPC, t0, 0),
		enc_i(OP_ADDI, t0, t0, 4 * 4),
		enc_i(OP_CSRRW, 0, t0, CSR_STVEC),
		enc_i(OP_JALR, 0, a1, 0),
		/* the handler */
		enc_i(OP_CSRRS, a0, 0, CSR_SCAUSE),
		enc_i(OP_CSRRS, a1, 0, CSR_SEPC),
		enc_i(OP_CSRRS, a2, 0, CSR_STVAL),
		enc_i(OP_ADDI, a7, 0, CALL_TRAP),
		OP_ECALL,
	};

	memcpy(gmem_map(mem, RAM, sizeof(code)), code, sizeof(code));
}

static void run(struct rig *rig, struct cpu *cpu, const struct program *p)
{
	uint64_t budget = (p->n_cases + 1ull) * BUDGET_PER_CASE * PROGRAM_ROUNDS;
	struct cpu_regs regs;

	add_shim(rig->mem);
	memcpy(gmem_map(rig->mem, PROGRAM_BASE, p->size), p->image, p->size);
	if (rig->engine->start(cpu, RAM, p->entry)) {
		fputs("the hart does not start\n", stderr);
		return;
	}
	while (rig->status < 0 && rig->engine->retired(cpu) < budget)
		if (rig->engine->run(cpu, budget) == CPU_EXIT_IDLE)
			break;
	if (rig->status >= 0)
		return;
	rig->engine->get_regs(cpu, &regs);
	fprintf(stderr, "no end after %llu instructions, pc 0x%llx\n",
		(unsigned long long)rig->engine->retired(cpu), (unsigned long long)regs.pc);
}

int run_engine(const char *engine, const struct program *p)
{
	struct rig rig = {.engine = cpu_engine_find(engine), .status = -1};
	struct err e = {0};
	struct cpu *cpu = NULL;

	if (!rig.engine) {
		fprintf(stderr, "there is no engine %s\n", engine);
		return 125;
	}
	if (make(&rig, p, &cpu, &e))
		fprintf(stderr, "%s\n", e.text);
	else
		run(&rig, cpu, p);
	if (rig.vm)
		rig.engine->vm_free(rig.vm);
	bus_free(rig.bus);
	gmem_free(rig.mem);
	return rig.status < 0 ? 125 : rig.status;
}
