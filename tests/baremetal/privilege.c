/* SPDX-License-Identifier: MIT */
/* Who may do what: CSRs and privileged instructions from S and U mode, with each control that M
 * mode has over them. */
#include "lib.h"

static const struct {
	const char *name;
	unsigned num;
} csrs[] = {
	{"fcsr", CSR_FCSR},         {"cycle", CSR_CYCLE},
	{"time", CSR_TIME},         {"instret", CSR_INSTRET},
	{"sstatus", CSR_SSTATUS},   {"sie", CSR_SIE},
	{"stvec", CSR_STVEC},       {"scounteren", CSR_SCOUNTEREN},
	{"senvcfg", CSR_SENVCFG},   {"sscratch", CSR_SSCRATCH},
	{"sepc", CSR_SEPC},         {"scause", CSR_SCAUSE},
	{"stval", CSR_STVAL},       {"sip", CSR_SIP},
	{"stimecmp", CSR_STIMECMP}, {"satp", CSR_SATP},
	{"mstatus", CSR_MSTATUS},   {"misa", CSR_MISA},
	{"medeleg", CSR_MEDELEG},   {"mie", CSR_MIE},
	{"mtvec", CSR_MTVEC},       {"mscratch", CSR_MSCRATCH},
	{"mepc", CSR_MEPC},         {"mcause", CSR_MCAUSE},
	{"mip", CSR_MIP},           {"pmpcfg0", CSR_PMPCFG0},
	{"pmpaddr0", CSR_PMPADDR0}, {"mcycle", CSR_MCYCLE},
	{"mhartid", CSR_MHARTID},   {"menvcfg", CSR_MENVCFG},
};

static const char *const mode_name[] = {"U", "S", "?", "M"};

static uint64_t read_csr(uint64_t num)
{
	return csr_read_by_number((unsigned)num);
}

static uint64_t rewrite_csr(uint64_t num)
{
	csr_write_by_number((unsigned)num, csr_read_by_number((unsigned)num));
	return 0;
}

static void all_csrs(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(csrs); i++) {
		print("%s:", csrs[i].name);
		for (unsigned mode = U; mode <= S; mode++) {
			forget();
			run_in(mode, read_csr, csrs[i].num);
			print(" %s read %c", mode_name[mode], m_cause());
			forget();
			run_in(mode, rewrite_csr, csrs[i].num);
			print(" write %c", m_cause());
		}
		print("\n");
	}
}

#define INSN(name, text)                                  \
	static uint64_t name(uint64_t arg)                \
	{                                                 \
		asm volatile(text ::"r"(arg) : "memory"); \
		return arg;                               \
	}

INSN(do_wfi, "wfi")
INSN(do_sfence, "sfence.vma")
INSN(do_sfence_va, "sfence.vma %0, x0")
INSN(do_sinval, ".insn r 0x73, 0, 0x0b, x0, %0, x0")
INSN(do_sfence_w_inval, ".insn r 0x73, 0, 0x0c, x0, x0, x0")
INSN(do_sfence_inval_ir, ".insn r 0x73, 0, 0x0c, x0, x0, x1")
INSN(do_fadd, "fadd.d f1, f2, f3")
INSN(do_fld, "fld f1, 0(sp)")
INSN(do_cbo_inval, ".insn i 0x0f, 2, x0, %0, 0")
INSN(do_cbo_clean, ".insn i 0x0f, 2, x0, %0, 1")
INSN(do_cbo_flush, ".insn i 0x0f, 2, x0, %0, 2")
INSN(do_cbo_zero, ".insn i 0x0f, 2, x0, %0, 4")
INSN(do_fence_i, "fence.i")
INSN(do_ebreak, "ebreak")
INSN(do_ecall, "ecall")
INSN(do_illegal, ".word 0")

/* In S and U mode an mret would lose us if it worked: mepc leads back. */
static uint64_t do_mret(uint64_t arg)
{
	asm volatile("mret" ::: "memory");
	return arg;
}

/* sret to the next instruction, in the mode of SPP = S. */
static uint64_t do_sret(uint64_t arg)
{
	uint64_t tmp;

	asm volatile("la %0, 1f\n\tcsrw sepc, %0\n\tli %0, 0x100\n\tcsrs sstatus, %0\n\t"
		     ".option push\n\t.option norvc\n\tsret\n\t.option pop\n1:"
		     : "=&r"(tmp)::"memory");
	return arg;
}

/* From U mode sepc cannot be set, and sret is illegal in any case. */
static uint64_t do_plain_sret(uint64_t arg)
{
	asm volatile("sret" ::: "memory");
	return arg;
}

static uint8_t block[64] __attribute__((aligned(64)));

static void one(const char *name, unsigned mode, uint64_t (*fn)(uint64_t), uint64_t arg)
{
	csr_clear(CSR_MSTATUS, MSTATUS_SIE | MSTATUS_SPIE);
	forget();
	run_in(mode, fn, arg);
	print("%s in %s: %c", name, mode_name[mode], m_cause());
	/* The bits of an illegal instruction or nothing, as one likes. */
	if (m.n && m.cause != 2 && m.cause != 3)
		print(" tval %x", m.tval);
	if (m.n)
		print(" mpp %x", m.status >> 11 & 3);
	print("\n");
}

static void controls(void)
{
	static const struct {
		const char *name;
		uint64_t bit;
	} bits[] = {{"none", 0}, {"tvm", MSTATUS_TVM}, {"tw", MSTATUS_TW}, {"tsr", MSTATUS_TSR}};

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
		csr_clear(CSR_MSTATUS, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
		csr_set(CSR_MSTATUS, bits[i].bit);
		print("-- %s\n", bits[i].name);
		/* Something is pending and enabled in mie but not globally, so that wfi ends. */
		csr_write(CSR_MIE, MIP_SSIP);
		csr_write(CSR_MIDELEG, MIP_SSIP);
		csr_set(CSR_MIP, MIP_SSIP);
		one("wfi", S, do_wfi, 0);
		one("sret", S, do_sret, 0);
		one("sfence.vma", S, do_sfence, 0);
		one("sfence.vma va", S, do_sfence_va, 0x1000);
		one("sinval.vma", S, do_sinval, 0x1000);
		one("sfence.w.inval", S, do_sfence_w_inval, 0);
		one("sfence.inval.ir", S, do_sfence_inval_ir, 0);
		one("satp", S, read_csr, CSR_SATP);
		one("satp write", S, rewrite_csr, CSR_SATP);
		one("mret", S, do_mret, 0);
		csr_write(CSR_MIP, 0);
		csr_write(CSR_MIE, 0);
		csr_write(CSR_MIDELEG, 0);
		/* Not sfence.w.inval, which QEMU lets U mode do. */
		one("wfi", U, do_wfi, 0);
		one("sret", U, do_plain_sret, 0);
		one("mret", U, do_mret, 0);
		one("sfence.vma", U, do_sfence, 0);
		one("sinval.vma", U, do_sinval, 0);
	}
	csr_clear(CSR_MSTATUS, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
}

static void counters(void)
{
	for (unsigned mc = 0; mc < 8; mc++) {
		for (unsigned sc = 0; sc < 8; sc++) {
			csr_write(CSR_MCOUNTEREN, mc);
			csr_write(CSR_SCOUNTEREN, sc);
			print("mcounteren %u scounteren %u:", (uint64_t)mc, (uint64_t)sc);
			for (unsigned mode = U; mode <= M; mode += mode + 1) {
				for (unsigned c = 0; c < 3; c++) {
					forget();
					run_in(mode, read_csr, CSR_CYCLE + c);
					print(" %c", m_cause());
				}
			}
			print("\n");
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		csr_write(CSR_MENVCFG, i & 1 ? MENVCFG_STCE : 0);
		csr_write(CSR_MCOUNTEREN, i & 2 ? COUNTER_TM : 0);
		print("stce %u tm %u:", (uint64_t)i & 1, (uint64_t)i >> 1);
		one(" stimecmp", S, read_csr, CSR_STIMECMP);
	}
	csr_write(CSR_MENVCFG, 0);
	csr_write(CSR_MCOUNTEREN, 7);
	csr_write(CSR_SCOUNTEREN, 7);
}

static void floating_point(void)
{
	for (uint64_t fs = 0; fs < 4; fs++) {
		for (unsigned mode = U; mode <= M; mode += mode + 1) {
			static uint64_t (*const fn[])(uint64_t) = {do_fadd, do_fld, read_csr,
								   rewrite_csr};
			static const char *const names[] = {"fadd", "fld", "read fcsr",
							    "write fcsr"};

			for (unsigned i = 0; i < 4; i++) {
				csr_clear(CSR_MSTATUS, MSTATUS_FS);
				csr_set(CSR_MSTATUS, fs << 13);
				one(names[i], mode, fn[i], CSR_FCSR);
				/* Dirty may be said of more than what was written, but not when
				 * off: only that is the same everywhere, and that a write is
				 * noticed. */
				if (fs == 0 || i != 2)
					print(" fs %u -> %u\n", fs,
					      csr_read(CSR_MSTATUS) >> 13 & 3);
			}
		}
	}
	csr_clear(CSR_MSTATUS, MSTATUS_FS);
}

static void cache_blocks(void)
{
	static const struct {
		const char *name;
		uint64_t (*fn)(uint64_t);
		uint64_t bits;
	} ops[] = {{"cbo.inval flushes", do_cbo_inval, 1 << 4},
		   {"cbo.inval", do_cbo_inval, 3 << 4},
		   {"cbo.clean", do_cbo_clean, ENVCFG_CBCFE},
		   {"cbo.flush", do_cbo_flush, ENVCFG_CBCFE},
		   {"cbo.zero", do_cbo_zero, ENVCFG_CBZE}};

	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		for (unsigned on = 0; on < 4; on++) {
			csr_write(CSR_MENVCFG, on & 1 ? ops[i].bits : 0);
			csr_write(CSR_SENVCFG, on & 2 ? ops[i].bits : 0);
			print("menvcfg %u senvcfg %u\n", (uint64_t)on & 1, (uint64_t)on >> 1);
			for (unsigned mode = U; mode <= M; mode += mode + 1)
				one(ops[i].name, mode, ops[i].fn, (uint64_t)block);
		}
	}
	csr_write(CSR_MENVCFG, 0);
	csr_write(CSR_SENVCFG, 0);
}

int main(void)
{
	open_pmp();
	*MTIMECMP = ~0ull;
	csr_write(CSR_MCOUNTEREN, 0);
	csr_write(CSR_SCOUNTEREN, 0);
	csr_write(CSR_MENVCFG, 0);
	csr_write(CSR_SENVCFG, 0);
	csr_clear(CSR_MSTATUS, MSTATUS_FS);
	all_csrs();
	controls();
	counters();
	floating_point();
	cache_blocks();
	for (unsigned mode = U; mode <= M; mode += mode + 1) {
		one("fence.i", mode, do_fence_i, 0);
		one("ebreak", mode, do_ebreak, 0);
		one("ecall", mode, do_ecall, 0);
		one("illegal", mode, do_illegal, 0);
	}
	return 0;
}
