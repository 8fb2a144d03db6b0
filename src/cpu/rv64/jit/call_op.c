/* SPDX-License-Identifier: MIT */
/*
 * Every instruction as a function that native code may call: for those that have no translation,
 * and for the cases that a translation leaves out. Generated from insn.def, as the interpreter's
 * dispatch is, around the same functions.
 */
#include "cpu/rv64/csr.h"
#include "cpu/rv64/jit/jit.h"
#include "cpu/rv64/jit/native.h"
#include "cpu/rv64/op_atomic.h"
#include "cpu/rv64/op_fp.h"
#include "cpu/rv64/op_int.h"

#define HART     (&c->run.hart)
#define X(field) (HART->x[call->op.field])

static int illegal(struct interp *c, const struct jit_call *call, uint32_t bits)
{
	rv64_exception(HART, RV64_ILLEGAL, bits);
	return jit_trapped(c, call);
}

/* An instruction whose operation does not carry its bits is read again, as the interpreter does. */
static int illegal_here(struct interp *c, const struct jit_call *call)
{
	const uint8_t *host;
	uint64_t pa, pc = HART->pc;
	uint32_t bits = 0;
	bool whole;

	if (!rv64_fetch_translate(HART, pc, &host, &pa, &whole)) {
		bits = rv64_code_read(host);
		if (call->len == 4 && !rv64_fetch_translate(HART, pc + 2, &host, &pa, &whole))
			bits |= (uint32_t)rv64_code_read(host) << 16;
	}
	return illegal(c, call, bits);
}

#define FUNCTION(name) static int name(struct interp *c, const struct jit_call *call)

#define DEFINE_RR(fn)                            \
	FUNCTION(rr_##fn)                        \
	{                                        \
		X(rd) = op_##fn(X(rs1), X(rs2)); \
		return 0;                        \
	}
#define DEFINE_RI(fn)                                                     \
	FUNCTION(ri_##fn)                                                 \
	{                                                                 \
		X(rd) = op_##fn(X(rs1), (uint64_t)(int64_t)call->op.imm); \
		return 0;                                                 \
	}
#define DEFINE_R1(fn)                    \
	FUNCTION(r1_##fn)                \
	{                                \
		X(rd) = op_##fn(X(rs1)); \
		return 0;                \
	}

#define NEED_FP                                       \
	do {                                          \
		if (unlikely(!rv64_fp_on(HART)))      \
			return illegal_here(c, call); \
		rv64_jit_fp_end(c);                   \
	} while (0)
#define FP_DIRTY (HART->csr.mstatus |= MSTATUS_FS)

#define DEFINE_FPX(fn)                    \
	FUNCTION(fpx_##fn)                \
	{                                 \
		NEED_FP;                  \
		fp_##fn(HART, &call->op); \
		return 0;                 \
	}
#define DEFINE_FP(fn)                     \
	FUNCTION(fp_call_##fn)            \
	{                                 \
		NEED_FP;                  \
		fp_##fn(HART, &call->op); \
		FP_DIRTY;                 \
		return 0;                 \
	}
#define DEFINE_FPRM(fn)                                    \
	FUNCTION(fprm_##fn)                                \
	{                                                  \
		unsigned rm = (unsigned)call->op.imm >> 8; \
                                                           \
		NEED_FP;                                   \
		if (rm == 7)                               \
			rm = HART->frm;                    \
		if (unlikely(rm > FPU_RMM))                \
			return illegal_here(c, call);      \
		fp_##fn(HART, &call->op, rm);              \
		FP_DIRTY;                                  \
		return 0;                                  \
	}

#define ATOMIC_HOST(bits, is_lr)                                   \
	void *host;                                                \
                                                                   \
	if (rv64_atomic_ptr(HART, X(rs1), bits / 8, is_lr, &host)) \
		return jit_trapped(c, call);

#define DEFINE_AMO(bits, fn)                                                   \
	FUNCTION(amo##fn##_##bits)                                             \
	{                                                                      \
		ATOMIC_HOST(bits, false)                                       \
		X(rd) = (uint64_t)(int64_t)(int##bits##_t)op_amo##fn##_##bits( \
			host, (uint##bits##_t)X(rs2));                         \
		return 0;                                                      \
	}
#define DEFINE_LR(bits)                                                                   \
	FUNCTION(lr_##bits)                                                               \
	{                                                                                 \
		ATOMIC_HOST(bits, true)                                                   \
		HART->reserved_addr = (uintptr_t)host | (bits == 64);                     \
		HART->reserved_value = (uint64_t)(int64_t)(int##bits##_t)__atomic_load_n( \
			(const uint##bits##_t *)host, __ATOMIC_SEQ_CST);                  \
		X(rd) = HART->reserved_value;                                             \
		return 0;                                                                 \
	}
#define DEFINE_SC(bits)                                                                      \
	FUNCTION(sc_##bits)                                                                  \
	{                                                                                    \
		ATOMIC_HOST(bits, false)                                                     \
		uint##bits##_t old = (uint##bits##_t)HART->reserved_value;                   \
		bool done = HART->reserved_addr == ((uintptr_t)host | (bits == 64)) &&       \
			    __atomic_compare_exchange_n((uint##bits##_t *)host, &old,        \
							(uint##bits##_t)X(rs2), false,       \
							__ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
                                                                                             \
		HART->reserved_addr = UINT64_MAX;                                            \
		X(rd) = !done;                                                               \
		return 0;                                                                    \
	}

static int cbo(struct interp *c, const struct jit_call *call, enum rv64_cbo what)
{
	struct rv64_hart *h = HART;
	int trapped;

	if (unlikely(!rv64_cbo_legal(h, what)))
		return illegal_here(c, call);
	trapped = what == RV64_CBO_ZERO ? rv64_cbo_zero(h, X(rs1)) : rv64_cbo_check(h, X(rs1));
	return trapped ? jit_trapped(c, call) : 0;
}
#define DEFINE_CBO(what)                              \
	FUNCTION(cbo_##what)                          \
	{                                             \
		return cbo(c, call, RV64_CBO_##what); \
	}

FUNCTION(fence)
{
	(void)call;
	interp_pause(c);
	atomic_thread_fence(memory_order_seq_cst);
	return 0;
}

/* What interp_csr() and the system instructions expect. */
static void publish(struct interp *c, const struct jit_call *call)
{
	rv64_set_retired(HART, c->end - (uint64_t)c->left + call->index);
	rv64_jit_fp_end(c);
}

/* Returning from traps and enabling interrupts ask for a look at the interrupts. */
static int leave(struct interp *c, const struct jit_call *call)
{
	jit_leave(c, call);
	interp_look(c);
	return 1;
}

FUNCTION(csr)
{
	enum interp_next next;

	publish(c, call);
	next = interp_csr(c, &call->op);
	if (likely(next == INTERP_NEXT))
		return 0;
	if (next == INTERP_TRAP)
		return jit_trapped(c, call);
	HART->pc += 4;
	return leave(c, call);
}

static int sys(struct interp *c, const struct jit_call *call, interp_sys_fn *fn)
{
	publish(c, call);
	return fn(c, &call->op) ? leave(c, call) : jit_trapped(c, call);
}
#define SYS(fn)                                   \
	FUNCTION(sys_##fn)                        \
	{                                         \
		return sys(c, call, interp_##fn); \
	}
SYS(ecall)
SYS(ebreak)
SYS(sret)
SYS(mret)
SYS(wfi)
SYS(fence_i)
SYS(sfence_vma)
SYS(sfence_order)
SYS(th_cache)
SYS(th_fetch)

FUNCTION(wrs)
{
	(void)call;
	interp_pause(c);
	return 0;
}

FUNCTION(illegal_insn)
{
	return illegal(c, call, (uint32_t)call->op.imm);
}

/* Translated always, or called by the functions above. */
#define NO_FUNCTION         struct jit_call;
#define DEFINE_LOAD(type)   NO_FUNCTION
#define DEFINE_STORE(bits)  NO_FUNCTION
#define DEFINE_FLOAD(bits)  NO_FUNCTION
#define DEFINE_FSTORE(bits) NO_FUNCTION
#define DEFINE_BRANCH(fn)   NO_FUNCTION
#define DEFINE_SYS(fn)      NO_FUNCTION
#define DEFINE_LUI          NO_FUNCTION
#define DEFINE_AUIPC        NO_FUNCTION
#define DEFINE_NOP          NO_FUNCTION
#define DEFINE_FENCE        NO_FUNCTION
#define DEFINE_WRS          NO_FUNCTION
#define DEFINE_CSR          NO_FUNCTION
#define DEFINE_JAL          NO_FUNCTION
#define DEFINE_JALR         NO_FUNCTION

#define INSN(id, text, match, mask, format, ext, kind) DEFINE_##kind
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP

#define CALL_RR(fn)        rr_##fn
#define CALL_RI(fn)        ri_##fn
#define CALL_R1(fn)        r1_##fn
#define CALL_FPX(fn)       fpx_##fn
#define CALL_FP(fn)        fp_call_##fn
#define CALL_FPRM(fn)      fprm_##fn
#define CALL_AMO(bits, fn) amo##fn##_##bits
#define CALL_LR(bits)      lr_##bits
#define CALL_SC(bits)      sc_##bits
#define CALL_CBO(what)     cbo_##what
#define CALL_SYS(fn)       sys_##fn
#define CALL_CSR           csr
#define CALL_FENCE         fence
#define CALL_WRS           wrs
/* Always translated. */
#define CALL_LOAD(type)    NULL
#define CALL_STORE(bits)   NULL
#define CALL_FLOAD(bits)   NULL
#define CALL_FSTORE(bits)  NULL
#define CALL_BRANCH(fn)    NULL
#define CALL_LUI           NULL
#define CALL_AUIPC         NULL
#define CALL_NOP           NULL
#define CALL_JAL           NULL
#define CALL_JALR          NULL

jit_call_fn *const jit_call_fns[RV64_N_INSNS] = {
#define INSN(id, text, match, mask, format, ext, kind) [RV64_##id] = CALL_##kind,
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
	[RV64_ILLEGAL_INSN] = illegal_insn,
};
