/* SPDX-License-Identifier: MIT */
/* What the files that lower instructions to x86-64 share. */
#ifndef CPU_RV64_JIT_X86_LOWER_H
#define CPU_RV64_JIT_X86_LOWER_H

#include "cpu/rv64/jit/x86_glue.h"

/* Code that stands behind the block, since it is seldom needed. */
enum jit_ool_kind {
	JIT_OOL_MEM,     /* an access in C; `info`, address in `reg` */
	JIT_OOL_EXIT,    /* a taken branch to `target` after `info` instructions */
	JIT_OOL_FAR,     /* native_far's entry `info` does not know where to go */
	JIT_OOL_DIV,     /* a division by 0 or -1, of which `info` says the kind */
	JIT_OOL_CALL,    /* the whole instruction in C */
	JIT_OOL_FP,      /* begin native floating point, or leave to the interpreter */
	JIT_OOL_FMA,     /* a multiplication and addition gave a NaN */
	JIT_OOL_SITE,    /* an access found something else in the slot of `site` */
	JIT_OOL_GROUP,   /* the same of a group, which begins with instruction `index` */
	JIT_OOL_COMPACT, /* the same in a compact block; `from` is no jump but the immediate */
	JIT_OOL_NAN,     /* xmm `reg` = the canonical NaN, of a double if `info` */
	JIT_OOL_ROUND,   /* the loop ends with round `info` of those that are lowered together */
};

/* A guest address: a host register and a distance. */
struct jit_va {
	uint8_t reg;
	int32_t disp;
};

/* Where the distance of the address to host memory is remembered. */
struct jit_remembered {
	struct jit_va va;
	const uint8_t *found; /* what follows the question: `dst` = the distance */
	const uint8_t *back;  /* and what follows that */
	uint32_t what;        /* JIT_SITE_* */
	uint8_t dst;
	bool walks; /* the next address depends on what is loaded */
};

struct jit_ool {
	enum jit_ool_kind kind;
	uint8_t *from;       /* the jump to here */
	const uint8_t *back; /* where to go on */
	struct jit_remembered site;
	uint32_t info;
	int32_t target;
	uint8_t reg;
	struct rv64_insn in; /* JIT_OOL_CALL, JIT_OOL_FMA */
	uint16_t offset;
	uint8_t index;
	uint8_t at;      /* the instruction where it is entered */
	uint8_t state;   /* of the lowering there */
	uint32_t narrow; /* the same, and the next two */
	uint32_t nan_s, nan_d;
};

/* How the code at hand differs from code elsewhere. */
#define JIT_MOVED   1u /* registers are where the loop wants them */
#define JIT_COUNTED 2u /* `left` is without `native_rest` */
#define JIT_REACHED 4u /* `left` is without the instructions before the loop */

#define JIT_MAX_OOL 256

/* A host register that has another use in the loop than elsewhere. */
struct jit_move {
	uint8_t host;
	uint8_t usual; /* the x register that it holds elsewhere */
	uint8_t guest; /* the one it holds in the loop; 0: the distance of a group */
	uint8_t slot;  /* of that group */
	bool write;    /* the loop writes `guest` */
};

struct jit_lower {
	struct x86 e;
	struct rv64_jit *jit;
	const struct jit_source *s;
	uint8_t *begin;      /* of the block's code */
	uint8_t *moved_in;   /* behind the first jit_move_in() */
	uint8_t *loop_head;  /* where the next round of a loop begins */
	uint32_t loop_boxed; /* `boxed` there */
	bool fp_entered;     /* `fp_live` there */
	/* Of rounds that are lowered together: which is at hand, s->rounds being the one that
	 * stands alone; where the first begins; the jumps when too few are left and when `left` is
	 * used up; and behind the branch of the one alone, when it is not taken. */
	unsigned round;
	const uint8_t *rounds_head;
	uint8_t *too_few, *rounds_used_up;
	const uint8_t *loop_left;
	unsigned n_ool;
	struct jit_ool ool[JIT_MAX_OOL];

	/* Where x registers are at this place, and in the loop that the block begins with: a host
	 * register, or JIT_NONE. (x86_alloc.c) */
	uint8_t state;
	const uint8_t *reg;
	uint8_t loop_reg[32];
	unsigned n_moves;
	struct jit_move move[JIT_N_PINNED];
	uint8_t group_reg[JIT_MAX_GROUPS]; /* where a group keeps its distance; JIT_NONE: slot */

	/* What these x registers hold was left open: the upper half if they are in host registers,
	 * or all of it (rotate.c), by instructions before `at`. */
	uint32_t narrow;
	unsigned at;
	bool made_narrow; /* by the instruction at hand */
	/* These f registers, all in host registers, are singles or doubles that may be a NaN other
	 * than the canonical one. */
	uint32_t nan_s, nan_d;

	/* What is known of x registers: nothing, their value, or their distance from the page. */
	uint8_t known[32];
	int64_t value[32];
	bool made_known; /* by the instruction at hand */
	/* The host's zero flag says whether this x register is 0 (none: 0), so far, and before the
	 * instruction at hand. */
	uint8_t tested, was_tested;

	unsigned n_emitted; /* of ool */

	/* Branches to instructions to come, and what is known of f registers on these ways. */
	unsigned n_skips;
	struct {
		uint8_t *from;
		uint8_t to;
		bool fp_live;
		uint32_t boxed;
	} skip[JIT_MAX_SKIPS];

	/* Known on all ways to here within the block: */
	bool fp_live;   /* native floating point has begun */
	uint32_t boxed; /* these f registers hold singles with a box */
};

enum jit_known { JIT_UNKNOWN, JIT_CONST, JIT_PAGE };

/* How to lower an instruction: a function, and what distinguishes its users. */
struct jit_rule {
	void (*fn)(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r);
	uint32_t op;
	uint8_t w;
	uint8_t flag;
};

typedef void jit_lower_fn(struct jit_lower *l, const struct rv64_insn *in,
			  const struct jit_rule *r);

/* ---- x86_lower.c ---- */

/* `index` as `left` sees it: of the instructions before it, those that `left` still has. */
unsigned jit_counted(const struct jit_lower *l, unsigned index);
/* Where x[g] is: its host register, or `scratch` after loading it. */
unsigned jit_get(struct jit_lower *l, unsigned g, unsigned scratch);
/* The same, always in dst. */
void jit_load(struct jit_lower *l, unsigned dst, unsigned g);
/* The register to compute x[g] in: its own, or rax. */
unsigned jit_dst(const struct jit_lower *l, unsigned g);
/* x[g] = reg. */
void jit_put(struct jit_lower *l, unsigned g, unsigned reg);
/* op reg, x[g] */
void jit_op_x(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned reg, unsigned g);
/* reg = the page that runs + offset */
void jit_pc(struct jit_lower *l, unsigned reg, int32_t offset);
/* dst = x[g] + imm */
void jit_add(struct jit_lower *l, unsigned dst, unsigned g, int32_t imm);
/* Whether the next instruction adds a constant to x[g] and nothing else sees it: then a known value
 * need not be there. */
bool jit_dies(const struct jit_lower *l, unsigned g);
void jit_set_known(struct jit_lower *l, unsigned g, enum jit_known kind, int64_t value);
/* The instruction in C. */
void jit_call_c(struct jit_lower *l, const struct rv64_insn *in, unsigned offset, unsigned index);
/* A new piece of code behind the block, entered by the jump `from`. */
struct jit_ool *jit_ool(struct jit_lower *l, enum jit_ool_kind kind, uint8_t *from);
/* The instruction at hand in C, from the jump `from`; the caller sets `back`. Native floating point
 * goes on if it had begun. */
struct jit_ool *jit_ool_call(struct jit_lower *l, const struct rv64_insn *in, uint8_t *from);
/* At the jump `from`: leaves to the interpreter at the instruction at hand. */
void jit_give_up(struct jit_lower *l, uint8_t *from);
/* The same at instruction `index`, since a group is not in one page. */
void jit_give_up_group(struct jit_lower *l, uint8_t *from, unsigned index);
/* The code for that; the registers are where they are between blocks. */
void jit_leave_to_interp(struct jit_lower *l, unsigned index);

/* ---- x86_alloc.c ---- */

/* Chooses where the loop's registers are. */
void jit_allocate(struct jit_lower *l);
/* The code to come is in that state (JIT_MOVED, JIT_COUNTED). */
void jit_set_state(struct jit_lower *l, uint8_t state);
/* What was left open is made good, for the code that follows. With a NaN, or a shift that was left
 * out, the flags are not kept. */
void jit_extend(struct jit_lower *l);
/* From how everything is between blocks to the present state, and back: around all that leaves the
 * block or calls C. rax, rcx and rdx stay. */
void jit_move_in(struct jit_lower *l);
void jit_move_out(struct jit_lower *l);

/* ---- x86_int.c ---- */

/* The rules of all but F and D; fn NULL: none. */
extern const struct jit_rule jit_rules[RV64_N_INSNS];
/* Whether its lowering may leave the result's upper half open, where the source says narrow. */
bool jit_leaves_open(const struct rv64_insn *in);
void jit_ool_divide(struct jit_lower *l, const struct jit_ool *o);
/* d has the result of 32 bits, if w says so, that is going into x[rd]. */
void jit_sign_extend_w(struct jit_lower *l, enum x86_width w, unsigned rd, unsigned d);

/* ---- x86_in_place.c ---- */

/* False: the instruction is not of a kind that is done in memory. */
bool jit_lower_in_place(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r);

/* ---- x86_rotate.c ---- */

/* False: the instruction is not part of a rotation. */
bool jit_lower_rotation(struct jit_lower *l, const struct rv64_insn *in);
/* The shift that was left out; rax, rcx and rdx stay. */
void jit_complete_shift(struct jit_lower *l, const struct rv64_insn *shift);

/* ---- x86_exit.c ---- */

void jit_lower_branch(struct jit_lower *l, const struct rv64_insn *in);
void jit_lower_jal(struct jit_lower *l, const struct rv64_insn *in);
void jit_lower_jalr(struct jit_lower *l, const struct rv64_insn *in);
/* At an instruction where skips meet the other ways. */
void jit_join(struct jit_lower *l);
/* Leaves the block to `target` in this page when `left` is used up. */
void jit_bound(struct jit_lower *l, int32_t target);
/* Leaves the block to `target` (from the page's begin) after `count` instructions. */
void jit_exit_to(struct jit_lower *l, int32_t target, unsigned count);
void jit_ool_exit(struct jit_lower *l, const struct jit_ool *o);

/* ---- x86_loop.c ---- */

/* Registers go where the loop wants them. */
void jit_loop_move_in(struct jit_lower *l);
/* Before the loop's first instruction, each time that it is lowered. */
void jit_loop_begin(struct jit_lower *l);
/* Whether the instruction at hand need not be done in this round. */
bool jit_loop_postpones(const struct jit_lower *l, const struct rv64_insn *in);
/* What x[g] lacks here since that was so. */
int32_t jit_loop_lacks(const struct jit_lower *l, unsigned g);
/* Whether the instruction at hand ends a round behind which another one stands. */
bool jit_at_round_end(const struct jit_lower *l);
/* There: it goes on with that if the condition holds. */
void jit_round_end(struct jit_lower *l, enum x86_cond cond);
/* At the jump to the next round: whether that is code of this block, and that code. `count`
 * instructions are behind it. */
bool jit_loop_stays(const struct jit_lower *l);
void jit_loop_next(struct jit_lower *l, unsigned count);
/* Behind the loop's last branch. */
void jit_loop_end(struct jit_lower *l);
void jit_ool_round(struct jit_lower *l, const struct jit_ool *o);

/* ---- x86_mem.c ---- */

jit_lower_fn jit_lower_load, jit_lower_store, jit_lower_fload, jit_lower_fstore, jit_lower_zero;
void jit_ool_mem(struct jit_lower *l, const struct jit_ool *o);
/* In a program: dst (not rdx) = what to add to the address va, if `span` bytes from there on are in
 * the page where that was so the last time. Returns the jump to take if not; NULL: nothing was
 * emitted. Programs mostly access a page many times before the next one; kernels less so. */
uint8_t *jit_site(struct jit_lower *l, struct jit_va va, unsigned dst, unsigned span, bool store,
		  struct jit_remembered *site);
/* x[g] + disp, in the host register of x[g] if it has one, else in rax. */
struct jit_va jit_va(struct jit_lower *l, unsigned g, int32_t disp);
/* dst = that; the flags stay. */
void jit_va_load(struct x86 *e, unsigned dst, struct jit_va va);
/* By the slot rcx: whether an aligned access to va may go there. Returns the jump to take if not.
 */
uint8_t *jit_tlb_ask(struct x86 *e, unsigned va, unsigned size, int32_t tag);
/* Behind the block, when it is another page: looks into the TLB. What follows is for when that does
 * not say; rax = va, ecx = info. */
void jit_site_again(struct jit_lower *l, const struct jit_remembered *site, uint32_t info);

/* ---- x86_compact.c ---- */

/* rax = the host address of the address in rax, for an access as JIT_MEM_* say. Never fails: when C
 * does the access, it is where the same access of the host means no more. */
void jit_compact_access(struct jit_lower *l, uint32_t info);
/* The same of a group's first byte; gives up when the group is not in one
 * page of the TLB. */
void jit_compact_group(struct jit_lower *l, const struct jit_group *g);
void jit_ool_compact(struct jit_lower *l, const struct jit_ool *o);
/* The end of a block, with the flags of `left`: to pc = rax but for its bit 0, or to `target` from
 * the page's begin. */
void jit_compact_near(struct jit_lower *l);
void jit_compact_far(struct jit_lower *l, int32_t target);
/* The same of a call after `count` instructions, which returns to `behind` in the page. */
#define JIT_RETURN 1 /* the register that it leaves this in */
void jit_compact_call(struct jit_lower *l, int32_t target, unsigned behind, unsigned count);

/* ---- x86_amo.c ---- */

enum { JIT_AMO_SWAP, JIT_AMO_ADD };
jit_lower_fn jit_lower_amo_host, jit_lower_amo_loop, jit_lower_lr, jit_lower_sc;

/* ---- x86_group.c ---- */

/* [base + disp], or with `indexed` [base + index + disp]. */
struct jit_place {
	uint8_t base, index;
	bool indexed;
	int32_t disp;
};

/* op reg, [place] */
void jit_at(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned reg,
	    const struct jit_place *at);
/* Where a group keeps its distance in struct interp. */
int32_t jit_slot(unsigned slot);
void jit_ool_group(struct jit_lower *l, const struct jit_ool *o);
/* At the begin of the loop: carried groups ask the TLB, and say for how many rounds. */
void jit_group_enter(struct jit_lower *l);
/* Whether the instruction at hand is in a group and needs no look-up: then its operand. */
bool jit_in_group(struct jit_lower *l, const struct rv64_insn *in, struct jit_place *at);

/* ---- x86_csr.c ---- */

/* False: nothing was emitted, C has to do it. */
bool jit_lower_csr(struct jit_lower *l, const struct rv64_insn *in);

/* ---- x86_fp.c ---- */

/* At the begin of a block: native floating point begins, if the block has any. */
void jit_fp_enter(struct jit_lower *l);
/* Calls jit_fp_begin(): its result is in eax. */
void jit_call_fp(struct jit_lower *l);
/* It has begun from here on. */
void jit_fp_need(struct jit_lower *l);
/* The instruction was done. */
void jit_fp_wrote(struct jit_lower *l, const struct rv64_insn *in);
void jit_ool_fp(struct jit_lower *l, const struct jit_ool *o);
void jit_ool_nan(struct jit_lower *l, const struct jit_ool *o);
/* NaNs that were left open become canonical; rax, rcx and rdx stay. */
void jit_complete_nans(struct jit_lower *l);

/* ---- x86_fp_op.c ---- */

/* The rules of F and D but loads and stores; fn NULL: none. */
extern const struct jit_rule jit_fp_rules[RV64_N_INSNS];
void jit_ool_fma(struct jit_lower *l, const struct jit_ool *o);

#endif
