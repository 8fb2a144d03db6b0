/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the translator share: its state, the glue code, and how native code calls back.
 *
 *	compile.c          a block of guest code, instruction by instruction, to the lowering
 *	analyse.c          what its instructions have to do with each other
 *	rotate.c           the same of rotations
 *	x86_lower.c ...    what each instruction becomes on x86-64
 *	x86.c              the encoder
 *	x86_glue.c         host code that exists once: entry, exit, dispatch, calls of C
 *	x86_compact.c      what blocks that are seldom executed share, and their places
 *	x86_trap.c         writes of sstatus
 *	call.c, call_op.c  the C functions that native code calls
 *	cache.c            memory for code
 *	segment.c          its division, and what is dropped when it is full
 *	recall.c           what code remembers of translations
 *
 * A port to another host replaces the files whose names begin with x86.
 */
#ifndef CPU_RV64_JIT_NATIVE_H
#define CPU_RV64_JIT_NATIVE_H

#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/cache.h"
#include "cpu/rv64/jit/segment.h"

#define JIT_CACHE_SIZE ((size_t)8 << 20)
#define JIT_BLOCK_ROOM ((size_t)6 << 20)  /* of the interpreter's, rv64_code.room */
#define JIT_BLOCK_MAX  ((size_t)32 << 10) /* host code of one block, at most */
#define JIT_MAX_SKIPS  16u                /* see analyse.c; in a block */
#define JIT_HOT        48                 /* executions */
#define JIT_GIVE_UPS   64                 /* of a block's groups; then it gets a way around one */
#define JIT_MAX_GROUPS INTERP_NATIVE_SLOTS

/* Glue code, by its place in the writable mapping. */
struct jit_glue {
	uint64_t (*enter)(void *hart_base, const void *native); /* executable */
	const uint8_t *exit_go;                                 /* leave; rax = pc */
	const uint8_t *exit_odd; /* the same, but bit 0 of rax is to be dropped */
	const uint8_t *give_up;  /* called; struct jit_give_up stands behind the call */
	const uint8_t *dispatch; /* go on at pc = rax */
	/* The same [space]; what comes of it is remembered in native_near, or *native_target. */
	const uint8_t *near[INTERP_N_SPACES];
	const uint8_t *far[INTERP_N_SPACES];
	const uint8_t *link;       /* called from the end of a block, see x86_glue.c */
	const uint8_t *bound;      /* called instead when something must be looked at */
	const uint8_t *bound_link; /* the same, right behind a call of `link` and its data */
	const uint8_t *mem;        /* called: rax = address, ecx = info */
	const uint8_t *site;       /* called, see x86_glue.c */
	const uint8_t *call;       /* called: rax = struct jit_call */
	const uint8_t *fp;         /* called: jit_fp_begin(), eax its result */
	const uint8_t *zero;       /* called: cbo.zero at rax; not equal: it was not done */
	const uint8_t *status;     /* called, see x86_trap.c */

	/* Of the compact form (x86_compact.c). Of accesses [store] and [log2 of the size]. */
	const uint8_t *access[2][4];
	const uint8_t *group[2];                      /* [store] */
	const uint8_t *compact_near[INTERP_N_SPACES]; /* rax = pc but for its bit 0 */
	const uint8_t *compact_far[INTERP_N_SPACES];  /* eax = the distance from the page */
	/* The same; ecx = count and return, see x86_compact.c. */
	const uint8_t *compact_call[INTERP_N_SPACES];
};

/* Accesses off one base register, see analyse.c. */
struct jit_group {
	unsigned n;           /* accesses */
	unsigned first, last; /* instructions */
	unsigned base;        /* register */
	int32_t low, high;    /* they lie in [base + low, base + high), by the first one's base */
	bool store;           /* one of them at least is a store */
	bool carried;         /* from one round of a loop to the next */
	int32_t step;         /* then: what a round adds to the base register, */
	int32_t before;       /* and what it adds before the first access */
	bool in_register;     /* where its translation is kept; else in the slot */
	unsigned slot;        /* of native_slot in struct interp */
};

enum jit_role { JIT_ALONE, JIT_LEADS, JIT_FOLLOWS };

/* The block at hand, as compile.c walks it. */
struct jit_source {
	const struct rv64_block *block;
	const uint8_t *page; /* host address of the guest's page */
	unsigned start;      /* offset of the entry in the page */
	unsigned offset;     /* of the instruction at hand */
	unsigned index;      /* instructions before it */
	bool kernel;         /* it is entered in S mode */
	bool compact;        /* it is seldom executed: short rather than fast code */
	enum interp_space space;
	bool crosses; /* a block of one instruction that reaches into the next page */
	/* A way around a group: from instruction `first` on, without loop and groups, for the code
	 * of the same block at `main`. Otherwise 0 and NULL. */
	unsigned first;
	const uint8_t *main;
	unsigned n; /* instructions */
	struct rv64_insn insn[RV64_BLOCK_INSNS];

	/* By jit_analyse(). */
	bool narrow[RV64_BLOCK_INSNS];  /* nobody looks at the upper half of the result */
	bool any_nan[RV64_BLOCK_INSNS]; /* nobody looks at which NaN the result is */
	/* An `or` that makes a rotation of two shifts: the number of the one to the right, and one
	 * more; otherwise 0. And the shifts that are left out for this reason. */
	uint8_t rotates[RV64_BLOCK_INSNS];
	bool unseen[RV64_BLOCK_INSNS];
	/* Where a branch leads forwards to a place in this block, in the same part of it (before,
	 * in or behind the loop): the number of that instruction; otherwise 0. */
	uint8_t skips_to[RV64_BLOCK_INSNS];
	bool joined[RV64_BLOCK_INSNS]; /* some branch leads here so */
	/* The instructions of a loop, from the one at loop_offset up to loop_end; none: both 0. */
	unsigned loop, loop_end, loop_offset;
	/* Rounds that stand one behind the other, with one jump back for all; 1: each has its own.
	 * These x registers need be right only behind the last of them. */
	unsigned rounds;
	uint32_t postponed;
	bool any_carried;               /* some group is */
	uint8_t role[RV64_BLOCK_INSNS]; /* enum jit_role */
	uint8_t group_of[RV64_BLOCK_INSNS];
	unsigned n_groups;
	struct jit_group group[JIT_MAX_GROUPS];
};

struct rv64_jit {
	struct jit_cache cache;
	struct jit_glue glue;
	size_t glue_end;  /* blocks begin there */
	unsigned current; /* the segment that `cache.used` lies in */
	struct jit_segment segment[JIT_SEGMENTS];
	uint64_t resets;        /* of the interpreter's cache when `cache` was last empty */
	bool gives_up;          /* the block at hand may leave instructions to the interpreter */
	uint64_t n_gave_up;     /* counts */
	uint64_t n_asked;       /* the same of jit_link() */
	bool bmi2, fma, popcnt; /* what the host has */
	struct jit_lower *lower;
	struct interp_site *site;  /* native_site of struct interp */
	struct interp_target *far; /* native_far of it */
	struct jit_source source;
};

/*
 * A memory access that native code leaves to C: everything about the instruction in 32 bits.
 */
#define JIT_MEM_OFFSET   0  /* half of the offset in the page, 11 bits */
#define JIT_MEM_INDEX    11 /* number in the block, 7 bits */
#define JIT_MEM_REG      18 /* rd, or rs2 of a store, 5 bits */
#define JIT_MEM_SIZE     23 /* log2, 2 bits */
#define JIT_MEM_UNSIGNED (1u << 25)
#define JIT_MEM_STORE    (1u << 26)
#define JIT_MEM_FP       (1u << 27)
#define JIT_MEM_LONG     (1u << 28) /* the instruction has 4 bytes */

/* Where native code gives up: the number of the instruction, whether a group is the reason, and
 * how far from here the block's entry is. The mark tells it from what stands behind a call of
 * `link` in the same place. */
struct jit_give_up {
	uint16_t what;
	int16_t unused;
	int32_t entry;
};

#define JIT_GAVE_UP       0x8000u
#define JIT_GAVE_UP_GROUP 0x80u

_Static_assert(RV64_BLOCK_INSNS <= JIT_GAVE_UP_GROUP, "beside the number");

/* Any other instruction that native code leaves to C. `fn` gets hart.pc as the instruction's own.
 * 0: go on behind it. 1: go on at hart.pc, `left` is up to date. */
struct jit_call;
typedef int jit_call_fn(struct interp *c, const struct jit_call *call);

struct jit_call {
	struct rv64_op op; /* as the interpreter has it; no handler */
	jit_call_fn *fn;
	uint16_t offset; /* in the page */
	uint8_t index;   /* in the block */
	uint8_t len;
};

/* ---- call.c ---- */

int jit_mem(struct interp *c, uint64_t va, uint32_t info);
int jit_call(struct interp *c, const struct jit_call *call);
/* The native code for hart.pc, which a jump at `site` (see x86_glue.c) wants to go to; or glue that
 * leads out. */
const void *jit_link(struct interp *c, uint8_t *site);

/* The instruction trapped: hart.pc is the handler. Returns 1. */
int jit_trapped(struct interp *c, const struct jit_call *call);
/* It has retired, and its block must be left, to hart.pc. Returns 1. */
int jit_leave(struct interp *c, const struct jit_call *call);
/* Native floating-point arithmetic from here on. 1: there can be none now, the interpreter has to
 * do the block. */
int jit_fp_begin(struct interp *c);

/* ---- recall.c ---- */

/* To be called before native code runs, and before C returns to it: what sites and jumps remember
 * is dropped when it does not hold any more. */
void jit_recall_check(struct interp *c);
/* All of it is. */
void jit_recall_drop(struct interp *c);
/* A new element of native_site and native_far for code in the current segment, which is the only
 * one to use it; false: there is none left. */
bool jit_site_new(struct rv64_jit *j, unsigned *n);
bool jit_far_new(struct rv64_jit *j, unsigned *n);

/* ---- call_op.c ---- */

/* For each instruction that may be called. */
extern jit_call_fn *const jit_call_fns[RV64_N_INSNS];

/* ---- x86_mxcsr.c ---- */

/* Whether the host rounds so (enum fpu_rounding). */
bool jit_host_rounds(unsigned rm);
/* From here on the thread rounds so, and its floating-point flags are clear. */
void jit_host_fp_begin(unsigned rm);
/* The flags that were raised since, as fflags has them. The thread rounds as C expects it. */
unsigned jit_host_fp_end(void);

/* ---- x86_glue.c ---- */

void jit_emit_glue(struct rv64_jit *j);
/* Makes the end of a block at `site`, or the place there where it gives up, lead to native code. */
void jit_patch_link(struct rv64_jit *j, const uint8_t *site, const void *native);
/* Makes it ask again. */
void jit_unpatch_link(struct rv64_jit *j, const uint8_t *site);
/* Who comes to this entry of a block, at `offset` in the page of that record, asks where to go. */
void jit_drop_entry(struct rv64_jit *j, const void *native, uint32_t offset, uint16_t page);

/* ---- x86_lower.c ---- */

/* What an instruction is to the translator. */
enum jit_kind {
	JIT_PLAIN,  /* goes on behind itself */
	JIT_BRANCH, /* conditional */
	JIT_JAL,
	JIT_JALR,
	JIT_SYS, /* ends the block in C */
};

/* ---- analyse.c ---- */

/* The groups, which results are narrow, and the loop unless the block is to be compact. */
void jit_analyse(struct jit_source *s);
static inline bool jit_in_loop(const struct jit_source *s, unsigned i)
{
	return i >= s->loop && i < s->loop_end;
}

/* The x registers that the instruction reads. */
uint32_t jit_x_read(const struct rv64_insn *in);
/* What the instructions from `first` up to `end` that add constants to x[reg] add in all. */
int32_t jit_added(const struct jit_source *s, unsigned reg, unsigned first, unsigned end);
/* Whether native code goes from instruction i to the next one and nowhere else. */
bool jit_just_goes_on(const struct jit_source *s, unsigned i);

/* ---- rotate.c ---- */

/* Which instructions rotate, when all else is known but which results are narrow. */
void jit_find_rotations(struct jit_source *s);
/* The shift that was left out, if that is what is in x[reg] before instruction i; or NULL. */
const struct rv64_insn *jit_left_out(const struct jit_source *s, unsigned i, unsigned reg);

/* ---- x86_lower.c again ---- */

struct jit_lower;
/* Space to work in, or NULL. Finds out what the host has. */
struct jit_lower *jit_lower_new(struct rv64_jit *j);
void jit_lower_free(struct jit_lower *l);

/* Begins a block that has been read; then one insn() for each instruction, with offset and index
 * those of the instruction, and end() if the block goes on elsewhere. finish() returns the native
 * entry, or NULL when it became too long. */
void jit_lower_begin(struct jit_lower *l, const struct jit_source *s);
void jit_lower_insn(struct jit_lower *l, const struct rv64_insn *in, enum jit_kind kind);
/* Behind the last instruction of a loop: whether its instructions are to be lowered once more, for
 * another round, before what follows them. */
bool jit_lower_again(struct jit_lower *l);
void jit_lower_end(struct jit_lower *l);
const void *jit_lower_finish(struct jit_lower *l);

#endif
