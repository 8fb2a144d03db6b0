/* SPDX-License-Identifier: MIT */
/*
 * The engine `interp`: cpu.h's functions around the dispatch loop. The engine `jit` is the same
 * with a translator for hot blocks (jit/jit.h).
 *
 * run() alternates between looking at what asks for attention (requests of other harts, a kick,
 * stop, wfi, interrupts) and letting interp_execute() go on for a slice of instructions. Timers are
 * compared with the time once a slice and when the guest changes something about interrupts, but
 * for enabling them all where none was pending since the slice began (rv64_hart.quiet); that is all
 * the use that is made of clocks.
 */
#include "cpu/rv64/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "cpu/rv64/csr.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/cache.h"
#include "cpu/rv64/jit/jit.h"
#include "mem/gmem.h"

/* Instructions between two looks at the time: some 20 us. Compiled code is faster; with a budget
 * both engines look at the same places. */
#define SLICE     8192
#define SLICE_JIT 32768

#define GO_ON (-1)

static struct interp *interp_from(struct cpu *cpu)
{
	return interp_of(rv64_hart_of(cpu));
}

static struct rv64_run_vm *run_vm(struct cpu_vm *vm)
{
	return (struct rv64_run_vm *)(void *)vm;
}

/* ---- what the shared part asks of this engine ---- */

static void interp_sync(struct rv64_hart *h)
{
	struct interp *c = interp_of(h);

	if (c->op)
		rv64_set_retired(h, c->end - (uint64_t)c->left + rv64_block_index(c->block, c->op));
	else if (c->native_call)
		rv64_set_retired(h, c->end - (uint64_t)c->left);
	rv64_jit_fp_end(c);
}

static void interp_do_fence_i(struct rv64_hart *h)
{
	rv64_code_fence_i(&interp_of(h)->code);
}

static void interp_fetch_flush(struct rv64_hart *h, uint64_t va, uint64_t size)
{
	rv64_code_flush(&interp_of(h)->code, va, size);
}

static const struct rv64_run_ops run_ops = {
	.sync = interp_sync,
	.fence_i = interp_do_fence_i,
	.fetch_flush = interp_fetch_flush,
};

static void protect_everywhere(struct rv64_hart *h, uint64_t pa)
{
	const struct rv64_request req = {.kind = RV64_REQ_PROTECT, .start = pa};

	rv64_run_request_all(rv64_run_of(h), &req);
}

/* ---- making and freeing ---- */

static int check_config(const struct cpu_vm_config *cfg, struct err *e)
{
	if (!cfg->n_harts || cfg->n_harts > CPU_MAX_HARTS)
		return err_set(e, -EINVAL, "%u harts: the engine has 1 to %u", cfg->n_harts,
			       CPU_MAX_HARTS);
	if (!cfg->timebase_hz || 1000000000u % cfg->timebase_hz)
		return err_set(e, -EINVAL, "a timebase of %u Hz: it has to divide 10^9",
			       cfg->timebase_hz);
	for (unsigned i = 0; i < cfg->mem->n; i++) {
		const struct gmem_region *r = &cfg->mem->region[i];

		if ((r->gpa + r->size - 1) >> RV64_CODE_PA_BITS)
			return err_set(e, -EINVAL, "memory at 0x%llx: it must lie below 2^%u",
				       (unsigned long long)r->gpa, RV64_CODE_PA_BITS);
	}
	return 0;
}

static int vm_new(const struct cpu_engine *engine, const struct cpu_vm_config *cfg,
		  struct cpu_vm **out, struct err *e)
{
	struct rv64_run_vm *vm;
	int err = check_config(cfg, e);

	if (err)
		return err;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return err_set(e, -ENOMEM, "no memory for the engine");
	err = rv64_run_vm_init(vm);
	if (err) {
		free(vm);
		return err_set(e, err, "no memory for the engine");
	}
	vm->vm.engine = engine;
	vm->vm.cfg = *cfg;
	if (cfg->beside) {
		vm->beside = run_vm(cfg->beside);
		vm->beside->beside = vm;
	}
	*out = &vm->vm;
	return 0;
}

static int interp_vm_new(const struct cpu_vm_config *cfg, struct cpu_vm **out, struct err *e)
{
	return vm_new(&rv64_interp_engine, cfg, out, e);
}

static void interp_free(struct interp *c)
{
	rv64_jit_detach(c);
	rv64_code_fini(&c->code);
	rv64_mmu_fini(&c->run.hart);
	rv64_run_fini(&c->run);
	free(c);
}

static void interp_vm_free(struct cpu_vm *vm)
{
	if (!vm)
		return;
	if (run_vm(vm)->beside)
		run_vm(vm)->beside->beside = NULL;
	for (unsigned i = 0; i < vm->cfg.n_harts; i++)
		if (vm->cpu[i])
			interp_free(interp_from(vm->cpu[i]));
	rv64_run_vm_fini(run_vm(vm));
	free(run_vm(vm));
}

static int interp_cpu_new(struct cpu_vm *vm, unsigned id, struct cpu **out)
{
	struct interp *c = calloc(1, sizeof(*c));
	struct rv64_hart *h;
	int err;

	if (!c)
		return -ENOMEM;
	h = &c->run.hart;
	h->cpu.vm = vm;
	h->cpu.id = id;
	err = rv64_run_init(&c->run, &run_ops);
	if (err)
		goto fail;
	err = rv64_mmu_init(h);
	if (err)
		goto fail_run;
	err = rv64_code_init(&c->code, h, interp_execute(NULL));
	if (err)
		goto fail_code;
	c->code.protect = protect_everywhere;
	c->code.claiming = &run_vm(vm->cfg.beside ? vm->cfg.beside : vm)->claiming;
	rv64_hart_reset(h);
	atomic_store(&h->attention, RV64_ATTN_STOP);
	vm->cpu[id] = &h->cpu;
	*out = &h->cpu;
	return 0;
fail_code:
	rv64_code_fini(&c->code);
	rv64_mmu_fini(h);
fail_run:
	rv64_run_fini(&c->run);
fail:
	free(c);
	return err;
}

/* ---- running ---- */

static void take_interrupt(struct rv64_hart *h)
{
	int irq;

	/* Cleared first: what comes in from here on is seen next time. */
	atomic_fetch_and(&h->attention, ~RV64_ATTN_IRQ);
	/* With a budget the places where a timer is seen are exact ones. */
	if (interp_of(h)->budget == INTERP_NO_BUDGET && !rv64_wfi_wakes(h)) {
		h->quiet = MSTATUS_SIE | MSTATUS_MIE;
		return;
	}
	h->quiet = 0;
	irq = rv64_interrupt_pending(h);
	if (irq >= 0)
		rv64_interrupt(h, (unsigned)irq);
}

/* The hart is stopped, or was. */
static int look_stop(struct rv64_run *r)
{
	struct rv64_hart *h = &r->hart;

	for (;;) {
		bool stopped;

		atomic_fetch_and(&h->attention, ~RV64_ATTN_STOP);
		/* Read first: a start that comes in between is then taken in the next round. */
		stopped = atomic_load(&h->stopped);
		if (rv64_run_take_start(r) || !stopped)
			return GO_ON;
		if (h->cpu.vm->cfg.in_turns)
			break;
		rv64_run_sleep(r, RV64_ATTN_STOP | RV64_ATTN_KICK, UINT64_MAX);
		if (atomic_load(&h->attention) & RV64_ATTN_KICK)
			break;
	}
	/* So that the next run() comes here again; a kick is still to be answered. */
	atomic_fetch_or(&h->attention, RV64_ATTN_STOP);
	return h->cpu.vm->cfg.in_turns ? CPU_EXIT_IDLE : GO_ON;
}

/* The hart waits for an interrupt. The bit stays set until one is there, so that run() may be left
 * and entered meanwhile. */
static int look_wfi(struct rv64_run *r)
{
	struct rv64_hart *h = &r->hart;

	for (;;) {
		atomic_fetch_and(&h->attention, ~RV64_ATTN_IRQ);
		if (rv64_wfi_wakes(h))
			break;
		if (h->cpu.vm->cfg.in_turns)
			return CPU_EXIT_IDLE;
		if (atomic_load(&h->attention) & RV64_ATTN_KICK)
			return GO_ON;
		rv64_run_sleep(r, RV64_ATTN_IRQ | RV64_ATTN_KICK, rv64_next_deadline(h));
	}
	atomic_fetch_and(&h->attention, ~RV64_ATTN_WFI);
	take_interrupt(h);
	return GO_ON;
}

/* Does what attention asks for. GO_ON, or why run() ends. */
static int look(struct rv64_run *r)
{
	struct rv64_hart *h = &r->hart;
	uint32_t bits;
	int result = GO_ON;

	while (result == GO_ON && (bits = atomic_load(&h->attention))) {
		if (bits & RV64_ATTN_FENCE)
			rv64_run_serve(r);
		if (bits & RV64_ATTN_DEBUG) {
			atomic_fetch_and(&h->attention, ~RV64_ATTN_DEBUG);
			result = CPU_EXIT_DEBUG;
		} else if (bits & RV64_ATTN_KICK) {
			atomic_fetch_and(&h->attention, ~RV64_ATTN_KICK);
			result = CPU_EXIT_KICKED;
		} else if (bits & RV64_ATTN_STOP) {
			result = look_stop(r);
		} else if (bits & RV64_ATTN_WFI) {
			result = look_wfi(r);
		} else if (bits & RV64_ATTN_IRQ) {
			take_interrupt(h);
		}
	}
	return result;
}

static void begin_slice(struct interp *c)
{
	uint64_t usual = SLICE;

	/* Of different lengths, so that they do not all end in one place of a loop
	 * (rv64_jit_seen()). */
	if (c->jit && c->budget == INTERP_NO_BUDGET)
		usual = SLICE_JIT - ((uint32_t)c->run.hart.retired * RV64_JUMP_MIX >> 20);
	c->slice = min_u64(c->budget, usual);
	c->left = (int64_t)c->slice;
	c->end = c->run.hart.retired + c->slice;
}

static void end_slice(struct interp *c)
{
	uint64_t used = c->slice - (uint64_t)c->left;

	rv64_set_retired(&c->run.hart, c->end - (uint64_t)c->left);
	if (c->budget != INTERP_NO_BUDGET)
		c->budget -= min_u64(used, c->budget);
}

static void execute(struct interp *c)
{
	begin_slice(c);
	interp_execute(c);
	end_slice(c);
	c->run.hart.quiet = 0;
	if (c->left <= 0) {
		rv64_jit_seen(c);
		take_interrupt(&c->run.hart);
	}
}

void interp_look(struct interp *c)
{
	struct rv64_hart *h = &c->run.hart;

	if (c->left <= 0 || c->native_cut || c->budget <= c->slice - (uint64_t)c->left ||
	    atomic_load(&h->attention) != RV64_ATTN_IRQ)
		return;
	if (c->budget == INTERP_NO_BUDGET) {
		take_interrupt(h);
		return;
	}
	end_slice(c);
	take_interrupt(h);
	begin_slice(c);
}

static enum cpu_exit interp_run(struct cpu *cpu, uint64_t budget)
{
	struct interp *c = interp_from(cpu);
	int result;

	rv64_run_enter(&c->run);
	c->run.hart.event.cause = CPU_DEBUG_NONE;
	c->run.hart.quiet = 0;
	c->budget = budget ? budget : INTERP_NO_BUDGET;
	for (;;) {
		result = unlikely(c->stepping) ? (int)rv64_debug_step(c) : look(&c->run);
		if (result != GO_ON)
			break;
		if (!c->budget) {
			result = CPU_EXIT_BUDGET;
			break;
		}
		execute(c);
	}
	rv64_run_leave(&c->run);
	return (enum cpu_exit)result;
}

/* ---- from any thread ---- */

static void interp_kick(struct cpu *cpu)
{
	rv64_run_notify(&interp_from(cpu)->run, RV64_ATTN_KICK);
}

static void interp_set_irq(struct cpu *cpu, enum cpu_irq irq, bool level)
{
	struct rv64_run *r = &interp_from(cpu)->run;

	if (level) {
		atomic_fetch_or(&r->hart.lines, BIT(irq));
		rv64_run_notify(r, RV64_ATTN_IRQ);
	} else {
		atomic_fetch_and(&r->hart.lines, ~BIT(irq));
	}
}

static void interp_set_timer(struct cpu *cpu, enum cpu_timer timer, uint64_t deadline)
{
	struct rv64_run *r = &interp_from(cpu)->run;

	atomic_store(timer == CPU_TIMER_M ? &r->hart.timer_m : &r->hart.timer_s, deadline);
	rv64_run_notify(r, RV64_ATTN_IRQ);
}

static uint64_t interp_next_deadline(struct cpu *cpu)
{
	return rv64_next_deadline(rv64_hart_of(cpu));
}

static int interp_start(struct cpu *cpu, uint64_t pc, uint64_t opaque)
{
	return rv64_run_start(&interp_from(cpu)->run, pc, opaque);
}

static void interp_stop(struct cpu *cpu)
{
	rv64_run_stop(&interp_from(cpu)->run);
}

static bool interp_is_stopped(const struct cpu *cpu)
{
	return atomic_load(&((const struct rv64_hart *)(const void *)cpu)->stopped);
}

static void interp_reset(struct cpu *cpu)
{
	struct interp *c = interp_from(cpu);

	rv64_run_take_start(&c->run);
	rv64_hart_reset(&c->run.hart);
	rv64_code_reset(&c->code);
	atomic_store(&c->run.hart.attention, RV64_ATTN_STOP);
}

static void interp_fence(struct cpu_vm *vm, uint64_t hart_mask, enum cpu_fence_kind kind,
			 uint64_t start, uint64_t size, uint64_t asid)
{
	struct rv64_request req = {
		.kind = kind == CPU_FENCE_I ? RV64_REQ_FENCE_I : RV64_REQ_VMA,
		.start = start,
		.size = size,
		.asid = kind == CPU_FENCE_VMA_ASID ? asid : UINT64_MAX,
	};

	rv64_run_request(run_vm(vm), hart_mask, &req);
}

static uint64_t interp_retired(const struct cpu *cpu)
{
	const struct rv64_hart *h = (const struct rv64_hart *)(const void *)cpu;

	return __atomic_load_n(&h->retired, __ATOMIC_RELAXED);
}

static void interp_get_regs(const struct cpu *cpu, struct cpu_regs *regs)
{
	const struct rv64_hart *h = (const struct rv64_hart *)(const void *)cpu;

	memcpy(regs->x, h->x, sizeof(regs->x));
	memcpy(regs->f, h->f, sizeof(regs->f));
	regs->pc = h->pc;
	regs->fcsr = h->fflags | (uint32_t)h->frm << 5;
	regs->priv = h->priv;
}

static void interp_set_regs(struct cpu *cpu, const struct cpu_regs *regs)
{
	struct interp *c = interp_from(cpu);
	struct rv64_hart *h = &c->run.hart;

	rv64_run_take_start(&c->run);
	memcpy(h->x, regs->x, sizeof(regs->x));
	h->x[0] = 0;
	memcpy(h->f, regs->f, sizeof(regs->f));
	h->pc = regs->pc & ~1ull;
	h->fflags = regs->fcsr & 31;
	h->frm = regs->fcsr >> 5 & 7;
	h->priv = regs->priv;
	rv64_mmu_context(h);
	atomic_fetch_or(&h->attention, RV64_ATTN_IRQ);
}

const struct cpu_engine rv64_interp_engine = {
	.name = "interp",
	.help = "interprets RISC-V instructions (RV64GC and more) on any host",
	.vm_new = interp_vm_new,
	.vm_free = interp_vm_free,
	.cpu_new = interp_cpu_new,
	.run = interp_run,
	.kick = interp_kick,
	.set_irq = interp_set_irq,
	.set_timer = interp_set_timer,
	.next_deadline = interp_next_deadline,
	.start = interp_start,
	.stop = interp_stop,
	.is_stopped = interp_is_stopped,
	.reset = interp_reset,
	.fence = interp_fence,
	.retired = interp_retired,
	.get_regs = interp_get_regs,
	.set_regs = interp_set_regs,
	.debug = &rv64_debug_ops,
};

#if defined(__x86_64__)
/* Some hosts do not let a program make code. */
static bool jit_usable(void)
{
	struct jit_cache cache;
	int err = jit_cache_init(&cache, (size_t)sysconf(_SC_PAGESIZE));

	jit_cache_fini(&cache);
	return !err;
}

static int jit_vm_new(const struct cpu_vm_config *cfg, struct cpu_vm **out, struct err *e)
{
	return vm_new(&rv64_jit_engine, cfg, out, e);
}

static int jit_cpu_new(struct cpu_vm *vm, unsigned id, struct cpu **out)
{
	int err = interp_cpu_new(vm, id, out);

	if (err)
		return err;
	err = rv64_jit_attach(interp_from(*out));
	if (err) {
		vm->cpu[id] = NULL;
		interp_free(interp_from(*out));
	}
	return err;
}

const struct cpu_engine rv64_jit_engine = {
	.name = "jit",
	.help = "compiles hot RISC-V code (RV64GC and more) to code of x86-64 hosts",
	.usable = jit_usable,
	.vm_new = jit_vm_new,
	.vm_free = interp_vm_free,
	.cpu_new = jit_cpu_new,
	.run = interp_run,
	.kick = interp_kick,
	.set_irq = interp_set_irq,
	.set_timer = interp_set_timer,
	.next_deadline = interp_next_deadline,
	.start = interp_start,
	.stop = interp_stop,
	.is_stopped = interp_is_stopped,
	.reset = interp_reset,
	.fence = interp_fence,
	.retired = interp_retired,
	.get_regs = interp_get_regs,
	.set_regs = interp_set_regs,
	.find_code = rv64_jit_find_code,
	.debug = &rv64_debug_ops,
};
#endif
