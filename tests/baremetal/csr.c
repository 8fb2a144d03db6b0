/* SPDX-License-Identifier: MIT */
/* What stays of a value that is written to a CSR (WARL fields), and which CSRs are read-only. */
#include "lib.h"

/* `agree` leaves out what an implementation may choose:
 * - mstatus and sstatus: V, H, big-endian data, UXL and SXL other than 64 bits, and later
 * extensions;
 * - misa: extensions beyond the ones that both must have;
 * - the counter enables: how many hpmcounters there are;
 * - medeleg bit 0 cannot happen with C, bits 9 and up: whether ecall from M and what H brings can
 * be delegated; menvcfg: Svpbmt, pointer masking, shadow stacks, double traps;
 * - mepc and sepc: QEMU keeps bit 0, against the specification;
 * - PMP: bits 63 to 54 of an address and 6 to 5 of a configuration. */
static const struct {
	const char *name;
	unsigned num;
	uint64_t agree;
} regs[] = {
	{"mstatus", CSR_MSTATUS, 0x80000000007e79aa},
	{"sstatus", CSR_SSTATUS, 0x80000000000c6122},
	{"misa", CSR_MISA, 0xc00000000014112d},
	{"medeleg", CSR_MEDELEG, 0xb1fe},
	{"mideleg", CSR_MIDELEG, 0xaaa},
	{"mie", CSR_MIE, 0xaaa},
	{"mtvec", CSR_MTVEC, ~0ull},
	{"stvec", CSR_STVEC, ~0ull},
	{"mcounteren", CSR_MCOUNTEREN, 7},
	{"scounteren", CSR_SCOUNTEREN, 7},
	{"mcountinhibit", CSR_MCOUNTINHIBIT, 7},
	{"menvcfg", CSR_MENVCFG, 0xa0000000000000f1},
	{"senvcfg", CSR_SENVCFG, 0xf1},
	{"mscratch", CSR_MSCRATCH, ~0ull},
	{"sscratch", CSR_SSCRATCH, ~0ull},
	{"mepc", CSR_MEPC, ~1ull},
	{"sepc", CSR_SEPC, ~1ull},
	{"mtval", CSR_MTVAL, ~0ull},
	{"stval", CSR_STVAL, ~0ull},
	{"stimecmp", CSR_STIMECMP, ~0ull},
	{"pmpaddr0", CSR_PMPADDR0, PMP_ADDR_ALL},
	{"pmpaddr15", CSR_PMPADDR15, PMP_ADDR_ALL},
};

/* Keeps the traps working while their registers are tried out. */
static void try_out(unsigned i, uint64_t value, const char *what)
{
	uint64_t old = csr_read_by_number(regs[i].num), got;

	forget();
	csr_write_by_number(regs[i].num, value);
	got = csr_read_by_number(regs[i].num);
	csr_write_by_number(regs[i].num, old);
	print("%s %s %x %c\n", regs[i].name, what, got & regs[i].agree, m_cause());
}

/* Writes the patterns that keep to the vectors' modes 0 and 1; all else is "reserved_values". */
static void patterns(void)
{
	csr_set(CSR_MSTATUS, MSTATUS_FS);
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
		bool vec = regs[i].num == CSR_MTVEC || regs[i].num == CSR_STVEC;
		/* MPP = 3, UXL left alone; CBIE = 3. */
		uint64_t ones = ~0ull & ~(vec ? 2ull : 0) &
				~(regs[i].num == CSR_MSTATUS || regs[i].num == CSR_SSTATUS
					  ? 15ull << 32 | MSTATUS_MPRV
					  : 0);

		try_out(i, 0, "zeros");
		try_out(i, ones, "ones");
		try_out(i, 0x5555555555554554 & ones, "fives"); /* MPP not 2 */
	}
}

static void reserved_values(void)
{
	uint64_t satp = 8ull << 60 | 0xabcdull << 44 | 0x80000;

	csr_write(CSR_MSTATUS, 1ull << MSTATUS_MPP_SHIFT);
	csr_write(CSR_MSTATUS, 2ull << MSTATUS_MPP_SHIFT);
	/* Kept or made another legal mode: the implementation's choice, but never 2. */
	print("mpp 2 taken: %u\n", (csr_read(CSR_MSTATUS) & MSTATUS_MPP) >> 11 == 2);

	csr_write(CSR_SATP, satp);
	print("satp %x\n", csr_read(CSR_SATP));
	/* Without 9 and 10, Sv48 and Sv57, which one may have. */
	for (uint64_t mode = 1; mode < 16; mode++) {
		if (mode >= 8 && mode <= 10)
			continue;
		csr_write(CSR_SATP, mode << 60 | 5);
		print("satp mode %u: %x\n", mode, csr_read(CSR_SATP));
	}
	csr_write(CSR_SATP, 0);
	print("satp bare: %x\n", csr_read(CSR_SATP));
	for (uint64_t fs = 0; fs < 4; fs++) {
		csr_clear(CSR_MSTATUS, MSTATUS_FS);
		csr_set(CSR_MSTATUS, fs << 13);
		print("fs %u: mstatus %x sstatus %x\n", fs,
		      csr_read(CSR_MSTATUS) & (MSTATUS_SD | MSTATUS_FS),
		      csr_read(CSR_SSTATUS) & (MSTATUS_SD | MSTATUS_FS));
	}
	csr_set(CSR_MSTATUS, 1 << 13);
	csr_write(CSR_FCSR, ~0ull);
	print("fcsr %x frm %x fflags %x\n", csr_read(CSR_FCSR), csr_read(CSR_FRM),
	      csr_read(CSR_FFLAGS));
	csr_write(CSR_FRM, 2);
	csr_write(CSR_FFLAGS, 0x15);
	print("fcsr %x sd %x\n", csr_read(CSR_FCSR), csr_read(CSR_MSTATUS) >> 63);
	csr_write(CSR_FCSR, 0);
}

/* mip: which bits software sets, in M and through sip. */
static void pending(void)
{
	csr_write(CSR_MIE, 0);
	csr_write(CSR_MENVCFG, 0); /* STIP is software's without Sstc */
	*MTIMECMP = ~0ull;
	*MSIP = 0;
	csr_write(CSR_MIP, ~0ull);
	print("mip ones %x", csr_read(CSR_MIP) & 0xaaa);
	csr_write(CSR_MIP, 0);
	print(" zeros %x", csr_read(CSR_MIP) & 0xaaa);
	csr_set(CSR_MIP, 0x20);
	csr_set(CSR_MIP, 0x200);
	print(" set %x", csr_read(CSR_MIP) & 0xaaa);
	csr_clear(CSR_MIP, 0x20);
	print(" cleared %x\n", csr_read(CSR_MIP) & 0xaaa);
	csr_write(CSR_MIP, 0x222);
	for (uint64_t deleg = 0; deleg < 8; deleg++) {
		csr_write(CSR_MIDELEG, (deleg & 1) << 1 | (deleg & 2) << 4 | (deleg & 4) << 7);
		csr_write(CSR_MIP, 0x222);
		print("mideleg %x sip %x", csr_read(CSR_MIDELEG) & 0x222, csr_read(CSR_SIP));
		csr_write(CSR_SIP, 0);
		print(" after write of 0: mip %x", csr_read(CSR_MIP) & 0x222);
		csr_write(CSR_MIP, 0);
		csr_write(CSR_SIP, ~0ull);
		print(" of ones: mip %x", csr_read(CSR_MIP) & 0x222);
		csr_write(CSR_MIE, 0xaaa);
		print(" sie %x", csr_read(CSR_SIE));
		csr_write(CSR_SIE, 0);
		print(" mie %x\n", csr_read(CSR_MIE) & 0xaaa);
		csr_write(CSR_MIE, 0);
		csr_write(CSR_MIP, 0);
	}
}

/* With Sstc, STIP in mip is the comparison and nothing else. */
static void stimecmp_and_stip(void)
{
	csr_write(CSR_STIMECMP, ~0ull);
	csr_write(CSR_MENVCFG, MENVCFG_STCE);
	csr_set(CSR_MIP, 0x20);
	print("stip set: %x", csr_read(CSR_MIP) & 0x20);
	csr_write(CSR_STIMECMP, 0);
	print(" due: %x", csr_read(CSR_MIP) & 0x20);
	csr_clear(CSR_MIP, 0x20);
	print(" cleared: %x", csr_read(CSR_MIP) & 0x20);
	csr_write(CSR_STIMECMP, ~0ull);
	print(" later: %x\n", csr_read(CSR_MIP) & 0x20);
	csr_write(CSR_MENVCFG, 0);
}

static const struct {
	const char *name;
	unsigned num;
} read_only[] = {
	{"mvendorid", CSR_MVENDORID},
	{"marchid", CSR_MARCHID},
	{"mimpid", CSR_MIMPID},
	{"mhartid", CSR_MHARTID},
	{"mconfigptr", CSR_MCONFIGPTR},
	{"cycle", CSR_CYCLE},
	{"time", CSR_TIME},
	{"instret", CSR_INSTRET},
	{"hpmcounter3", CSR_INSTRET + 1},
};

static void read_only_ones(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(read_only); i++) {
		forget();
		(void)csr_read_by_number(read_only[i].num);
		print("%s read %c", read_only[i].name, m_cause());
		forget();
		csr_write_by_number(read_only[i].num, 0);
		print(" write %c\n", m_cause());
	}
	print("mhartid %x mconfigptr %x\n", csr_read(CSR_MHARTID), csr_read(CSR_MCONFIGPTR));
	/* Numbers that nothing defines, and RV32's upper halves. */
	for (unsigned i = 0; i < 8; i++) {
		static const unsigned none[] = {0x004, 0x1ff, 0x3ff, 0x310,
						0xb80, 0xc80, 0x3a1, 0x3a3};

		forget();
		(void)csr_read_by_number(none[i]);
		print("%x read %c\n", (uint64_t)none[i], m_cause());
	}
}

int main(void)
{
	patterns();
	reserved_values();
	pending();
	stimecmp_and_stip();
	read_only_ones();
	return 0;
}
