/* SPDX-License-Identifier: MIT */
/* What --check-coherence tells of: a hart is core 0, with page tables and T-Head's instructions;
 * the test itself is core 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "cpu/coherence.h"
#include "sys_fixture.h"

#define TYPE_MEMORY   (7ull << 60)
#define TYPE_UNCACHED (3ull << 60)
#define UNCACHED      (VA + 0x100000) /* PA once more */
#define SHARED        (PA + 0x40)     /* of the page at PA */
#define THEIR_PC      0x1234u
#define BELL          DEVICE
#define BELL_VA       (VA + 0x200000)
#define MHCR          0x7c1u
#define MCOR          0x7c2u

/* Of xtheadcmo, with a0. */
#define CALL  0x0010000bu
#define CIALL 0x0030000bu
#define CSW   0x0215000bu
#define CVA   0x0255000bu
#define IVA   0x0265000bu
#define CIVA  0x0275000bu
#define CPA   0x0295000bu
#define IPA   0x02a5000bu
#define CIPA  0x02b5000bu
#define SYNC  0x0180000bu

struct fixture {
	struct sys *s;
	struct coherence *c;
	unsigned n_reports, n_forgets;
	struct coherence_report report; /* the last */
};

static void report(void *arg, const struct coherence_report *r)
{
	struct fixture *f = arg;

	f->n_reports++;
	f->report = *r;
}

static void forget(void *arg)
{
	struct fixture *f = arg;

	f->n_forgets++;
	rv64_mmu_flush(&f->s->hart);
}

/* In S mode, with the page at PA twice: cached at VA, and not cached. */
static void begin(struct fixture *f, bool share)
{
	uint64_t satp;

	*f = (struct fixture){.s = sys_new(true)};
	f->s->vm.cfg.model = CPU_MODEL_THEAD_C906;
	f->s->vm.cfg.caches_on = true;
	assert_int_equal(coherence_new(&(struct coherence_config){.mem = f->s->mem,
								  .bell = BELL,
								  .bell_size = 0x100,
								  .report = report,
								  .forget = forget,
								  .arg = f},
				       &f->c),
			 0);
	f->s->vm.cfg.coherence = f->c;
	rv64_hart_restart(&f->s->hart); /* before there is any page */
	f->s->hart.csr.medeleg = 0;
	assert_int_equal(coherence_begin(f->c), 0);
	if (share)
		coherence_share(f->c, PA, GMEM_PAGE_SIZE);
	satp = sys_new_satp(f->s, 0);
	sys_map(f->s, satp, VA, PA, 0, PTE_RW | TYPE_MEMORY);
	sys_map(f->s, satp, UNCACHED, PA, 0, PTE_RW | TYPE_UNCACHED);
	sys_enter(f->s, RV64_S);
	sys_satp(f->s, satp);
}

static void end(struct fixture *f)
{
	f->s->vm.cfg.coherence = NULL;
	coherence_free(f->c);
	sys_free(f->s);
}

static enum coherence_next they_touch(struct fixture *f, uint64_t pa, unsigned len, bool write,
				      bool cached)
{
	const struct coherence_access a = {
		.pa = pa, .pc = THEIR_PC, .len = len, .write = write, .cached = cached};

	return coherence_access(f->c, 1, &a);
}

/* Core 1 rings, and the hart knows; or the other way round. */
static void they_ring(struct fixture *f)
{
	coherence_device(f->c, 1, BELL + 0x60, true);
	coherence_device(f->c, 0, BELL + 0x18, false);
}

static void we_ring(struct fixture *f)
{
	coherence_device(f->c, 0, BELL + 0x60, true);
	coherence_device(f->c, 1, BELL + 0x18, false);
}

static void operate(struct fixture *f, uint32_t bits, uint64_t value)
{
	f->s->hart.pc = HERE;
	rv64_thead_cache(&f->s->hart, bits, value);
}

#define expect_report(f, what, who, at)                    \
	do {                                               \
		assert_int_equal((f)->n_reports, 1);       \
		assert_int_equal((f)->report.fault, what); \
		assert_int_equal((f)->report.reader, who); \
		assert_int_equal((f)->report.pa, at);      \
		(f)->n_reports = 0;                        \
	} while (0)

/* The hart writes, and core 1 reads. */
static void writes(void **state)
{
	static const struct {
		uint32_t bits;
		uint64_t value;
		bool cleans;
	} ops[] = {
		{SYNC, 0, false},        {CVA, VA + 0x40, true}, {CIVA, VA + 0x7f, true},
		{CPA, SHARED, true},     {CIPA, SHARED, true},   {CPA, SHARED + 64, false},
		{IPA, SHARED, false},    {IVA, VA + 64, false},  {CVA, UNCACHED + 64, true},
		{CVA, 0x12345, false},   {CALL, 0, true},        {CIALL, 0, true},
		{CSW, 0x80000000, true}, {CPA, 0x100, false},
	};
	struct fixture f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		begin(&f, true);
		assert_done(sys_store(f.s, VA + 0x40, 4, 1));
		operate(&f, ops[i].bits, ops[i].value);
		they_touch(&f, SHARED, 4, false, true); /* nobody has said that it is there */
		assert_int_equal(f.n_reports, 0);
		we_ring(&f);
		coherence_line(f.c, 1, SHARED, 0, COHERENCE_INVALIDATE);
		they_touch(&f, SHARED + 4, 4, false, true);
		assert_int_equal(f.n_reports, 0); /* the bytes beside it */
		they_touch(&f, SHARED, 4, false, true);
		if (ops[i].cleans) {
			assert_int_equal(f.n_reports, 0);
		} else {
			expect_report(&f, COHERENCE_NOT_CLEANED, 1, SHARED);
			assert_int_equal(f.report.writer_pc, HERE);
			assert_int_equal(f.report.reader_pc, THEIR_PC);
		}
		end(&f);
	}
}

/* What is not cached needs no operation: by the page's type, or with the cache off. */
static void uncached(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	assert_done(sys_store(f.s, UNCACHED + 0x40, 8, 1));
	we_ring(&f);
	they_touch(&f, SHARED, 8, false, true);
	assert_int_equal(f.n_reports, 0);
	sys_enter(f.s, RV64_M);
	sys_set_csr(f.s, MHCR, 0x7d);
	sys_enter(f.s, RV64_S);
	assert_done(sys_store(f.s, VA + 0x80, 8, 1));
	we_ring(&f);
	they_touch(&f, PA + 0x80, 8, false, true);
	assert_int_equal(f.n_reports, 0);
	sys_enter(f.s, RV64_M);
	sys_set_csr(f.s, MHCR, 0x7f);
	sys_enter(f.s, RV64_S);
	assert_done(sys_store(f.s, VA + 0x80, 8, 1));
	we_ring(&f);
	they_touch(&f, PA + 0x80, 8, false, true);
	expect_report(&f, COHERENCE_NOT_CLEANED, 1, PA + 0x80);
	end(&f);
}

/* The hart reads what core 1 wrote, of which it may have an older copy. */
static void reads(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	they_touch(&f, SHARED, 4, true, false);
	they_ring(&f);
	assert_done(sys_load(f.s, VA + 0x40, 4)); /* fetched only now */
	they_touch(&f, SHARED, 4, true, false);
	assert_done(sys_load(f.s, VA + 0x40, 4)); /* old, and not known to be */
	assert_int_equal(f.n_reports, 0);
	they_ring(&f);
	assert_done(sys_load(f.s, UNCACHED + 0x40, 4)); /* not from the cache */
	assert_int_equal(f.n_reports, 0);
	assert_done(sys_load(f.s, VA + 0x42, 2));
	expect_report(&f, COHERENCE_NOT_INVALIDATED, 0, SHARED + 2);
	assert_int_equal(f.report.writer_pc, THEIR_PC);
	assert_int_equal(f.report.reader_pc, HERE);
	assert_done(sys_load(f.s, VA + 0x42, 2)); /* once for each pair of places */
	assert_int_equal(f.n_reports, 0);
	operate(&f, IVA, VA + 0x40);
	assert_done(sys_load(f.s, VA + 0x40, 4));
	assert_int_equal(f.n_reports, 0);
	they_touch(&f, SHARED, 4, true, true);
	they_ring(&f);
	operate(&f, IVA, VA + 0x40);
	assert_done(sys_atomic(f.s, VA + 0x40, 4, false)); /* in their cache; it reads, too */
	assert_int_equal(f.n_reports, 0);                  /* the same pair */
	end(&f);
}

/* A word that was read as the other core wrote it says that what came before is there as well. */
static void by_memory(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	they_touch(&f, SHARED, 8, true, true);
	they_touch(&f, PA + 0x80, 8, true, false);
	assert_done(sys_load(f.s, UNCACHED + 0x40, 8));
	assert_int_equal(f.n_reports, 0);
	assert_done(sys_load(f.s, UNCACHED + 0x80, 8));
	assert_done(sys_load(f.s, UNCACHED + 0x40, 8));
	expect_report(&f, COHERENCE_NOT_CLEANED, 0, SHARED);
	end(&f);
}

/* A line that is written back takes along what the other core has written beside. */
static void overwritten(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	assert_done(sys_store(f.s, VA + 0x40, 4, 1));
	they_touch(&f, SHARED + 8, 4, true, false);
	operate(&f, CPA, SHARED);
	they_touch(&f, SHARED + 8, 4, false, false);
	expect_report(&f, COHERENCE_OVERWRITTEN, 1, SHARED + 8);
	they_touch(&f, SHARED + 8, 4, true, false); /* once more, and there it stays */
	operate(&f, CPA, SHARED);
	they_touch(&f, SHARED + 8, 4, false, false);
	assert_int_equal(f.n_reports, 0);
	end(&f);
}

/* Memory that nobody has declared: the hart is left alone until core 1 comes. */
static void found(void **state)
{
	struct fixture f;
	unsigned places;

	(void)state;
	begin(&f, false);
	assert_done(sys_load(f.s, VA + 0x40, 4));
	assert_int_not_equal(f.s->hart.mmu.tlb[RV64_TLB_INDEX(f.s->hart.mmu.ctx, VA)].load_tag,
			     RV64_TLB_NONE);
	assert_done(sys_store(f.s, VA + 0x40, 4, 1));
	we_ring(&f);
	assert_int_equal(they_touch(&f, SHARED, 4, false, true), COHERENCE_FORGET);
	expect_report(&f, COHERENCE_NOT_CLEANED, 1, SHARED);
	assert_true(f.report.by_page);
	assert_int_equal(they_touch(&f, SHARED, 4, false, true), COHERENCE_ALWAYS);
	coherence_forget(f.c);
	assert_done(sys_load(f.s, VA + 0x40, 4));
	assert_int_equal(f.s->hart.mmu.tlb[RV64_TLB_INDEX(f.s->hart.mmu.ctx, VA)].load_tag,
			 RV64_TLB_NONE);
	assert_int_equal(coherence_counts(f.c, &places), 2);
	assert_int_equal(places, 1);
	end(&f);
	/* Who writes a line back has thought of it. */
	begin(&f, false);
	assert_done(sys_store(f.s, VA + 0x40, 4, 1));
	operate(&f, CVA, VA + 0x40);
	we_ring(&f);
	they_touch(&f, PA, GMEM_PAGE_SIZE, false, true);
	assert_int_equal(f.n_reports, 0);
	end(&f);
}

/* A reset empties the cache, and so does mcor. */
static void resets(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	they_touch(&f, SHARED, 4, false, true);
	assert_done(sys_store(f.s, UNCACHED + 0x40, 4, 1));
	coherence_reset(f.c, 1);
	they_touch(&f, SHARED, 4, false, true);
	assert_int_equal(f.n_reports, 0);
	assert_done(sys_load(f.s, VA + 0x40, 4));
	they_touch(&f, SHARED, 4, true, false);
	they_ring(&f);
	sys_enter(f.s, RV64_M);
	sys_set_csr(f.s, MCOR, 0x12);
	sys_enter(f.s, RV64_S);
	assert_done(sys_load(f.s, VA + 0x40, 4));
	assert_int_equal(f.n_reports, 0);
	assert_done(sys_store(f.s, VA + 0x40, 4, 1));
	sys_enter(f.s, RV64_M);
	sys_set_csr(f.s, MCOR, 0x22);
	we_ring(&f);
	they_touch(&f, SHARED, 4, false, false);
	assert_int_equal(f.n_reports, 0);
	end(&f);
}

/* The bell, by the hart's own accesses of the device. */
static void by_device(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	sys_map(f.s, f.s->hart.csr.satp, BELL_VA, BELL, 0, PTE_RW);
	assert_done(sys_store(f.s, VA + 0x40, 4, 1));
	assert_done(sys_store(f.s, BELL_VA + 0x60, 4, 1));
	coherence_device(f.c, 1, BELL + 0x18, false);
	they_touch(&f, SHARED, 4, false, true);
	expect_report(&f, COHERENCE_NOT_CLEANED, 1, SHARED);
	they_touch(&f, PA + 0x80, 4, true, true);
	coherence_device(f.c, 1, BELL + 0x60, true);
	assert_done(sys_load(f.s, BELL_VA + 0x18, 4));
	assert_done(sys_load(f.s, VA + 0x80, 4));
	expect_report(&f, COHERENCE_NOT_CLEANED, 0, PA + 0x80);
	end(&f);
}

/* The hart as core 1, which comes to a page that core 0 knew. */
static void comes_second(void **state)
{
	const struct coherence_access a = {
		.pa = SHARED, .pc = THEIR_PC, .len = 4, .write = true, .cached = true};
	struct fixture f;

	(void)state;
	begin(&f, false);
	f.s->vm.cfg.core = 1;
	assert_int_equal(coherence_access(f.c, 0, &a), COHERENCE_FAST);
	assert_done(sys_load(f.s, VA + 0x40, 4));
	assert_int_equal(f.n_forgets, 1);
	assert_int_equal(f.s->n_parked, f.s->n_unparked);
	assert_int_not_equal(f.s->n_parked, 0);
	assert_int_equal(coherence_access(f.c, 0, &a), COHERENCE_ALWAYS);
	assert_done(sys_load(f.s, VA + 0x44, 4));
	assert_int_equal(f.n_forgets, 1);
	end(&f);
}

static void they_execute(struct fixture *f, uint64_t pa, unsigned len, bool cached)
{
	const struct coherence_access a = {.pa = pa, .pc = pa, .len = len, .cached = cached};

	assert_int_equal(coherence_fetch(f->c, 1, &a), COHERENCE_ALWAYS);
}

/* Code that the hart has written, and core 1 executes. */
static void code(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	they_execute(&f, SHARED, 4, true);
	they_touch(&f, PA + 0x80, 4, true, true); /* by itself */
	they_execute(&f, PA + 0x80, 4, true);
	assert_done(sys_store(f.s, UNCACHED + 0x40, 4, 1));
	they_execute(&f, SHARED, 4, true); /* nobody has said that it is there */
	assert_int_equal(f.n_reports, 0);
	we_ring(&f);
	they_execute(&f, SHARED, 4, false); /* not from the cache */
	assert_int_equal(f.n_reports, 0);
	coherence_line(f.c, 1, SHARED, 0, COHERENCE_INVALIDATE); /* of data: no help */
	they_execute(&f, SHARED, 4, true);
	expect_report(&f, COHERENCE_NOT_INVALIDATED, 1, SHARED);
	assert_true(f.report.fetch);
	they_execute(&f, SHARED + 2, 2, true); /* once for a page */
	assert_int_equal(f.n_reports, 0);
	coherence_drop_code(f.c, 1);
	they_touch(&f, SHARED, 4, false, true); /* as data it is another copy */
	they_execute(&f, SHARED, 4, true);
	assert_int_equal(f.n_reports, 0);
	end(&f);
	begin(&f, true);
	assert_done(sys_store(f.s, VA + 0x100, 4, 1));
	coherence_reset(f.c, 1);
	they_execute(&f, PA + 0x100, 4, true);
	they_execute(&f, PA + 0x100, 4, true);
	expect_report(&f, COHERENCE_NOT_CLEANED, 1, PA + 0x100);
	operate(&f, CPA, PA + 0x100);
	coherence_reset(f.c, 1);
	they_execute(&f, PA + 0x100, 4, true);
	assert_int_equal(f.n_reports, 0);
	end(&f);
}

/* Code that core 1 has written, and the hart executes: each fetch is told of, and mcor drops what
 * the hart has of code. */
static void code_of_others(void **state)
{
	struct fixture f;
	uint64_t satp;

	(void)state;
	begin(&f, true);
	satp = sys_new_satp(f.s, 1);
	sys_map(f.s, satp, VA, PA, 0, (PTE_RW & ~(uint64_t)PTE_W) | PTE_X | TYPE_MEMORY);
	sys_satp(f.s, satp);
	assert_done(sys_fetch(f.s, VA + 0x40));
	they_touch(&f, SHARED, 4, true, false);
	they_ring(&f);
	sys_enter(f.s, RV64_M);
	sys_set_csr(f.s, MCOR, 0x11);
	sys_enter(f.s, RV64_S);
	assert_done(sys_fetch(f.s, VA + 0x40));
	assert_int_equal(f.n_reports, 0);
	they_touch(&f, SHARED, 4, true, false);
	they_ring(&f);
	sys_enter(f.s, RV64_M);
	sys_set_csr(f.s, MCOR, 0x12); /* data */
	sys_enter(f.s, RV64_S);
	assert_done(sys_fetch(f.s, VA + 0x40));
	expect_report(&f, COHERENCE_NOT_INVALIDATED, 0, SHARED);
	assert_true(f.report.fetch);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),         cmocka_unit_test(uncached),
		cmocka_unit_test(reads),          cmocka_unit_test(by_memory),
		cmocka_unit_test(found),          cmocka_unit_test(resets),
		cmocka_unit_test(overwritten),    cmocka_unit_test(by_device),
		cmocka_unit_test(comes_second),   cmocka_unit_test(code),
		cmocka_unit_test(code_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
