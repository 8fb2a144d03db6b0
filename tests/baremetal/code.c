/* SPDX-License-Identifier: MIT */
/* Code that is written while the program runs: each store is followed by fence.i, and then the new
 * code has to be executed. */
#include "lib.h"

static uint32_t code[2048] __attribute__((aligned(4096)));
static uint64_t root[512] __attribute__((aligned(4096)));
static uint64_t mid[512] __attribute__((aligned(4096)));
static uint64_t leaf[512] __attribute__((aligned(4096)));

#define RET       0x00008067u
#define LI_A0(n)  ((uint32_t)(n) << 20 | 0x00000513u)
#define ADD_A0(n) ((uint32_t)(n) << 20 | 0x00050513u)

static void fence_i(void)
{
	asm volatile("fence.i" ::: "memory");
}

static uint64_t call(const void *fn)
{
	return ((uint64_t(*)(uint64_t))(uintptr_t)fn)(0);
}

/* The same place, again and again, hot in between. */
static void rewritten(void)
{
	uint64_t total = 0;

	code[1] = RET;
	for (unsigned i = 0; i < 1000; i++) {
		code[0] = LI_A0(i);
		fence_i();
		for (unsigned k = 0; k < 20; k++)
			total += call(code);
	}
	print("rewritten: %u\n", total);
}

/* Data in the same page as code that is hot must not disturb it, nor the other way round. */
static void beside_data(void)
{
	volatile uint32_t *data = code + 512;
	uint64_t total = 0;

	code[0] = LI_A0(3);
	fence_i();
	for (unsigned i = 0; i < 2000; i++) {
		*data = i;
		total += call(code) + *data;
	}
	print("beside data: %u\n", total);
}

/* Stores of every size and kind, also across the end of a page. */
static void kinds_of_stores(void)
{
	uint32_t *end = code + 1023;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t pair = (uint64_t)RET << 32 | LI_A0(i + 1);

		*(uint64_t *)code = pair;
		fence_i();
		print("sd %u", call(code));
		((uint8_t *)code)[3] = (uint8_t)(i + 5); /* the immediate's upper bits */
		fence_i();
		print(" sb %u", call(code));
		((uint16_t *)code)[1] = (uint16_t)((i + 9) << 4);
		fence_i();
		print(" sh %u", call(code));
		asm volatile("amoadd.w x0, %0, (%1)" ::"r"(1 << 20), "r"(code) : "memory");
		fence_i();
		print(" amo %u", call(code));
		/* Two instructions, the second of which lies in both pages. */
		asm volatile("sd %0, (%1)" ::"r"(pair), "r"((uint8_t *)end - 2) : "memory");
		fence_i();
		print(" across %u\n", call((uint8_t *)end - 2));
	}
	/* A block of zeros is no code: the trap handler skips 2 bytes of it each time. */
	code[0] = code[1] = LI_A0(1);
	for (unsigned i = 2; i < 16; i++)
		code[i] = LI_A0(2);
	code[16] = RET;
	fence_i();
	call(code);
	asm volatile(".insn i 0x0f, 2, x0, %0, 4" ::"r"(code) : "memory");
	fence_i();
	forget();
	call(code);
	print("cbo.zero: %u illegal instructions\n", m.n);
}

/* Code that changes the instruction behind its own fence.i. */
static void changes_itself(void)
{
	uint64_t a, b;

	for (unsigned i = 0; i < 3; i++) {
		asm volatile("la t0, 1f\n\tsw %2, 0(t0)\n\tfence.i\n\tli %0, 0\n\t.option push\n\t"
			     ".option norvc\n\t.balign 4\n1:\taddi a0, x0, 1\n\t.option pop\n\t"
			     "mv %0, a0\n\tli %1, 5"
			     : "=&r"(a), "=&r"(b)
			     : "r"(LI_A0(100 + i))
			     : "memory", "t0", "a0");
		print("changes itself: %u %u\n", a, b);
	}
}

/* Written at one address, executed at another. */
static void by_another_address(void)
{
	const uint64_t va = 0x40000000;

	root[va >> 30] = (uint64_t)mid >> 12 << 10 | 1;
	mid[0] = (uint64_t)leaf >> 12 << 10 | 1;
	leaf[0] = (uint64_t)code >> 12 << 10 | 0xcf; /* X W R V A D */
	csr_write(CSR_SATP, 8ull << 60 | (uint64_t)root >> 12);
	asm volatile("sfence.vma" ::: "memory");
	for (unsigned i = 0; i < 4; i++) {
		uint32_t insn = i & 1 ? 0x00000073 : 0x00100073; /* ecall, ebreak */

		code[0] = insn;
		fence_i();
		forget();
		run_at(S, va);
		print("by another address: %c", m.cause);
		/* And through the page's own mapping, from M mode. */
		store_as(S, va, 4, insn ^ 0x00100000);
		fence_i();
		forget();
		run_at(S, va);
		print(" %c\n", m.cause);
	}
	csr_write(CSR_SATP, 0);
	asm volatile("sfence.vma" ::: "memory");
}

/* A long straight run over a page's end, changed in the middle. */
static void long_run(void)
{
	for (unsigned i = 0; i < 2000; i++)
		code[i] = ADD_A0(1);
	code[2000] = RET;
	fence_i();
	print("long run: %u", call(code));
	code[1500] = ADD_A0(100);
	code[10] = ADD_A0(0);
	fence_i();
	print(" changed: %u", call(code));
	code[1024] = RET; /* the first of the second page */
	fence_i();
	print(" cut: %u\n", call(code));
}

int main(void)
{
	open_pmp();
	*MTIMECMP = ~0ull;
	rewritten();
	beside_data();
	kinds_of_stores();
	changes_itself();
	by_another_address();
	long_run();
	return 0;
}
