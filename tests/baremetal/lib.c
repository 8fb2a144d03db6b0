/* SPDX-License-Identifier: MIT */
#include "lib.h"

#include <stdarg.h>

#define TEST_DEVICE ((volatile uint32_t *)0x100000)
#define TEST_PASS   0x5555
#define TEST_FAIL   0x3333

#define EXIT_CALL 0x777 /* in a7: a function that was entered with enter_lower() has returned */

struct frame {
	uint64_t pc;
	uint64_t x[32]; /* x[0] is x1 */
};

enum { A0 = 9, A7 = 16 };

volatile struct trap m, s;
volatile bool abort_to_m;
static uint8_t lower_stack[8192] __attribute__((aligned(4096)));

void m_entry(void);
void s_entry(void);
uint64_t enter_lower(uint64_t pc, uint64_t arg, uint64_t stack);
void enter_resume(void);
void lower_exit(void);
int main(void);

/* ---- output ---- */

void put_char(char c)
{
	while (!(UART[5] & 0x20))
		;
	UART[0] = (uint8_t)c;
}

static void put_text(const char *t)
{
	while (*t)
		put_char(*t++);
}

static void put_number(uint64_t v, unsigned base)
{
	char text[21];
	unsigned i = sizeof(text);

	text[--i] = 0;
	do {
		text[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put_text(text + i);
}

static void put_cause(uint64_t cause)
{
	static const char *const names[] = {
		"fetch-misaligned",
		"fetch-access",
		"illegal",
		"breakpoint",
		"load-misaligned",
		"load-access",
		"store-misaligned",
		"store-access",
		"ecall-u",
		"ecall-s",
		"?",
		"ecall-m",
		"fetch-page",
		"load-page",
		"?",
		"store-page",
	};

	if (cause == NO_CAUSE) {
		put_char('-');
	} else if (cause & INTERRUPT) {
		put_text("irq-");
		put_number(cause & ~INTERRUPT, 10);
	} else if (cause < ARRAY_SIZE(names)) {
		put_text(names[cause]);
	} else {
		put_number(cause, 10);
	}
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put_char(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's': put_text(va_arg(ap, const char *)); break;
		case 'x': put_number(va_arg(ap, uint64_t), 16); break;
		case 'u': put_number(va_arg(ap, uint64_t), 10); break;
		case 'c': put_cause(va_arg(ap, uint64_t)); break;
		}
	}
	va_end(ap);
}

void finish(int status)
{
	*TEST_DEVICE = status ? (uint32_t)status << 16 | TEST_FAIL : TEST_PASS;
	for (;;)
		;
}

/* ---- traps ---- */

void forget(void)
{
	m = (struct trap){.cause = NO_CAUSE};
	s = (struct trap){.cause = NO_CAUSE};
}

uint64_t m_cause(void)
{
	return m.n ? m.cause : NO_CAUSE;
}

static void to_enter_resume(struct frame *f)
{
	f->pc = (uint64_t)enter_resume;
	csr_set(CSR_MSTATUS, MSTATUS_MPP);
}

/* Only for code that runs untranslated. */
static uint64_t skip(uint64_t pc)
{
	return pc + ((*(const uint16_t *)pc & 3) == 3 ? 4 : 2);
}

/* The number that the vector left, once. */
static uint64_t take_vector(struct frame *f)
{
	uint64_t *slot = (uint64_t *)f + 32, v = *slot;

	*slot = (uint64_t)-1;
	return v;
}

void m_trap(struct frame *f);
void m_trap(struct frame *f)
{
	uint64_t cause = csr_read(CSR_MCAUSE), status = csr_read(CSR_MSTATUS);

	csr_clear(CSR_MSTATUS, MSTATUS_MPRV);
	if (!(cause & INTERRUPT) && f->x[A7] == EXIT_CALL) {
		to_enter_resume(f);
		return;
	}
	m.n++;
	m.cause = cause;
	m.tval = csr_read(CSR_MTVAL);
	m.epc = f->pc;
	m.status = status;
	m.vector = take_vector(f);
	if (cause & INTERRUPT)
		csr_write(CSR_MIE, 0);
	else if (abort_to_m)
		to_enter_resume(f);
	else
		f->pc = skip(f->pc);
}

void s_trap(struct frame *f);
void s_trap(struct frame *f)
{
	uint64_t cause = csr_read(CSR_SCAUSE);

	if (!(cause & INTERRUPT) && f->x[A7] == EXIT_CALL) {
		/* ecall was delegated; one of the two is not. a0 is what fn returned. */
		register uint64_t a0 asm("a0") = f->x[A0];
		register uint64_t a7 asm("a7") = EXIT_CALL;

		asm volatile("ecall\n\t.word 0" ::"r"(a0), "r"(a7) : "memory");
	}
	s.n++;
	s.cause = cause;
	s.tval = csr_read(CSR_STVAL);
	s.epc = f->pc;
	s.status = csr_read(CSR_SSTATUS);
	s.vector = take_vector(f);
	if (cause & INTERRUPT)
		csr_write(CSR_SIE, 0);
	else
		f->pc = skip(f->pc);
}

/* ---- privilege ---- */

static void set_mpp(unsigned mode)
{
	csr_clear(CSR_MSTATUS, MSTATUS_MPP);
	csr_set(CSR_MSTATUS, (uint64_t)mode << MSTATUS_MPP_SHIFT);
}

uint64_t run_in(unsigned mode, uint64_t (*fn)(uint64_t), uint64_t arg)
{
	if (mode == M)
		return fn(arg);
	set_mpp(mode);
	return enter_lower((uint64_t)fn, arg, (uint64_t)lower_stack + sizeof(lower_stack));
}

void run_at(unsigned mode, uint64_t pc)
{
	abort_to_m = true;
	set_mpp(mode);
	enter_lower(pc, 0, 0);
	abort_to_m = false;
}

void open_pmp(void)
{
	csr_write(CSR_PMPADDR15, PMP_ADDR_ALL);
	csr_write(CSR_PMPCFG2, 0x1full << 56);
}

/* ---- memory as another mode ---- */

#define AS(insn, out, in)                                                         \
	asm volatile("csrs mstatus, %[mprv]\n\t" insn "\n\tcsrc mstatus, %[mprv]" \
		     : out                                                        \
		     : in, [mprv] "r"(MSTATUS_MPRV)                               \
		     : "memory")

uint64_t load_as(unsigned mode, uint64_t va, unsigned size)
{
	uint64_t v = 0x5a5a;

	set_mpp(mode);
	switch (size) {
	case 1: AS("lbu %0, (%[va])", "+&r"(v), [va] "r"(va)); break;
	case 2: AS("lhu %0, (%[va])", "+&r"(v), [va] "r"(va)); break;
	case 4: AS("lwu %0, (%[va])", "+&r"(v), [va] "r"(va)); break;
	default: AS("ld %0, (%[va])", "+&r"(v), [va] "r"(va)); break;
	}
	return v;
}

void store_as(unsigned mode, uint64_t va, unsigned size, uint64_t value)
{
	set_mpp(mode);
	switch (size) {
	case 1: AS("sb %0, (%[va])", "+&r"(value), [va] "r"(va)); break;
	case 2: AS("sh %0, (%[va])", "+&r"(value), [va] "r"(va)); break;
	case 4: AS("sw %0, (%[va])", "+&r"(value), [va] "r"(va)); break;
	default: AS("sd %0, (%[va])", "+&r"(value), [va] "r"(va)); break;
	}
}

/* ---- CSRs by number ---- */

/* A CSR's number is part of the instruction, so the instruction is made on the spot. */
static uint32_t stub[2] __attribute__((aligned(64)));

static void make_stub(uint32_t insn)
{
	stub[0] = insn;
	stub[1] = 0x00008067; /* ret */
	asm volatile("fence.i" ::: "memory");
}

uint64_t csr_read_by_number(unsigned num)
{
	make_stub((uint32_t)num << 20 | 0x00002573); /* csrrs a0, num, x0 */
	return ((uint64_t(*)(uint64_t))(uintptr_t)stub)(0x5a5a);
}

void csr_write_by_number(unsigned num, uint64_t v)
{
	make_stub((uint32_t)num << 20 | 0x00051073); /* csrrw x0, num, a0 */
	((void (*)(uint64_t))(uintptr_t)stub)(v);
}

/* ---- other harts ---- */

void other_hart(uint64_t id);
__attribute__((weak)) void other_hart(uint64_t id)
{
	(void)id;
}

/* What the compiler may call. */
void *memset(void *p, int c, size_t n);
void *memset(void *p, int c, size_t n)
{
	uint8_t *b = p;

	while (n--)
		*b++ = (uint8_t)c;
	return p;
}

void *memcpy(void *to, const void *from, size_t n);
void *memcpy(void *to, const void *from, size_t n)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}
