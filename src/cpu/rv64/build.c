/* SPDX-License-Identifier: MIT */
/*
 * From instructions to the interpreter's operations: see op.h for what a block is.
 *
 * A loop that does nothing, `j .` above all, is one operation: who is in it waits for an interrupt,
 * as by wfi, and only software that knows no better burns its CPU on that.
 *
 * A builder walks the code and appends operations. What an instruction becomes depends on its kind
 * in insn.def; kinds here only distinguish what the layout of operations needs.
 */
#include "cpu/rv64/op.h"

#include <stdbool.h>

#include "base/bits.h"
#include "cpu/rv64/points.h"
#include "mem/gmem.h"

#define IDLE_INSNS 8 /* of a loop that does nothing, at most */

enum kind {
	KIND_PLAIN,
	KIND_FP, /* rs3 and the rounding mode travel in imm */
	KIND_AUIPC,
	KIND_BRANCH,
	KIND_JAL,
	KIND_JALR,
	KIND_CSR,
	KIND_SYS,
	KIND_ILLEGAL,
};

#define KIND_RR(fn)      KIND_PLAIN
#define KIND_RI(fn)      KIND_PLAIN
#define KIND_R1(fn)      KIND_PLAIN
#define KIND_LOAD(type)  KIND_PLAIN
#define KIND_STORE(bits) KIND_PLAIN
#define KIND_FLOAD(n)    KIND_PLAIN
#define KIND_FSTORE(n)   KIND_PLAIN
#define KIND_LR(n)       KIND_PLAIN
#define KIND_SC(n)       KIND_PLAIN
#define KIND_AMO(n, fn)  KIND_PLAIN
#define KIND_CBO(what)   KIND_PLAIN
#define KIND_FP(fn)      KIND_FP
#define KIND_FPX(fn)     KIND_FP
#define KIND_FPRM(fn)    KIND_FP
#define KIND_BRANCH(fn)  KIND_BRANCH
#define KIND_SYS(fn)     KIND_SYS
#define KIND_LUI         KIND_PLAIN
#define KIND_NOP         KIND_PLAIN
#define KIND_FENCE       KIND_PLAIN
#define KIND_WRS         KIND_PLAIN

static const uint8_t kind_of[RV64_N_INSNS] = {
#define INSN(id, text, match, mask, format, ext, kind) [RV64_##id] = KIND_##kind,
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
	[RV64_ILLEGAL_INSN] = KIND_ILLEGAL,
};

struct builder {
	struct rv64_op *next;
	const void *const *handlers;
	unsigned start;  /* offset of the entry in its page */
	unsigned offset; /* of the instruction at hand, from the entry */
	unsigned count;  /* instructions so far, with the one at hand */
};

static struct rv64_op *append(struct builder *w, unsigned id, const struct rv64_insn *in)
{
	struct rv64_op *op = w->next++;

	op->handler = w->handlers[id];
	op->imm = in->imm;
	op->rd = in->rd;
	op->rs1 = in->rs1;
	op->rs2 = in->rs2;
	op->pc2 = (uint8_t)(w->offset / 2);
	if (!op->rd && rv64_insn_writes_x(in->id))
		op->rd = RV64_X_SINK;
	return op;
}

/* `target` counts from the entry. */
static bool is_near(const struct builder *w, int32_t target)
{
	int64_t place = (int64_t)w->start + target;

	return place >= 0 && place < (int64_t)GMEM_PAGE_SIZE;
}

static void append_slot(struct builder *w, int32_t target)
{
	*w->next++ = (struct rv64_op){
		.chain = NULL,
		.imm = is_near(w, target),
		.rd = RV64_SLOT_MARK,
	};
}

/* add and addi are often no more than a copy or a constant. */
static unsigned simpler(const struct rv64_insn *in, struct rv64_insn *out)
{
	*out = *in;
	if (in->id == RV64_addi && !in->rs1)
		return RV64_OP_li;
	if (in->id == RV64_lui)
		return RV64_OP_li;
	if (in->id == RV64_addi && !in->imm)
		return RV64_OP_mv;
	if (in->id == RV64_add && !in->rs2)
		return RV64_OP_mv;
	if (in->id == RV64_add && !in->rs1) {
		out->rs1 = in->rs2;
		return RV64_OP_mv;
	}
	return in->id;
}

/* Appends what `in` becomes; false when the block ends with it. */
static bool add_insn(struct builder *w, const struct rv64_insn *in)
{
	int32_t here = (int32_t)w->offset;
	uint8_t behind = (uint8_t)((w->offset + in->len) / 2);
	uint8_t count = (uint8_t)w->count;
	struct rv64_insn simple;
	struct rv64_op *op;
	bool near;

	switch ((enum kind)kind_of[in->id]) {
	case KIND_PLAIN: append(w, simpler(in, &simple), &simple); return true;
	case KIND_FP: append(w, in->id, in)->imm = in->rs3 | in->rm << 8; return true;
	case KIND_AUIPC: append(w, in->id, in)->imm = in->imm + here; return true;
	case KIND_BRANCH:
		op = append(w, in->id, in);
		op->rd = count;
		op->imm = here + in->imm;
		append_slot(w, op->imm);
		return true;
	case KIND_JAL:
		near = is_near(w, here + in->imm);
		op = append(w, near ? RV64_jal : RV64_OP_jal_far, in);
		op->rs1 = count;
		op->imm = here + in->imm;
		op->pc2 = behind;
		if (near)
			append_slot(w, op->imm);
		return false;
	case KIND_JALR:
		op = append(w, in->id, in);
		op->rs2 = count;
		op->pc2 = behind;
		return false;
	case KIND_CSR:
		op = append(w, in->id, in);
		op->rs2 = count;
		op->imm = (int32_t)in->bits;
		return true;
	case KIND_SYS:
		op = append(w, in->id, in);
		op->rd = count;
		op->imm = (int32_t)in->bits;
		return false;
	case KIND_ILLEGAL: append(w, in->id, in)->imm = (int32_t)in->bits; return false;
	}
	return false;
}

/* The block goes on elsewhere at w->offset. */
static void add_end(struct builder *w)
{
	static const struct rv64_insn none = {.id = RV64_ILLEGAL_INSN};
	bool near = is_near(w, (int32_t)w->offset);
	struct rv64_op *op = append(w, near ? RV64_OP_end : RV64_OP_end_far, &none);

	op->rs1 = (uint8_t)w->count;
	op->imm = (int32_t)w->offset;
	if (near)
		append_slot(w, op->imm);
}

/* The instruction to come may be a breakpoint. The head then has nothing to count. */
static void add_break(struct builder *w, struct rv64_op *head)
{
	struct rv64_op *op = w->next++;

	*op = (struct rv64_op){.handler = w->handlers[RV64_OP_brk],
			       .rd = RV64_SLOT_MARK,
			       .pc2 = (uint8_t)(w->offset / 2)};
	if (head)
		head->handler = op->handler;
}

/* Reads the instruction at page + at; false when it does not end within the page. */
static bool read_insn(const uint8_t *page, unsigned at, uint32_t *bits)
{
	if (at >= GMEM_PAGE_SIZE)
		return false;
	*bits = rv64_code_read(page + at);
	if (rv64_insn_len((uint16_t)*bits) == 2)
		return true;
	if (at + 2 >= GMEM_PAGE_SIZE)
		return false;
	*bits |= (uint32_t)rv64_code_read(page + at + 2) << 16;
	return true;
}

/* The instructions of a loop that begins at the offset and does nothing, or 0. */
static unsigned idle_loop(const uint8_t *page, unsigned offset)
{
	unsigned at = offset;
	uint32_t code;

	for (unsigned n = 1; n <= IDLE_INSNS && read_insn(page, at, &code); n++) {
		struct rv64_insn in;

		rv64_decode(code, &in);
		if (in.id == RV64_jal && !in.rd && at + (uint32_t)in.imm == offset)
			return n;
		if (in.id != RV64_addi || in.rd)
			return 0;
		at += in.len;
	}
	return 0;
}

unsigned rv64_block_build(struct rv64_block *b, const void *const *handlers, const uint8_t *page,
			  unsigned offset, const uint32_t *bits, int32_t hot,
			  const struct rv64_points *points)
{
	struct builder w = {.next = b->op, .handlers = handlers, .start = offset};
	unsigned limit = bits ? 1 : RV64_BLOCK_INSNS;
	uint32_t code = bits ? *bits : 0;
	unsigned idle = bits || points ? 0 : idle_loop(page, offset);

	b->last = UINT8_MAX;
	if (idle) { /* never hot */
		*w.next++ = (struct rv64_op){.handler = handlers[RV64_OP_idle],
					     .rs1 = (uint8_t)idle};
		return 1;
	}
	if (hot)
		*w.next++ = (struct rv64_op){
			.handler = handlers[RV64_OP_count], .imm = hot, .rd = RV64_SLOT_MARK};
	while (w.count < limit && (bits || read_insn(page, offset + w.offset, &code))) {
		struct rv64_insn in;

		rv64_decode(code, &in);
		if (points && rv64_points_at_offset(points, offset + w.offset))
			add_break(&w, hot ? b->op : NULL);
		w.count++;
		if (!add_insn(&w, &in)) {
			b->last = (uint8_t)(w.offset / 2);
			return (unsigned)(w.next - b->op);
		}
		w.offset += in.len;
		if (rv64_insn_goes_back(&in))
			break;
	}
	add_end(&w);
	return (unsigned)(w.next - b->op);
}

unsigned rv64_block_index(const struct rv64_block *b, const struct rv64_op *op)
{
	unsigned n = 0;

	for (const struct rv64_op *p = b->op; p < op; p++)
		n += p->rd != RV64_SLOT_MARK;
	return n;
}

struct rv64_op *rv64_block_at(struct rv64_block *b, unsigned index)
{
	struct rv64_op *op = b->op;

	while (op->rd == RV64_SLOT_MARK || index--)
		op++;
	return op;
}
