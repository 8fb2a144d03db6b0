/* SPDX-License-Identifier: MIT */
/*
 * The translator: theory of operation, and how a block is walked.
 *
 * When. Cold code is interpreted. The head of each of the interpreter's blocks counts, and a hot
 * block is compiled as it stands: the same instructions with the same ways out, each of which
 * counts the same number of retired instructions. So both engines look at the time, at their
 * budget and at interrupts in the same places, and a run that counts time by instructions is the
 * same on both. What one block becomes is independent of where its page is mapped, as in the
 * interpreter.
 *
 * Two forms. Most blocks are executed some dozen times: their code is compact, which leaves more
 * of the host's caches to others (x86_compact.c). Where a slice is used up the hart is seen in a
 * block, the more likely the more time it takes; one in which it is seen for the second time is
 * compiled once more, with look-ups inline and with its loop.
 *
 * How native code is reached. The interpreter's block holds the native entry, and its head runs
 * it. Native code goes on to other native code by itself: within a page by a jump that is patched
 * when its target is compiled, elsewhere through the interpreter's jump cache, whose entries lead
 * to blocks. What that said is remembered (recall.c): for each jump to a known place in another
 * page (native_far), and for jumps through registers, as returns are, in a small table by pc
 * (native_near). It returns to the interpreter for blocks that are not compiled, when `left` is
 * used up and when attention asks for something.
 *
 * Validity is the interpreter's (code.c), since native code is reached only through a valid block
 * or by a patched jump from a block of the same physical page, which becomes void together with
 * it; what a jump remembers is void when anything in the jump cache has become so. fence.i thus
 * needs nothing of the translator. When the memory for code is full, the oldest part of it is
 * dropped (segment.c): its blocks count again, and jumps to them ask again.
 *
 * State. Some guest registers live in host registers, the same between all blocks; others and pc in
 * the hart. A loop in a block may have others of its own in host registers (x86_alloc.c). f
 * registers do so while floating point is native. C is called with all of them in the hart
 * (x86_glue.c), so a call may trap, or change anything. After a call that says so the block is left
 * to hart.pc. pc and the count of instructions are constants of each place in a block and are made
 * up where they are needed.
 *
 * Memory. Accesses look into the same TLB as the interpreter's, inline, and those of programs first
 * try the page that they found the last time (recall.c); accesses off one base register may share
 * one look, also from round to round of a loop (analyse.c). What the TLB does not answer is done in
 * C.
 *
 * Floating point is the host's, with its flags in the host's register until somebody wants to know
 * them: rv64_jit_fp_end() is called before C computes, before CSRs are read, and whenever native
 * code is left (x86_fp.c).
 *
 * Counting. What `left` stands for moves within a block: at the begin of a loop it is taken down by
 * the instructions before that, so that every round counts the same, and in a loop with carried
 * groups a part of it is put aside (x86_group.c). jit_move_out() sets that right again, with the
 * registers, wherever somebody else could see it.
 *
 * Passes: read_block() decodes; jit_analyse() looks at the whole; the lowering emits host code
 * for one instruction after the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/jit/jit.h"
#include "cpu/rv64/jit/native.h"
#include "cpu/rv64/jit/record.h"
#include "mem/gmem.h"

#define KIND_RR(fn)      JIT_PLAIN
#define KIND_RI(fn)      JIT_PLAIN
#define KIND_R1(fn)      JIT_PLAIN
#define KIND_LOAD(type)  JIT_PLAIN
#define KIND_STORE(bits) JIT_PLAIN
#define KIND_FLOAD(n)    JIT_PLAIN
#define KIND_FSTORE(n)   JIT_PLAIN
#define KIND_LR(n)       JIT_PLAIN
#define KIND_SC(n)       JIT_PLAIN
#define KIND_AMO(n, fn)  JIT_PLAIN
#define KIND_CBO(what)   JIT_PLAIN
#define KIND_FP(fn)      JIT_PLAIN
#define KIND_FPX(fn)     JIT_PLAIN
#define KIND_FPRM(fn)    JIT_PLAIN
#define KIND_BRANCH(fn)  JIT_BRANCH
#define KIND_SYS(fn)     JIT_SYS
#define KIND_LUI         JIT_PLAIN
#define KIND_AUIPC       JIT_PLAIN
#define KIND_NOP         JIT_PLAIN
#define KIND_FENCE       JIT_PLAIN
#define KIND_WRS         JIT_PLAIN
#define KIND_CSR         JIT_PLAIN
#define KIND_JAL         JIT_JAL
#define KIND_JALR        JIT_JALR

static const uint8_t kind_of[RV64_N_INSNS] = {
#define INSN(id, text, match, mask, format, ext, kind) [RV64_##id] = KIND_##kind,
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
	[RV64_ILLEGAL_INSN] = JIT_SYS,
};

int rv64_jit_attach(struct interp *c)
{
	struct rv64_jit *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	c->jit = j;
	j->site = c->native_site;
	j->far = c->native_far;
	jit_recall_drop(c);
	c->native_box[0] = UINT64_C(0xffffffff00000000);
	err = jit_cache_init(&j->cache, JIT_CACHE_SIZE);
	if (err)
		return err;
	j->lower = jit_lower_new(j);
	if (!j->lower)
		return -ENOMEM;
	jit_emit_glue(j);
	j->glue_end = j->cache.used;
	jit_segments_init(j, JIT_CACHE_SIZE - j->glue_end);
	j->resets = c->code.resets;
	jit_record_glue(c);
	c->code.hot = JIT_HOT;
	c->code.room = JIT_BLOCK_ROOM;
	c->code.not_native = j->glue.exit_go - j->cache.write + j->cache.exec;
	return 0;
}

void rv64_jit_detach(struct interp *c)
{
	if (!c->jit)
		return;
	jit_lower_free(c->jit->lower);
	jit_segments_free(c->jit);
	jit_cache_fini(&c->jit->cache);
	free(c->jit);
	c->jit = NULL;
}

void rv64_jit_set_hot(struct interp *c, int32_t executions)
{
	if (c->jit)
		c->code.hot = executions;
}

void rv64_jit_set_room(struct interp *c, size_t code, size_t blocks)
{
	if (!c->jit)
		return;
	jit_segments_init(c->jit, code);
	c->code.room = blocks;
}

/* The instruction at the source's offset, which is the block's own or lies within the page. */
static bool read_insn(const struct jit_source *s, struct rv64_insn *in)
{
	uint32_t bits;

	if (s->crosses) {
		bits = s->block->bits;
	} else {
		if (s->offset >= GMEM_PAGE_SIZE)
			return false;
		bits = rv64_code_read(s->page + s->offset);
		if (rv64_insn_len((uint16_t)bits) == 4) {
			if (s->offset + 2 >= GMEM_PAGE_SIZE)
				return false;
			bits |= (uint32_t)rv64_code_read(s->page + s->offset + 2) << 16;
		}
	}
	rv64_decode(bits, in);
	return true;
}

static enum jit_kind kind(const struct rv64_insn *in)
{
	return (enum jit_kind)kind_of[in->id];
}

static bool ends_block(enum jit_kind k)
{
	return k > JIT_BRANCH;
}

/* The instructions that the interpreter's block has too: the page is known to be current. */
static void read_block(struct jit_source *s)
{
	unsigned limit = s->crosses ? 1 : RV64_BLOCK_INSNS;

	s->offset = s->start;
	for (s->n = 0; s->n < limit && read_insn(s, &s->insn[s->n]);) {
		const struct rv64_insn *in = &s->insn[s->n++];

		s->offset += in->len;
		if (ends_block(kind(in)) || rv64_insn_goes_back(in))
			break;
	}
}

static void lower(struct jit_lower *l, struct jit_source *s)
{
	while (s->index < s->n) {
		const struct rv64_insn *in = &s->insn[s->index];

		jit_lower_insn(l, in, kind(in));
		s->offset += in->len;
		s->index++;
		if (s->index == s->loop_end && jit_lower_again(l)) {
			s->index = s->loop;
			s->offset = s->loop_offset;
		}
	}
	if (!ends_block(kind(&s->insn[s->n - 1])))
		jit_lower_end(l);
}

/* All of the block, or a way around a group for its code at `main`, from operation `first` on.
 * NULL: it is too long; or it has been written to, and that instruction is somewhere else now. */
static const void *compile(struct interp *c, const struct rv64_block *b, const void *main,
			   const struct rv64_op *first)
{
	struct rv64_jit *j = c->jit;
	struct jit_lower *l = j->lower;
	struct jit_source *s = &j->source;
	const void *native;

	s->block = b;
	s->page = c->code.page[b->page[0]].host;
	s->start = b->pa & (GMEM_PAGE_SIZE - 1);
	s->space = !b->kernel             ? INTERP_PROGRAM
		   : c->run.hart.pc >> 63 ? INTERP_KERNEL
					  : INTERP_KERNEL_LOW;
	s->kernel = b->kernel;
	s->crosses = s->start == GMEM_PAGE_SIZE - 2;
	s->main = main;
	s->first = first ? rv64_block_index(b, first) : 0;
	read_block(s);
	s->compact = main ? jit_record_of(main)->compact : !b->hot;
	jit_analyse(s);
	s->offset = s->start;
	for (s->index = 0; s->index < s->first && s->index < s->n; s->index++)
		s->offset += s->insn[s->index].len;
	if (first && s->offset != s->start + rv64_op_offset(first))
		return NULL;
	j->gives_up = false;
	jit_record_begin(j);
	jit_lower_begin(l, s);
	lower(l, s);
	native = jit_lower_finish(l);
	jit_record_end(c, native);
	return native;
}

/* How many a new block may have, see count_give_up(). */
static int32_t give_ups(const struct interp *c)
{
	return (int32_t)min_u64(JIT_GIVE_UPS, 4 * (uint64_t)c->code.hot);
}

void rv64_jit_compile(struct interp *c, struct rv64_block *b)
{
	struct rv64_jit *j = c->jit;
	const void *native;

	if (j->resets != c->code.resets) {
		jit_segments_clear(j);
		jit_recall_drop(c);
		j->resets = c->code.resets;
	}
	native = compile(c, b, NULL, NULL);
	if (!native && jit_segment_is_short(j)) {
		jit_segment_next(c);
		native = compile(c, b, NULL, NULL);
	}
	if (!native) {
		b->op[0].imm = INT32_MAX; /* stays in the interpreter */
		return;
	}
	b->native = native;
	b->whole = j->gives_up;
	b->op[0].handler = c->code.handlers[RV64_OP_native];
	b->op[0].imm = give_ups(c);
	jit_cache_written(&j->cache);
}

/* A group of block b failed at `site` once more. When it is worth it, and there is room in the
 * segment at hand, it gets a way around, which the site then leads to. */
static void count_give_up(struct interp *c, struct rv64_block *b, const uint8_t *site,
			  const void *main, const struct rv64_op *op)
{
	const void *native;

	if (--b->op[0].imm > 0)
		return;
	b->op[0].imm = give_ups(c);
	native = compile(c, b, main, op);
	if (!native)
		return;
	jit_cache_written(&c->jit->cache);
	if (jit_segment_add_link(c->jit, site, native))
		jit_patch_link(c->jit, site, native);
}

struct rv64_op *rv64_jit_gave_up(struct interp *c, struct rv64_block **b)
{
	const uint8_t *site = c->native_gave_up, *entry;
	struct jit_give_up why;
	struct rv64_op *op;

	memcpy(&why, site, sizeof(why));
	entry = site + why.entry;
	*b = jit_record_block(c, jit_record_of(entry));
	op = rv64_block_at(*b, why.what & (JIT_GAVE_UP_GROUP - 1));
	c->run.hart.pc = c->run.hart.x[RV64_X_PAGE] + ((*b)->pa & (GMEM_PAGE_SIZE - 1));
	c->jit->n_gave_up++;
	if (why.what & JIT_GAVE_UP_GROUP)
		count_give_up(c, *b, site, entry, op);
	return op;
}

uint64_t rv64_jit_count_gave_up(const struct interp *c)
{
	return c->jit ? c->jit->n_gave_up : 0;
}

uint64_t rv64_jit_count_asked(const struct interp *c)
{
	return c->jit ? c->jit->n_asked : 0;
}

void rv64_jit_seen(struct interp *c)
{
	const uint64_t pc = c->run.hart.pc;
	const struct rv64_jump *jump = &c->code.jump[rv64_jump_index(&c->run.hart, pc)];
	struct rv64_block *b = jump->block;

	if (!c->jit || !rv64_code_possible(pc) || jump->tag != rv64_code_tag(&c->run.hart, pc) ||
	    b->native == c->code.not_native || b->hot || !rv64_code_is_current(&c->code, b))
		return;
	if (!b->seen && c->code.hot > 1) {
		b->seen = true;
		return;
	}
	b->hot = true;
	/* What is in two pages is led to by what jumps remember alone, and a jump that asks where
	 * it is would not be patched, but ask for ever. */
	if (b->page[1] == RV64_PAGE_NONE)
		jit_drop_entry(c->jit, b->native, b->pa & (GMEM_PAGE_SIZE - 1), b->page[0]);
	else
		rv64_mmu_void_code(&c->run.hart.mmu);
	rv64_code_not_native(&c->code, b);
	if (b->n_ops > 1)
		rv64_jit_compile(c, b);
}
