/* SPDX-License-Identifier: MIT */
/*
 * Instructions from anywhere: the input is a few registers and then code. Each word is decoded,
 * which must give something with a handler and fields in range, and the code is executed for a few
 * hundred instructions in a machine of its own, where nothing it does may leave that machine; once
 * interpreted, and once translated, which must come to the same.
 *
 * Input: byte 0: bit 0 S mode instead of M mode, bit 1 the registers are addresses of RAM, bit 2
 * FP on; 8 bytes for each of x1 to x8; code.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "bus/bus.h"
#include "cpu/cpu.h"
#include "cpu/rv64/hart.h"
#include "cpu/rv64/insn.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/jit.h"
#include "mem/gmem.h"

#define RAM      0x80000000ull
#define RAM_SIZE 0x10000ull
#define CODE_MAX 1024u
#define N_REGS   8u

struct machine {
	struct gmem *mem;
	struct bus *bus;
	struct cpu_vm *vm;
	struct cpu *cpu;
	uint64_t writes; /* code_writes() before the program */
};

static uint64_t time_now(void *arg, struct cpu *cpu)
{
	(void)arg;
	return cpu->vm->engine->retired(cpu);
}

static void machine_init(struct machine *m, const struct cpu_engine *engine)
{
	struct cpu_vm_config cfg = {
		.n_harts = 1, .timebase_hz = 10000000, .in_turns = true, .env.time_now = time_now};
	struct err e;

	if (gmem_new(&m->mem) || gmem_add_ram(m->mem, RAM, RAM_SIZE) || bus_new(&m->bus))
		abort();
	cfg.mem = m->mem;
	cfg.bus = m->bus;
	if (engine->vm_new(&cfg, &m->vm, &e) || engine->cpu_new(m->vm, 0, &m->cpu))
		abort();
	/* Everything is translated at once, and soon dropped again. */
	rv64_jit_set_hot(interp_of(rv64_hart_of(m->cpu)), 1);
	rv64_jit_set_room(interp_of(rv64_hart_of(m->cpu)), 64 << 10, 32 << 10);
}

/* How often pages with code were written. Code that changes itself may be executed in either
 * version as long as there is no fence.i. */
static uint64_t code_writes(const struct machine *m)
{
	uint64_t n = 0;

	for (uint64_t at = 0; at < RAM_SIZE; at += GMEM_PAGE_SIZE)
		n += atomic_load(gmem_code_word(m->mem, RAM + at)) / 2;
	return n;
}

static void decode_all(const uint8_t *code, size_t len)
{
	for (size_t i = 0; i + 4 <= len; i += 2) {
		struct rv64_insn in;
		uint32_t bits;

		memcpy(&bits, code + i, 4);
		rv64_decode(bits, &in);
		assert(in.id < RV64_N_INSNS && (in.len == 2 || in.len == 4));
		assert(in.rd < 32 && in.rs1 < 32 && in.rs2 < 32 && in.rs3 < 32 && in.rm < 8);
	}
}

static void execute(struct machine *m, uint8_t flags, const uint8_t *regs, const uint8_t *code,
		    size_t len)
{
	const struct cpu_engine *engine = m->vm->engine;
	struct rv64_hart *h = rv64_hart_of(m->cpu);
	/* Near the end of a page, so that instructions cross it. */
	uint64_t pc = RAM + 0x2000 - 64;
	struct cpu_regs r;
	int exit;

	memset(gmem_map(m->mem, RAM, RAM_SIZE), 0, RAM_SIZE);
	memcpy(gmem_map(m->mem, pc, len), code, len);
	gmem_note_write(m->mem, RAM, RAM_SIZE);
	m->writes = code_writes(m);
	engine->reset(m->cpu);
	if (engine->start(m->cpu, pc, 0))
		abort();
	engine->get_regs(m->cpu, &r);
	r.pc = pc;
	r.priv = flags & 1 ? 1 : 3;
	for (unsigned i = 0; i < N_REGS; i++) {
		uint64_t v;

		memcpy(&v, regs + 8 * i, 8);
		r.x[i + 1] = flags & 2 ? RAM + v % RAM_SIZE : v;
	}
	engine->set_regs(m->cpu, &r);
	if (flags & 4)
		h->csr.mstatus |= 1u << 13;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t before = engine->retired(m->cpu);

		exit = (int)engine->run(m->cpu, 100);
		assert(exit == CPU_EXIT_BUDGET || exit == CPU_EXIT_IDLE);
		assert(engine->retired(m->cpu) - before <= 200);
		assert(h->x[0] == 0);
	}
}

static void compare(const struct machine *a, const struct machine *b)
{
	const struct rv64_hart *x = rv64_hart_of(a->cpu), *y = rv64_hart_of(b->cpu);

	if (a->writes != code_writes(a) || b->writes != code_writes(b))
		return;
	assert(x->pc == y->pc && x->priv == y->priv && x->retired == y->retired);
	assert(!memcmp(x->x, y->x, 32 * sizeof(x->x[0])));
	assert(!memcmp(x->f, y->f, sizeof(x->f)));
	assert(x->fflags == y->fflags && x->frm == y->frm);
	assert(x->csr.mstatus == y->csr.mstatus && x->csr.mcause == y->csr.mcause);
	assert(gmem_sum(a->mem) == gmem_sum(b->mem));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m[2]; /* made once: making them costs more than a run */
	size_t head = 1 + 8 * N_REGS;
	size_t len;

	if (size < head + 2)
		return 0;
	len = size - head;
	if (len > CODE_MAX)
		len = CODE_MAX;
	decode_all(data + head, len);
	for (unsigned i = 0; i < 2; i++) {
		if (!m[i].cpu)
			machine_init(&m[i], cpu_engines[i ? 0 : cpu_n_engines - 1]);
		execute(&m[i], data[0], data + 1, data + head, len);
	}
	compare(&m[0], &m[1]);
	return 0;
}
