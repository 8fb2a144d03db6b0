/* SPDX-License-Identifier: MIT */
/*
 * Where the interpreter's memory operations and jumps go when the fast path has no answer.
 *
 * During a slow access `c->block` and `c->op` say where the hart is, so that interp_sync() can
 * count if the access reaches a device and the device asks for the time. A hart that was parked may
 * have served a fence.i: then the rest of the block may be void, and the answer is INTERP_LEAVE.
 */
#include "cpu/rv64/interp.h"

static void begin(struct interp *c, const struct interp_place *at)
{
	c->block = at->block;
	c->op = at->op;
	c->run.hart.pc = at->pc + rv64_op_offset(at->op);
}

static enum interp_next end(struct interp *c, int trapped, uint64_t served)
{
	c->op = NULL;
	if (trapped)
		return INTERP_TRAP;
	return c->run.served == served ? INTERP_NEXT : INTERP_LEAVE;
}

enum interp_next interp_load_slow(struct interp *c, const struct interp_place *at, uint64_t va,
				  unsigned size)
{
	uint64_t served = c->run.served;

	begin(c, at);
	return end(c, rv64_load_slow(&c->run.hart, va, size, &c->value), served);
}

enum interp_next interp_store_slow(struct interp *c, const struct interp_place *at, uint64_t va,
				   unsigned size, uint64_t value)
{
	uint64_t served = c->run.served;

	begin(c, at);
	return end(c, rv64_store_slow(&c->run.hart, va, size, value), served);
}

enum interp_next interp_cbo(struct interp *c, const struct interp_place *at, uint64_t va,
			    enum rv64_cbo what)
{
	struct rv64_hart *h = &c->run.hart;
	uint64_t served = c->run.served;

	begin(c, at);
	return end(c, what == RV64_CBO_ZERO ? rv64_cbo_zero(h, va) : rv64_cbo_check(h, va), served);
}

void *interp_atomic_slow(struct interp *c, const struct interp_place *at, uint64_t va,
			 unsigned size, bool is_lr)
{
	void *host = NULL;

	begin(c, at);
	if (rv64_atomic_ptr(&c->run.hart, va, size, is_lr, &host))
		host = NULL;
	c->op = NULL;
	return host;
}

struct rv64_block *interp_find(struct interp *c)
{
	struct rv64_hart *h = &c->run.hart;
	struct rv64_block *b;
	uint64_t tval;
	int cause = rv64_code_find(&c->code, h->pc, &b, &tval);

	if (!cause)
		return b;
	rv64_exception(h, (enum rv64_cause)(cause - 1), tval);
	return NULL;
}
