/* SPDX-License-Identifier: MIT */
/* Sv39: each kind of page table entry, for each access, mode and control bit; A and D; large pages;
 * address spaces; sfence.vma. */
#include "lib.h"

#define V  1u
#define R  2u
#define W  4u
#define X  8u
#define UU 16u
#define G  32u
#define A  64u
#define D  128u

#define VA   0x40000000ull
#define GIGA 0x3fc0000000ull
#define MEGA 0x3f80000000ull

static uint64_t root[512] __attribute__((aligned(4096)));
static uint64_t other_root[512] __attribute__((aligned(4096)));
static uint64_t mid[512] __attribute__((aligned(4096)));
static uint64_t other_mid[512] __attribute__((aligned(4096)));
static uint64_t leaf[512] __attribute__((aligned(4096)));
static uint64_t other_leaf[512] __attribute__((aligned(4096)));
static uint64_t mega_mid[512] __attribute__((aligned(4096)));
/* ecall, then data. */
static uint32_t page[1024] __attribute__((aligned(4096)));
static uint32_t page2[1024] __attribute__((aligned(4096)));

static uint64_t table(const void *t)
{
	return (uint64_t)t >> 12 << 10 | V;
}

static uint64_t entry(const void *p, uint64_t flags)
{
	return (uint64_t)p >> 12 << 10 | flags;
}

static uint64_t satp(const void *r, uint64_t asid)
{
	return 8ull << 60 | asid << 44 | (uint64_t)r >> 12;
}

static void sfence(void)
{
	asm volatile("sfence.vma" ::: "memory");
}

static void reset_pages(void)
{
	page[0] = page2[0] = 0x73;
	page[2] = 0x11111111;
	page2[2] = 0x22222222;
	asm volatile("fence.i" ::: "memory");
}

/* Whether an access went through, and what the fault was. A fetch has come through when the ecall
 * there traps. */
static void result(const char *what, bool fetch, uint64_t va)
{
	bool good = fetch ? m.cause == 8 || m.cause == 9 : !m.n;

	if (good)
		print(" %s", what);
	else if (m.tval == va)
		print(" %c", m.cause);
	else
		print(" %c(%x)", m.cause, m.tval);
}

static void try_all(unsigned mode, uint64_t va)
{
	reset_pages();
	forget();
	run_at(mode, va);
	result("x", true, va);
	forget();
	load_as(mode, va + 8, 4);
	result("r", false, va + 8);
	forget();
	store_as(mode, va + 8, 4, 0x11111111);
	result("w", false, va + 8);
}

static const char *const mode_name[] = {"U", "S"};

static void set_controls(unsigned i)
{
	csr_clear(CSR_MSTATUS, MSTATUS_SUM | MSTATUS_MXR);
	csr_set(CSR_MSTATUS, (i & 1 ? MSTATUS_SUM : 0) | (i & 2 ? MSTATUS_MXR : 0));
}

static void permissions(void)
{
	for (unsigned f = 0; f < 32; f++) {
		for (unsigned i = 0; i < 4; i++) {
			set_controls(i);
			leaf[0] = entry(page,
					(f & 1 ? V : 0) | (f & 14) | (f & 16 ? UU : 0) | A | D);
			sfence();
			print("v%u r%u w%u x%u u%u sum %u mxr %u:", (uint64_t)f & 1,
			      (uint64_t)f >> 1 & 1, (uint64_t)f >> 2 & 1, (uint64_t)f >> 3 & 1,
			      (uint64_t)f >> 4, (uint64_t)i & 1, (uint64_t)i >> 1);
			for (unsigned mode = U; mode <= S; mode++) {
				print(" %s", mode_name[mode]);
				try_all(mode, VA);
			}
			print("\n");
		}
	}
	set_controls(0);
}

/* A and D, updated by hardware or faulting. */
static void accessed_dirty(void)
{
	for (unsigned adue = 0; adue < 2; adue++) {
		csr_write(CSR_MENVCFG, adue ? MENVCFG_ADUE : 0);
		for (unsigned ad = 0; ad < 4; ad++) {
			static const char *const what[] = {"fetch", "load", "store"};

			for (unsigned a = 0; a < 3; a++) {
				leaf[0] = entry(page, V | R | W | X | ad << 6);
				sfence();
				reset_pages();
				forget();
				if (a == 0)
					run_at(S, VA);
				else if (a == 1)
					load_as(S, VA + 8, 4);
				else
					store_as(S, VA + 8, 4, 0);
				print("adue %u a%u d%u %s:", (uint64_t)adue, (uint64_t)ad & 1,
				      (uint64_t)ad >> 1, what[a]);
				result("done", a == 0, a ? VA + 8 : VA);
				print(" -> a%u d%u\n", leaf[0] >> 6 & 1, leaf[0] >> 7 & 1);
			}
		}
		/* After a load, the first store still sets D. */
		leaf[0] = entry(page, V | R | W | A);
		sfence();
		load_as(S, VA + 8, 4);
		forget();
		store_as(S, VA + 8, 4, 0);
		print("adue %u store after load: %c d%u\n", (uint64_t)adue, m_cause(),
		      leaf[0] >> 7 & 1);
	}
	/* What is not permitted sets nothing. */
	csr_write(CSR_MENVCFG, MENVCFG_ADUE);
	leaf[0] = entry(page, V | R);
	sfence();
	forget();
	store_as(S, VA + 8, 4, 0);
	print("store to a read-only page: %c a%u d%u\n", m_cause(), leaf[0] >> 6 & 1,
	      leaf[0] >> 7 & 1);
}

static void bad_entries(void)
{
	uint64_t good = entry(page, V | R | W | X | A | D);

	for (unsigned bit = 54; bit < 64; bit++) {
		leaf[0] = good | BIT(bit);
		sfence();
		print("leaf bit %u:", (uint64_t)bit);
		try_all(S, VA);
		leaf[0] = good;
		mid[0] = table(leaf) | BIT(bit);
		sfence();
		print(" table bit %u:", (uint64_t)bit);
		try_all(S, VA);
		mid[0] = table(leaf);
		print("\n");
	}
	leaf[0] = table(page);
	sfence();
	print("a table as leaf:");
	try_all(S, VA);
	leaf[0] = good;
	for (unsigned i = 0; i < 4; i++) {
		mid[0] = table(leaf) | (uint64_t[]){A, D, UU, G}[i];
		sfence();
		print("\ntable with %s:", (const char *[]){"A", "D", "U", "G"}[i]);
		try_all(S, VA);
	}
	mid[0] = 0x1000000000ull >> 12 << 10 | V;
	sfence();
	print("\ntable nowhere:");
	try_all(S, VA);
	mid[0] = table(leaf);
	leaf[0] = 0x1000000000ull >> 12 << 10 | V | R | W | X | A | D;
	sfence();
	print("\nleaf nowhere:");
	try_all(S, VA);
	leaf[0] = good;
	print("\n");
}

static void addresses(void)
{
	static const uint64_t va[] = {VA,
				      0x3fffffffffull & ~0xfffull,
				      0x4000000000,
				      0x8000000000,
				      0xffffffbffffff000,
				      0xffffffc000000000,
				      0xfffffffffffff000,
				      BIT(63) | VA,
				      BIT(39) | VA,
				      BIT(38) | VA};

	sfence();
	for (unsigned i = 0; i < ARRAY_SIZE(va); i++) {
		print("va %x:", va[i]);
		try_all(S, va[i]);
		print("\n");
	}
}

static void large_pages(void)
{
	uint64_t ram = (uint64_t)page >> 30 << 30, off = (uint64_t)page - ram;

	root[GIGA >> 30 & 511] = entry((void *)ram, V | R | W | X | A | D);
	root[MEGA >> 30 & 511] = table(mega_mid);
	mega_mid[0] = entry((void *)(ram + (off >> 21 << 21)), V | R | W | X | A | D);
	sfence();
	reset_pages();
	print("giga: %x", load_as(S, GIGA + off + 8, 4));
	try_all(S, GIGA + off);
	off &= 0x1fffff;
	print("\nmega: %x", load_as(S, MEGA + off + 8, 4));
	try_all(S, MEGA + off);
	print("\n");
	for (unsigned bit = 10; bit < 28; bit++) {
		root[GIGA >> 30 & 511] = entry((void *)ram, V | R | W | X | A | D) | BIT(bit);
		sfence();
		forget();
		load_as(S, GIGA, 4);
		print("giga misaligned by bit %u: %c\n", (uint64_t)bit, m_cause());
	}
	for (unsigned bit = 10; bit < 19; bit++) {
		mega_mid[0] = entry((void *)ram, V | R | W | X | A | D) | BIT(bit);
		sfence();
		forget();
		load_as(S, MEGA, 4);
		print("mega misaligned by bit %u: %c\n", (uint64_t)bit, m_cause());
	}
	root[GIGA >> 30 & 511] = 0;
	sfence();
}

/* Two address spaces with one ASID each, and the flushes that make changes visible. What a stale
 * entry would show without a flush is nobody's to say. */
static void address_spaces(void)
{
	uint64_t one = satp(root, 1), two = satp(other_root, 2);
	uint64_t va = VA, asid = 1;

	leaf[0] = entry(page, V | R | W | X | A | D);
	other_leaf[0] = entry(page2, V | R | W | X | A | D);
	other_mid[0] = table(other_leaf);
	other_root[VA >> 30] = table(other_mid);
	reset_pages();
	sfence();
	for (unsigned i = 0; i < 3; i++) {
		csr_write(CSR_SATP, one);
		print("asid 1: %x", load_as(S, VA + 8, 4));
		csr_write(CSR_SATP, two);
		print(" asid 2: %x", load_as(S, VA + 8, 4));
		csr_write(CSR_SATP, 0);
		print(" bare: %x\n", load_as(S, (uint64_t)page + 8, 4));
	}
	for (unsigned i = 0; i < 8; i++) {
		csr_write(CSR_SATP, one);
		load_as(S, VA + 8, 4);
		leaf[0] = entry(i & 1 ? page : page2, V | R | W | X | A | D);
		switch (i >> 1) {
		case 0: sfence(); break;
		case 1: asm volatile("sfence.vma %0, x0" ::"r"(va) : "memory"); break;
		case 2: asm volatile("sfence.vma x0, %0" ::"r"(asid) : "memory"); break;
		default: asm volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory"); break;
		}
		print("after sfence.vma of kind %u: %x\n", (uint64_t)i >> 1, load_as(S, VA + 8, 4));
	}
}

/* A page reached as data and as code, remapped, with both seen new. */
static void remapped_code(void)
{
	static uint32_t insn[2][1024] __attribute__((aligned(4096)));

	insn[0][0] = 0x00000073; /* ecall */
	insn[1][0] = 0x00100073; /* ebreak */
	asm volatile("fence.i" ::: "memory");
	for (unsigned i = 0; i < 4; i++) {
		leaf[0] = entry(insn[i & 1], V | X | A);
		sfence();
		forget();
		run_at(S, VA);
		print("remapped code %u: %c\n", (uint64_t)i, m.cause);
	}
}

/* An address whose upper bits are no sign extension is none, whatever it becomes when something
 * else is mixed in: code that U mode has run is not to be found by S mode behind such an address.
 */
static void impossible_code(void)
{
	uint64_t faults = 0;

	leaf[0] = entry(page, V | X | UU | A);
	reset_pages();
	sfence();
	for (uint64_t bits = 1; bits < 512; bits++) {
		run_at(U, VA);
		forget();
		run_at(S, VA ^ bits << 52);
		faults += m.cause == 12 && m.tval == (VA ^ bits << 52);
	}
	print("impossible code addresses that fault: %u\n", faults);
}

/* Accesses across two pages: the part that faults is what tval says, and nothing is written. */
static void across(void)
{
	uint64_t both = V | R | W | A | D;

	for (unsigned i = 0; i < 4; i++) {
		static const char *const what[] = {"both", "second missing", "second read-only",
						   "first missing"};

		leaf[0] = i == 3 ? 0 : entry(page, both);
		leaf[1] = i == 1 ? 0 : entry(page2, i == 2 ? V | R | A : both);
		sfence();
		page[1023] = 0xaaaaaaaa;
		page2[0] = 0xbbbbbbbb;
		print("across, %s:", what[i]);
		forget();
		print(" %x", load_as(S, VA + 0xffe, 4));
		result("r", false, VA + 0xffe);
		forget();
		store_as(S, VA + 0xffe, 4, 0x12345678);
		result("w", false, VA + 0xffe);
		print(" %x %x\n", (uint64_t)page[1023], (uint64_t)page2[0]);
	}
}

/* A 32-bit instruction across two pages of which the second is missing: epc is the instruction,
 * tval the second page. */
static void fetch_across(void)
{
	reset_pages();
	((uint16_t *)page)[2047] = 0x0073; /* the lower half of ecall */
	page2[0] = 0;
	asm volatile("fence.i" ::: "memory");
	for (unsigned i = 0; i < 2; i++) {
		leaf[0] = entry(page, V | X | A);
		leaf[1] = i ? entry(page2, V | X | A) : 0;
		sfence();
		forget();
		run_at(S, VA + 0xffe);
		print("fetch across: %c epc %x tval %x\n", m.cause, m.epc,
		      m.cause == 12 ? m.tval : 0);
	}
}

int main(void)
{
	open_pmp();
	*MTIMECMP = ~0ull;
	csr_write(CSR_MIE, 0);
	csr_write(CSR_MENVCFG, 0);
	root[VA >> 30] = table(mid);
	mid[0] = table(leaf);
	leaf[0] = entry(page, V | R | W | X | A | D);
	csr_write(CSR_SATP, satp(root, 1));
	permissions();
	accessed_dirty();
	bad_entries();
	addresses();
	large_pages();
	address_spaces();
	csr_write(CSR_SATP, satp(root, 1));
	remapped_code();
	impossible_code();
	across();
	fetch_across();
	return 0;
}
