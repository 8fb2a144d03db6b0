/* SPDX-License-Identifier: MIT */
/* Physical memory protection: matching, priority, rights by mode, locks, page tables. */
#include "lib.h"

#define CFG(mode, perm) ((uint64_t)(mode) << PMP_A_SHIFT | (perm))
#define RWX             (PMP_R | PMP_W | PMP_X)

/* The protected pages: every word is an ecall, so that any may be executed. */
static uint32_t area[3 * 1024] __attribute__((aligned(4096)));
static uint64_t root[512] __attribute__((aligned(4096)));
static uint64_t mid[512] __attribute__((aligned(4096)));
static uint64_t leaf[512] __attribute__((aligned(4096)));

static const char *const mode_name[] = {"U", "S", "?", "M"};

static uint64_t at(uint64_t offset)
{
	return (uint64_t)area + offset;
}

static uint64_t napot(uint64_t base, uint64_t size)
{
	return base >> 2 | (size / 8 - 1);
}

static void entry(unsigned i, uint64_t addr, uint64_t cfg)
{
	unsigned num = CSR_PMPCFG0 + i / 8 * 2, shift = i % 8 * 8;

	csr_write_by_number(CSR_PMPADDR0 + i, addr);
	csr_write_by_number(num, (csr_read_by_number(num) & ~(0xffull << shift)) | cfg << shift);
	asm volatile("sfence.vma" ::: "memory"); /* may be needed after a change of PMP */
}

static void all_off(void)
{
	for (unsigned i = 0; i < 15; i++)
		entry(i, 0, 0);
	open_pmp();
}

static void fill(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(area); i++)
		area[i] = 0x73;
	asm volatile("fence.i" ::: "memory");
}

static char fetch_mark(unsigned mode, uint64_t addr)
{
	forget();
	run_at(mode, addr);
	return m.cause >= 8 ? 'x' : m.cause == 1 && m.tval == addr ? '-' : '?';
}

static char load_mark(unsigned mode, uint64_t addr, unsigned size)
{
	forget();
	load_as(mode, addr, size);
	return !m.n ? 'r' : m.cause == 5 && m.tval == addr ? '-' : '?';
}

static char store_mark(unsigned mode, uint64_t addr, unsigned size)
{
	forget();
	store_as(mode, addr, size, 0x7300000073);
	return !m.n ? 'w' : m.cause == 7 && m.tval == addr ? '-' : '?';
}

/* Rights of each page of the area in one mode. */
static void pages(unsigned mode)
{
	print(" %s", mode_name[mode]);
	for (unsigned p = 0; p < 3; p++) {
		put_char(' ');
		put_char(load_mark(mode, at(p * 4096), 8));
		put_char(store_mark(mode, at(p * 4096), 8));
		put_char(fetch_mark(mode, at(p * 4096)));
	}
}

static void rights(void)
{
	for (unsigned perm = 0; perm < 8; perm++) {
		if ((perm & RWX & 3) == PMP_W)
			continue; /* reserved */
		all_off();
		entry(0, napot(at(4096), 4096), CFG(PMP_A_NAPOT, perm));
		print("middle page %x:", (uint64_t)perm);
		for (unsigned mode = U; mode <= M; mode = mode * 2 + 1)
			pages(mode);
		print("\n");
	}
}

/* Bytes [from, to) around the bounds of an entry: which words a load reaches. Within a page that
 * only some entry covers in part, fetches are left out: an implementation may fetch more at a time
 * than it executes. */
static void words(const char *what, uint64_t from, uint64_t to)
{
	print("%s:", what);
	for (uint64_t a = from - 8; a < to + 8; a += 4) {
		put_char(' ');
		put_char(load_mark(S, at(a), 4));
		put_char(store_mark(S, at(a), 4));
	}
	for (uint64_t a = from - 8; a < to + 8; a += 8) {
		put_char(' ');
		put_char(load_mark(U, at(a), 8));
		put_char(load_mark(U, at(a + 7), 1));
	}
	print("\n");
}

static void matching(void)
{
	all_off();
	entry(3, at(64) >> 2, CFG(PMP_A_NA4, 0));
	words("na4 closed", 64, 72);
	entry(3, napot(at(64), 8), CFG(PMP_A_NAPOT, PMP_R));
	words("napot 8 r", 64, 72);
	entry(3, napot(at(64), 32), CFG(PMP_A_NAPOT, 0));
	words("napot 32 closed", 64, 96);
	entry(2, at(72) >> 2, 0);
	entry(3, at(84) >> 2, CFG(PMP_A_TOR, PMP_R));
	words("tor r", 72, 84);
	entry(2, at(84) >> 2, 0);
	words("tor empty", 72, 84);
	entry(2, at(96) >> 2, 0);
	words("tor upside down", 72, 96);
	all_off();
	entry(0, at(4096) >> 2, CFG(PMP_A_TOR, PMP_R | PMP_X)); /* from 0 */
	print("tor 0:");
	pages(S);
	print("\n");
	all_off();
	entry(1, napot(at(72), 8), CFG(PMP_A_NAPOT, PMP_R | PMP_W));
	entry(2, napot(at(64), 64), CFG(PMP_A_NAPOT, 0));
	words("a hole in a closed region", 64, 88);
	all_off();
	for (unsigned i = 0; i < 15; i++)
		entry(i, napot(at(8 * i), 8), CFG(PMP_A_NAPOT, i & 1 ? RWX : 0));
	words("fifteen entries", 8, 128);
}

/* An access that one entry covers in part fails, in M mode as well; byte accesses do not. */
static void partial(void)
{
	all_off();
	entry(0, at(68) >> 2, CFG(PMP_A_NA4, RWX));
	for (unsigned mode = U; mode <= M; mode = mode * 2 + 1) {
		print("in part in %s: ", mode_name[mode]);
		put_char(load_mark(mode, at(64), 8));
		put_char(store_mark(mode, at(64), 8));
		put_char(load_mark(mode, at(68), 4));
		put_char(load_mark(mode, at(64), 4));
		put_char(load_mark(mode, at(72), 8));
		print("\n");
	}
}

/* With no entry at all S and U mode reach nothing. */
static void closed(void)
{
	all_off();
	csr_write(CSR_PMPCFG2, 0);
	asm volatile("sfence.vma" ::: "memory");
	print("no entry:");
	for (unsigned mode = U; mode <= M; mode = mode * 2 + 1)
		pages(mode);
	print("\n");
}

/* What the walk reads and updates, and the page behind it. */
static void page_tables(void)
{
	const uint64_t va = 0x40000000;
	const uint64_t where[] = {(uint64_t)root, (uint64_t)mid, (uint64_t)leaf, at(0)};
	static const char *const name[] = {"root", "mid", "leaf", "page"};

	root[va >> 30] = (uint64_t)mid >> 12 << 10 | 1;
	mid[0] = (uint64_t)leaf >> 12 << 10 | 1;
	csr_write(CSR_SATP, 8ull << 60 | (uint64_t)root >> 12);
	csr_write(CSR_MENVCFG, MENVCFG_ADUE);
	for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
		for (unsigned perm = 0; perm < 8; perm = perm * 2 + 1) { /* -, r, rw, rwx */
			all_off();
			leaf[0] = at(0) >> 12 << 10 | 0xf; /* A and D clear */
			entry(0, napot(where[i], 4096), CFG(PMP_A_NAPOT, perm));
			print("%s with %x: ", name[i], (uint64_t)perm);
			put_char(load_mark(S, va, 8));
			put_char(store_mark(S, va, 8));
			put_char(fetch_mark(S, va));
			print(" a%u d%u\n", leaf[0] >> 6 & 1, leaf[0] >> 7 & 1);
		}
	}
	csr_write(CSR_SATP, 0);
	csr_write(CSR_MENVCFG, 0);
}

/* Last, since nothing undoes a lock. */
static void locks(void)
{
	all_off();
	entry(1, napot(at(0), 4096), CFG(PMP_A_NAPOT, PMP_R) | PMP_L);
	entry(3, at(8192) >> 2, 0);
	entry(4, at(12288) >> 2, CFG(PMP_A_TOR, 0) | PMP_L);
	print("locked:");
	for (unsigned mode = U; mode <= M; mode = mode * 2 + 1)
		pages(mode);
	print("\n");
	csr_write(CSR_PMPADDR0 + 1, 5);
	csr_write(CSR_PMPADDR0 + 3, 5);
	csr_write(CSR_PMPADDR0 + 4, 5);
	csr_write(CSR_PMPADDR0 + 5, 5);
	csr_write(CSR_PMPCFG0, 0);
	print("pmpaddr 1: %u 3: %u 4: %u 5: %x cfg %x\n",
	      csr_read(CSR_PMPADDR0 + 1) == napot(at(0), 4096),
	      csr_read(CSR_PMPADDR0 + 3) == at(8192) >> 2,
	      csr_read(CSR_PMPADDR0 + 4) == at(12288) >> 2, csr_read(CSR_PMPADDR0 + 5),
	      csr_read(CSR_PMPCFG0));
	print("still locked:");
	for (unsigned mode = U; mode <= M; mode = mode * 2 + 1)
		pages(mode);
	print("\n");
}

int main(void)
{
	*MTIMECMP = ~0ull;
	csr_write(CSR_MIE, 0);
	csr_write(CSR_SATP, 0);
	csr_write(CSR_MENVCFG, 0);
	fill();
	rights();
	matching();
	partial();
	closed();
	page_tables();
	locks();
	return 0;
}
