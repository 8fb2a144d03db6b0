/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's answer to cpu/debug.h; the translator shares it, since stepping and blocks with
 * breakpoints are the interpreter's.
 *
 * One instruction alone is a block of its own (code.c, `stepping`), run with one instruction left.
 * A watched access ends like one that takes an exception, but for the exception (points.h).
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/csr.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/points.h"

static void do_one(struct interp *c)
{
	struct rv64_hart *h = &c->run.hart;

	c->code.jump[rv64_jump_index(h, h->pc)].tag = RV64_CODE_NONE;
	rv64_mmu_void_code(&c->run.hart.mmu);
	c->code.stepping = true;
	c->slice = 1;
	c->left = 1;
	c->end = h->retired + 1;
	interp_execute(c);
	c->code.stepping = false;
	rv64_set_retired(h, c->end - (uint64_t)c->left);
}

enum cpu_exit rv64_debug_step(struct interp *c)
{
	struct rv64_hart *h = &c->run.hart;

	rv64_run_take_start(&c->run);
	h->event = (struct cpu_debug_event){.cause = CPU_DEBUG_STEP, .addr = h->pc};
	if (!atomic_load(&h->stopped)) {
		atomic_fetch_and(&h->attention, ~RV64_ATTN_WFI);
		do_one(c); /* which may meet a watchpoint */
		atomic_fetch_and(&h->attention, ~RV64_ATTN_DEBUG);
	}
	return CPU_EXIT_DEBUG;
}

/* ---- the operations ---- */

static bool same_points(const struct cpu_point *a, const struct cpu_point *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a[i].kind != b[i].kind || a[i].addr != b[i].addr || a[i].len != b[i].len)
			return false;
	return true;
}

/* Whether the first set is what is wanted already; breakpoints and watchpoints apart. */
static bool same_set(const struct cpu_point *old, unsigned n_old, const struct cpu_point *new,
		     unsigned n_new)
{
	return n_old == n_new && same_points(old, new, n_new);
}

static int debug_set_points(struct cpu_vm *vm, const struct cpu_point *p, unsigned n)
{
	struct rv64_points *set = &((struct rv64_run_vm *)(void *)vm)->points;
	struct cpu_point brk[CPU_MAX_POINTS], watch[CPU_MAX_POINTS];
	unsigned n_breaks = 0, n_watches = 0;
	bool same_breaks, same_watches;

	if (n > CPU_MAX_POINTS)
		return -ENOSPC;
	for (unsigned i = 0; i < n; i++) {
		if (p[i].kind == CPU_POINT_BREAK)
			brk[n_breaks++] = p[i];
		else
			watch[n_watches++] = p[i];
	}
	same_breaks = same_set(set->brk, set->n_breaks, brk, n_breaks);
	same_watches = same_set(set->watch, set->n_watches, watch, n_watches);
	if (same_breaks && same_watches)
		return 0;
	memcpy(set->brk, brk, n_breaks * sizeof(brk[0]));
	memcpy(set->watch, watch, n_watches * sizeof(watch[0]));
	set->n_breaks = n_breaks;
	set->n_watches = n_watches;
	if (!++set->serial)
		set->serial = 1;
	for (unsigned i = 0; i < vm->cfg.n_harts; i++) {
		struct interp *c = interp_of(rv64_hart_of(vm->cpu[i]));

		c->run.hart.points = n ? set : NULL;
		rv64_code_flush(&c->code, 0, UINT64_MAX);
		if (!same_watches)
			rv64_mmu_flush(&c->run.hart);
	}
	return 0;
}

static void debug_set_step(struct cpu *cpu, bool on)
{
	struct rv64_hart *h = rv64_hart_of(cpu);

	interp_of(h)->stepping = on;
	h->event.cause = CPU_DEBUG_NONE;
}

static void debug_event(const struct cpu *cpu, struct cpu_debug_event *event)
{
	*event = ((const struct rv64_hart *)(const void *)cpu)->event;
}

static int debug_csr_read(struct cpu *cpu, unsigned num, uint64_t *value)
{
	return rv64_csr_peek(rv64_hart_of(cpu), num, value) ? -ENOENT : 0;
}

static int debug_csr_write(struct cpu *cpu, unsigned num, uint64_t value)
{
	struct rv64_hart *h = rv64_hart_of(cpu);
	uint64_t old;

	if (rv64_csr_peek(h, num, &old))
		return -ENOENT;
	return bits_get(num, 11, 10) == 3 || rv64_csr_poke(h, num, value) ? -EPERM : 0;
}

static int debug_translate(struct cpu *cpu, uint64_t va, uint64_t *pa)
{
	return rv64_debug_translate(rv64_hart_of(cpu), va, pa);
}

const struct cpu_debug_ops rv64_debug_ops = {
	.set_points = debug_set_points,
	.set_step = debug_set_step,
	.event = debug_event,
	.csr_read = debug_csr_read,
	.csr_write = debug_csr_write,
	.translate = debug_translate,
};
