/* SPDX-License-Identifier: MIT */
/* Where exceptions go: each one that can be provoked, from each mode, delegated or not; what the
 * trap registers and the stack of privileges say. */
#include "lib.h"

#define NOWHERE 0x1000000000ull /* neither RAM nor a device */

static uint64_t word[2] __attribute__((aligned(16)));

#define DO(name, text)                                                                  \
	static uint64_t name(uint64_t arg)                                              \
	{                                                                               \
		register uint64_t v asm("t0") = arg;                                    \
		asm volatile(".option push\n\t.option norvc\n\t" text "\n\t.option pop" \
			     : "+r"(v)::"memory", "t1");                                \
		return v;                                                               \
	}

DO(illegal, ".word 0xffffffff")
DO(illegal_short, ".half 0")
DO(ebreak, "ebreak")
DO(ecall, "ecall")
DO(load, "ld t1, 0(t0)")
DO(store, "sd t1, 0(t0)")
DO(lr, "lr.d t1, (t0)")
DO(amo, "amoadd.d t1, t1, (t0)")
DO(read_m, "csrr t1, mscratch")

static const struct {
	const char *name;
	uint64_t (*fn)(uint64_t);
	uint64_t arg;
	unsigned cause;
	bool tval_open; /* the specification leaves tval open */
} kinds[] = {
	{"illegal", illegal, 0, 2, true},
	{"illegal, 16 bits", illegal_short, 0, 2, true},
	{"csr", read_m, 0, 2, true},
	{"ebreak", ebreak, 0, 3, true},
	{"load nowhere", load, NOWHERE, 5, false},
	{"store nowhere", store, NOWHERE, 7, false},
	{"lr nowhere", lr, NOWHERE, 5, false},
	{"amo nowhere", amo, NOWHERE, 7, false},
	{"lr misaligned", lr, (uint64_t)word + 4, 4, false},
	{"amo misaligned", amo, (uint64_t)word + 4, 6, false},
	{"ecall", ecall, 0, 8, false},
};

static const char *const mode_name[] = {"U", "S", "?", "M"};

static void show(const char *to, const volatile struct trap *t, unsigned i, uint64_t status)
{
	if (!t->n)
		return;
	print(" %s: %u %c", to, t->n, t->cause);
	if (!kinds[i].tval_open)
		print(" tval %s%x", t->tval - (uint64_t)word < 16 ? "word+" : "",
		      t->tval - (uint64_t)word < 16 ? t->tval - (uint64_t)word : t->tval);
	print(" at fn: %u status %x", t->epc - (uint64_t)kinds[i].fn < 16, t->status & status);
}

/* Of mstatus and sstatus what a trap to that mode changes. */
#define M_STACK (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP)
#define S_STACK (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP)

static void one(unsigned i, unsigned mode, bool delegate, bool enabled)
{
	uint64_t deleg = BIT(kinds[i].cause);

	/* An ecall of S mode is 9; it stays with M mode, so that there is a way back. */
	csr_write(CSR_MEDELEG, delegate ? deleg : 0xb1ff & ~deleg & ~BIT(2));
	csr_clear(CSR_MSTATUS, M_STACK | S_STACK);
	if (enabled)
		csr_set(CSR_MSTATUS, MSTATUS_MPIE | MSTATUS_SIE);
	forget();
	run_in(mode, kinds[i].fn, kinds[i].arg);
	csr_write(CSR_MEDELEG, 0);
	print("%s in %s%s%s:", kinds[i].name, mode_name[mode], delegate ? ", delegated" : "",
	      enabled ? ", enabled" : "");
	show("M", &m, i, M_STACK);
	show("S", &s, i, S_STACK);
	print(" after: %x\n", csr_read(CSR_MSTATUS) & (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP));
}

static void delegation(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		for (unsigned mode = U; mode <= M; mode = mode * 2 + 1)
			for (unsigned k = 0; k < 4; k++)
				one(i, mode, k & 1, k & 2);
}

/* Fetches from where nothing is. Whether a device can be executed is open. */
static void fetches(void)
{
	static const uint64_t where[] = {NOWHERE, NOWHERE | 2};

	for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
		for (unsigned mode = U; mode <= M; mode = mode * 2 + 1) {
			forget();
			run_at(mode, where[i]);
			print("fetch %x in %s: %u %c tval %x epc %x\n", where[i], mode_name[mode],
			      m.n, m.cause, m.tval, m.epc);
		}
	}
}

/* In vectored mode exceptions still go to the base: vector 0. */
void m_vectors(void);
void s_vectors(void);
void m_entry(void);
void s_entry(void);

static void vectored_exceptions(void)
{
	csr_write(CSR_MTVEC, (uint64_t)m_vectors | 1);
	csr_write(CSR_STVEC, (uint64_t)s_vectors | 1);
	for (unsigned delegate = 0; delegate < 2; delegate++) {
		csr_write(CSR_MEDELEG, delegate ? BIT(3) | BIT(5) : 0);
		forget();
		run_in(S, ebreak, 0);
		run_in(U, load, NOWHERE);
		print("vectored: M %u vector %x S %u vector %x\n", m.n, m.vector & 0xff, s.n,
		      s.vector & 0xff);
	}
	csr_write(CSR_MTVEC, (uint64_t)m_entry);
	csr_write(CSR_STVEC, (uint64_t)s_entry);
	csr_write(CSR_MEDELEG, 0);
}

/* MPRV does not survive the way to a lower mode; the first trap there tells. */
static uint64_t sret_to_u(uint64_t arg)
{
	uint64_t tmp;

	asm volatile("la %0, 1f\n\tcsrw sepc, %0\n\tli %0, 0x100\n\tcsrc sstatus, %0\n\tsret\n1:"
		     : "=&r"(tmp)::"memory");
	return arg;
}

static void mprv(void)
{
	static uint32_t code[] = {0x73}; /* ecall */

	for (unsigned mode = U; mode <= S; mode++) {
		csr_set(CSR_MSTATUS, MSTATUS_MPP);
		csr_set(CSR_MSTATUS, MSTATUS_MPRV);
		print("mprv is on: %u", csr_read(CSR_MSTATUS) >> 17 & 1);
		forget();
		run_at(mode, (uint64_t)code);
		print(" in %s: %c %u\n", mode_name[mode], m.cause, m.status >> 17 & 1);
	}
	forget();
	run_in(S, sret_to_u, 0);
	print("sret to U and back: %u traps, mpp %x\n", m.n, csr_read(CSR_MSTATUS) >> 11 & 3);
}

int main(void)
{
	open_pmp();
	*MTIMECMP = ~0ull;
	csr_write(CSR_MIE, 0);
	delegation();
	fetches();
	vectored_exceptions();
	mprv();
	return 0;
}
