/* SPDX-License-Identifier: MIT */
/* Interrupts: software and timer of the CLINT, those that M mode raises for S mode, Sstc; order,
 * delegation, vectors, and wfi. */
#include "lib.h"

void m_vectors(void);
void s_vectors(void);
void m_entry(void);
void s_entry(void);

#define NEVER (~0ull)

/* Raises exactly these bits of mip, each in its own way. */
static void raise(uint64_t bits)
{
	*MSIP = !!(bits & MIP_MSIP);
	*MTIMECMP = bits & MIP_MTIP ? 0 : NEVER;
	csr_clear(CSR_MIP, MIP_S);
	csr_set(CSR_MIP, bits & MIP_S);
	/* The board's wires may take a moment. */
	while ((csr_read(CSR_MIP) & (MIP_S | MIP_MSIP | MIP_MTIP)) != bits)
		;
}

static void quiet(void)
{
	csr_write(CSR_MIE, 0);
	csr_clear(CSR_MSTATUS, MSTATUS_MIE | MSTATUS_SIE | MSTATUS_MPIE | MSTATUS_SPIE);
	raise(0);
}

static uint64_t nothing(uint64_t arg)
{
	return arg;
}

/* Lets S mode open its own interrupts for a moment. */
static uint64_t open_s(uint64_t arg)
{
	csr_set(CSR_SSTATUS, MSTATUS_SIE);
	asm volatile("nop\n\tnop" ::: "memory");
	csr_clear(CSR_SSTATUS, MSTATUS_SIE);
	return arg;
}

static uint64_t open_m(uint64_t arg)
{
	csr_set(CSR_MSTATUS, MSTATUS_MIE);
	asm volatile("nop\n\tnop" ::: "memory");
	csr_clear(CSR_MSTATUS, MSTATUS_MIE);
	return arg;
}

static uint64_t (*const open_in[])(uint64_t) = {[U] = nothing, [S] = open_s, [M] = open_m};
static const char *const mode_name[] = {"U", "S", "?", "M"};

/* The interrupts of each set by the bits of i. */
static uint64_t some(unsigned i)
{
	static const uint64_t bits[] = {MIP_SSIP, MIP_MSIP, MIP_STIP, MIP_MTIP, MIP_SEIP};
	uint64_t v = 0;

	for (unsigned b = 0; b < ARRAY_SIZE(bits); b++)
		v |= i >> b & 1 ? bits[b] : 0;
	return v;
}

static void show(void)
{
	print(" M %u %c tval %x", m.n, m.n ? m.cause : NO_CAUSE, m.n ? m.tval : 0);
	print(" S %u %c tval %x\n", s.n, s.n ? s.cause : NO_CAUSE, s.n ? s.tval : 0);
}

/* Which of several comes first, in each mode, for each delegation of them. */
static void order(void)
{
	for (unsigned set = 0; set < 32; set++) {
		for (unsigned deleg = 0; deleg < 8; deleg++) {
			for (unsigned mode = U; mode <= M; mode = mode * 2 + 1) {
				uint64_t pend = some(set);

				quiet();
				csr_write(CSR_MIDELEG,
					  some((deleg & 1) | (deleg & 2) << 1 | (deleg & 4) << 2));
				raise(pend);
				csr_write(CSR_MIE, pend);
				forget();
				run_in(mode, open_in[mode], 0);
				print("pending %x mideleg %x in %s:", pend, csr_read(CSR_MIDELEG),
				      mode_name[mode]);
				show();
			}
		}
	}
	csr_write(CSR_MIDELEG, 0);
	quiet();
}

/* What is pending but not enabled, or enabled but masked, stays away. */
static void masks(void)
{
	raise(some(31));
	for (unsigned mode = U; mode <= M; mode = mode * 2 + 1) {
		forget();
		csr_write(CSR_MIE, 0);
		run_in(mode, open_in[mode], 0);
		print("nothing enabled in %s:", mode_name[mode]);
		show();
	}
	csr_write(CSR_MIDELEG, MIP_S);
	csr_write(CSR_MIE, MIP_S);
	forget();
	run_in(S, nothing, 0);
	print("delegated, SIE off in S:");
	show();
	forget();
	open_m(0);
	print("delegated in M:");
	show();
	csr_write(CSR_MIDELEG, 0);
	quiet();
}

static void vectors(void)
{
	csr_write(CSR_MTVEC, (uint64_t)m_vectors | 1);
	csr_write(CSR_STVEC, (uint64_t)s_vectors | 1);
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned deleg = 0; deleg < 2; deleg++) {
			csr_write(CSR_MIDELEG, deleg ? MIP_S : 0);
			raise(some(1u << i));
			csr_write(CSR_MIE, some(1u << i));
			forget();
			run_in(U, nothing, 0);
			print("vectored %x: M %u at %u S %u at %u\n", some(1u << i), m.n,
			      m.n ? m.vector : 0, s.n, s.n ? s.vector : 0);
			quiet();
		}
	}
	csr_write(CSR_MTVEC, (uint64_t)m_entry);
	csr_write(CSR_STVEC, (uint64_t)s_entry);
	csr_write(CSR_MIDELEG, 0);
}

/* epc is the instruction that was not executed: a counter in a register tells. */
static void precise(void)
{
	uint64_t n = 0;

	quiet();
	raise(MIP_SSIP);
	csr_write(CSR_MIE, MIP_SSIP);
	forget();
	asm volatile("csrsi mstatus, 8\n\t"
		     ".rept 50\n\taddi %0, %0, 1\n\t.endr\n\t"
		     "csrci mstatus, 8"
		     : "+r"(n)::"memory");
	print("precise: %u traps, %u of 50 additions\n", m.n, n);
	quiet();
}

/* wfi ends when something is pending that mie enables, whether or not it can interrupt. */
static uint64_t wait(uint64_t arg)
{
	asm volatile("wfi" ::: "memory");
	return arg;
}

static void waits(void)
{
	quiet();
	*MTIMECMP = *MTIME + 20000; /* 2 ms */
	csr_write(CSR_MIE, MIP_MTIP);
	forget();
	while (!(csr_read(CSR_MIP) & MIP_MTIP))
		wait(0);
	print("wfi, masked: %u traps, mtip %x\n", m.n, csr_read(CSR_MIP) & MIP_MTIP);
	quiet();

	*MTIMECMP = *MTIME + 20000;
	csr_write(CSR_MIE, MIP_MTIP);
	csr_set(CSR_MSTATUS, MSTATUS_MIE);
	forget();
	while (!m.n)
		wait(0);
	print("wfi, open: %u traps, %c, on time: %u\n", m.n, m.cause, *MTIME >= *MTIMECMP);
	quiet();
}

/* The supervisor's own timer, in S mode, delegated. */
static uint64_t sleep_in_s(uint64_t ticks)
{
	uint64_t start;

	asm volatile("rdtime %0" : "=r"(start));
	csr_write(CSR_STIMECMP, start + ticks);
	csr_write(CSR_SIE, MIP_STIP);
	csr_set(CSR_SSTATUS, MSTATUS_SIE);
	while (!s.n)
		wait(0);
	csr_clear(CSR_SSTATUS, MSTATUS_SIE);
	return csr_read(CSR_SIP) & MIP_STIP;
}

static void supervisor_timer(void)
{
	uint64_t sip;

	quiet();
	csr_write(CSR_MIDELEG, MIP_S);
	csr_write(CSR_MCOUNTEREN, 7);
	csr_write(CSR_STIMECMP, NEVER);
	csr_write(CSR_MENVCFG, MENVCFG_STCE);
	forget();
	sip = run_in(S, sleep_in_s, 20000);
	print("stimecmp: M %u S %u %c sip %x", m.n, s.n, s.cause, sip);
	csr_write(CSR_STIMECMP, NEVER);
	print(" then %x\n", csr_read(CSR_SIP));
	/* A deadline in the past is due at once, and one of 0 too. */
	csr_write(CSR_STIMECMP, 0);
	csr_write(CSR_MIE, MIP_STIP);
	forget();
	run_in(U, nothing, 0);
	print("stimecmp 0:");
	show();
	csr_write(CSR_STIMECMP, NEVER);
	csr_write(CSR_MENVCFG, 0);
	csr_write(CSR_MIDELEG, 0);
	quiet();
}

/* mtimecmp and msip are registers like others: of 4 and 8 bytes, read back. */
static void clint(void)
{
	volatile uint32_t *half = (volatile uint32_t *)(CLINT + 0x4000);

	*MTIMECMP = 0xfedcba9876543210;
	print("mtimecmp %x", *MTIMECMP);
	half[0] = 0x11111111;
	half[1] = 0xf2222222;
	print(" %x %x\n", *MTIMECMP, (uint64_t)half[1]);
	*MSIP = 0xffffffff;
	print("msip %x mip %x", (uint64_t)*MSIP, csr_read(CSR_MIP) & MIP_MSIP);
	*MSIP = 0xfffffffe;
	while (csr_read(CSR_MIP) & MIP_MSIP)
		;
	print(" %x\n", (uint64_t)*MSIP);
	*MTIMECMP = NEVER;
}

int main(void)
{
	open_pmp();
	csr_write(CSR_MENVCFG, 0);
	csr_write(CSR_MIDELEG, 0);
	clint();
	order();
	masks();
	vectors();
	precise();
	waits();
	supervisor_timer();
	return 0;
}
