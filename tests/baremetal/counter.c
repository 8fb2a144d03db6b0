/* SPDX-License-Identifier: MIT */
/* Counters: instret to the instruction, what a write of it does, inhibition, and time. */
#include "lib.h"

#define BETWEEN(n)                                                  \
	({                                                          \
		uint64_t a_, b_;                                    \
		asm volatile("csrr %0, instret\n\t.rept " #n        \
			     "\n\tnop\n\t.endr\n\tcsrr %1, instret" \
			     : "=r"(a_), "=r"(b_));                 \
		b_ - a_;                                            \
	})

static uint64_t loop(uint64_t rounds)
{
	uint64_t a, b;

	asm volatile("csrr %0, instret\n1:\taddi %2, %2, -1\n\tbnez %2, 1b\n\tcsrr %1, instret"
		     : "=&r"(a), "=&r"(b), "+r"(rounds));
	return b - a;
}

/* One instruction traps, and does not retire. What the handler does is the same every time. */
static uint64_t with_trap(void)
{
	uint64_t a, b;

	asm volatile("csrr %0, instret\n\tecall\n\tcsrr %1, instret" : "=r"(a), "=r"(b)::"memory");
	return b - a;
}

static void exact(void)
{
	uint64_t start;

	print("between: %u %u %u %u\n", BETWEEN(0), BETWEEN(1), BETWEEN(10), BETWEEN(100));
	for (uint64_t n = 1; n < 100000; n *= 10)
		print("loop of %u: %u\n", n, loop(n));
	start = csr_read(CSR_MCYCLE);
	print("mcycle moves: %u\n", (uint64_t)(csr_read(CSR_MCYCLE) > start));
	forget();
	print("the same with a trap: %u\n", with_trap() == with_trap());
}

/* Counting goes on from what was written. The first value read is left out: by the specification it
 * is what was written, in QEMU one more. */
static void written(void)
{
	uint64_t a, b;

	asm volatile("csrw minstret, %2\n\tcsrr %0, minstret\n\tcsrr %1, instret"
		     : "=&r"(a), "=&r"(b)
		     : "r"(0x1234567890ull));
	print("minstret written: %x and %u on\n", a & ~15ull, b - a);
}

static void inhibited(void)
{
	uint64_t a, b, c;

	csr_write(CSR_MCOUNTINHIBIT, COUNTER_IR);
	a = csr_read(CSR_MINSTRET);
	b = csr_read(CSR_INSTRET);
	csr_write(CSR_MINSTRET, 77);
	c = csr_read(CSR_MINSTRET);
	csr_write(CSR_MCOUNTINHIBIT, 0);
	print("inhibited: stands still %u, written %u\n", (uint64_t)(a == b), c);
	a = csr_read(CSR_MINSTRET);
	b = csr_read(CSR_MINSTRET);
	print("again: runs on %u\n", (uint64_t)(b > a));
}

static void time(void)
{
	uint64_t before = *MTIME, t = csr_read(CSR_TIME), after = *MTIME, n = 0;

	print("time is mtime: %u\n", (uint64_t)(before <= t && t <= after));
	while (csr_read(CSR_TIME) == t && n < 100000000)
		n++;
	print("time moves: %u\n", (uint64_t)(csr_read(CSR_TIME) > t));
	for (n = 0; n < 10000; n++) {
		uint64_t now = csr_read(CSR_TIME);

		if (now < t)
			break;
		t = now;
	}
	print("time never goes back: %u\n", (uint64_t)(n == 10000));
}

int main(void)
{
	open_pmp();
	*MTIMECMP = ~0ull;
	exact();
	written();
	inhibited();
	time();
	return 0;
}
