/* SPDX-License-Identifier: MIT */
/*
 * What native code calls: memory accesses that the TLB did not let through, instructions without a
 * translation, and jumps whose target is not known yet.
 *
 * During a call all guest registers are in the hart, and `left` counts up to the block's entry, as
 * in the interpreter. In a memory access it counts up to the instruction, so that jit's sync (in
 * engine.c) need not know the block. A request by the hart itself for attention, as an interrupt
 * that a device access raised, has to stop native code at its next exit, where it only looks at
 * `left` (elsewhere it looks at attention too): `native_cut` lowers left and end alike, so that
 * their difference, the count of instructions, stays.
 */
#include "cpu/rv64/csr.h"
#include "cpu/rv64/jit/jit.h"
#include "cpu/rv64/jit/native.h"
#include "cpu/rv64/op_fp.h"

#include <string.h>

#define CUT (1ll << 40)

/* ---- floating point state ---- */

int jit_fp_begin(struct interp *c)
{
	struct rv64_hart *h = &c->run.hart;

	if (c->native_fp)
		return 0;
	if ((h->csr.mstatus & MSTATUS_FS) != MSTATUS_FS || !jit_host_rounds(h->frm))
		return 1;
	jit_host_fp_begin(h->frm);
	c->native_fp = true;
	return 0;
}

void rv64_jit_fp_end(struct interp *c)
{
	if (!c->native_fp)
		return;
	c->native_fp = false;
	c->run.hart.fflags |= (uint8_t)jit_host_fp_end();
}

/* ---- entering ---- */

static void cut(struct interp *c)
{
	if (c->native_cut || !atomic_load_explicit(&c->run.hart.attention, memory_order_relaxed))
		return;
	c->native_cut = true;
	c->left -= CUT;
	c->end -= CUT;
}

bool rv64_jit_run(struct interp *c, const void *native)
{
	bool go;

	jit_recall_check(c);
	go = c->jit->glue.enter(c, native);
	rv64_jit_fp_end(c);
	if (c->native_cut) {
		c->native_cut = false;
		c->left += CUT;
		c->end += CUT;
	}
	return go;
}

/* ---- memory ---- */

static uint64_t extend(uint64_t v, uint32_t info)
{
	unsigned unused = 64 - (8u << (info >> JIT_MEM_SIZE & 3));

	if (info & JIT_MEM_UNSIGNED)
		return v << unused >> unused;
	return (uint64_t)((int64_t)(v << unused) >> unused);
}

static int load(struct interp *c, uint64_t va, uint32_t info)
{
	struct rv64_hart *h = &c->run.hart;
	unsigned reg = info >> JIT_MEM_REG & 31;
	unsigned size = 1u << (info >> JIT_MEM_SIZE & 3);
	uint64_t value;
	int trapped = rv64_load_slow(h, va, size, &value);

	if (trapped)
		return trapped;
	c->value = value;
	if (!(info & JIT_MEM_FP)) {
		if (reg)
			h->x[reg] = extend(value, info);
	} else {
		h->f[reg] = size == 4 ? fpu_box_s((uint32_t)value) : value;
		h->csr.mstatus |= MSTATUS_FS;
	}
	return 0;
}

static int store(struct rv64_hart *h, uint64_t va, uint32_t info)
{
	unsigned reg = info >> JIT_MEM_REG & 31;
	uint64_t value = info & JIT_MEM_FP ? h->f[reg] : h->x[reg];

	return rv64_store_slow(h, va, 1u << (info >> JIT_MEM_SIZE & 3), value);
}

static int access_memory(struct interp *c, uint64_t va, uint32_t info)
{
	struct rv64_hart *h = &c->run.hart;
	unsigned index = info >> JIT_MEM_INDEX & 127;
	uint64_t served = c->run.served;
	bool fp = c->native_fp;
	int trapped;

	h->pc = c->run.hart.x[RV64_X_PAGE] + 2 * (uint64_t)(info & 0x7ff);
	c->left -= index;
	c->native_call = true;
	trapped = info & JIT_MEM_STORE ? store(h, va, info) : load(c, va, info);
	c->native_call = false;
	if (unlikely(trapped)) {
		c->left--;
		c->end--;
		return 1;
	}
	if (unlikely(c->run.served != served)) {
		c->left--;
		h->pc += info & JIT_MEM_LONG ? 4 : 2;
		return 1;
	}
	c->left += index;
	if (unlikely(fp && !c->native_fp))
		(void)jit_fp_begin(c); /* possible before, so it is now */
	cut(c);
	return 0;
}

int jit_mem(struct interp *c, uint64_t va, uint32_t info)
{
	int gone = access_memory(c, va, info);

	jit_recall_check(c);
	return gone;
}

/* ---- other instructions ---- */

int jit_trapped(struct interp *c, const struct jit_call *call)
{
	c->left -= call->index + 1;
	c->end--;
	return 1;
}

int jit_leave(struct interp *c, const struct jit_call *call)
{
	c->left -= call->index + 1;
	return 1;
}

/* What is called may have taken its time, as sched_yield() does in a loop that waits: attention is
 * looked for after each, not only when `left` is used up thousands of rounds later. */
int jit_call(struct interp *c, const struct jit_call *call)
{
	int gone;

	c->run.hart.pc = c->run.hart.x[RV64_X_PAGE] + call->offset;
	gone = call->fn(c, call);
	jit_recall_check(c);
	if (!gone)
		cut(c);
	return gone;
}

/* ---- jumps ---- */

const void *jit_link(struct interp *c, uint8_t *site)
{
	struct rv64_hart *h = &c->run.hart;
	uint64_t resets = c->code.resets;
	uint16_t page;
	struct rv64_block *b = interp_find(c);
	struct rv64_jit *j = c->jit;

	jit_recall_check(c);
	j->n_asked++;
	memcpy(&page, site + 2, sizeof(page));
	if (unlikely(!b)) {
		c->left--;
		c->end--;
		return j->glue.exit_go - j->cache.write + j->cache.exec;
	}
	c->run.hart.x[RV64_X_PAGE] = h->pc & ~0xfffull;
	/* The pages are the same unless the guest has changed its tables and not yet said so. */
	if (b->native != c->code.not_native && c->code.resets == resets &&
	    b->page[1] == RV64_PAGE_NONE && b->page[0] == page &&
	    jit_segment_add_link(j, site, b->native))
		jit_patch_link(j, site, b->native);
	return b->native;
}
