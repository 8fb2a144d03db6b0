/* SPDX-License-Identifier: MIT */
/* Accesses of memory: misaligned ones, LR and SC, AMOs, cache blocks. */
#include "lib.h"

static uint8_t buffer[3 * 4096] __attribute__((aligned(4096)));

static void fill(void)
{
	for (unsigned i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)(i * 7 + (i >> 8));
}

/* A sum in which each byte and its place counts. */
static uint64_t sum(void)
{
	uint64_t h = 1;

	for (unsigned i = 0; i < sizeof(buffer); i++)
		h = h * 31 + buffer[i];
	return h;
}

#define LOAD(insn, p)                                                          \
	({                                                                     \
		uint64_t v_;                                                   \
		asm volatile(insn " %0, (%1)" : "=r"(v_) : "r"(p) : "memory"); \
		v_;                                                            \
	})
#define STORE(insn, p, v) asm volatile(insn " %0, (%1)" ::"r"(v), "r"(p) : "memory")

/* Every offset around a page's end, each size, signed and unsigned. */
static void misaligned(void)
{
	fill();
	forget();
	for (unsigned off = 4080; off < 4112; off++) {
		const uint8_t *p = buffer + off;

		print("%u: %x %x %x %x %x %x %x\n", (uint64_t)off, LOAD("lb", p), LOAD("lbu", p),
		      LOAD("lh", p), LOAD("lhu", p), LOAD("lw", p), LOAD("lwu", p), LOAD("ld", p));
	}
	for (unsigned off = 4080; off < 4112; off++) {
		uint8_t *p = buffer + off;

		STORE("sd", p, 0x1122334455667788 + off);
		STORE("sw", p + 100, 0x99aabbcc + off);
		STORE("sh", p + 201, 0xddee + off);
		STORE("sb", p + 302, off);
	}
	print("after stores: %x, traps %u\n", sum(), m.n);
	csr_set(CSR_MSTATUS, MSTATUS_FS);
	for (unsigned off = 4090; off < 4100; off++) {
		uint64_t d, w;

		asm volatile("fld f1, (%2)\n\tfmv.x.d %0, f1\n\tflw f2, (%2)\n\tfmv.x.d %1, f2\n\t"
			     "fsd f1, 32(%2)\n\tfsw f2, 64(%2)"
			     : "=r"(d), "=r"(w)
			     : "r"(buffer + off)
			     : "memory");
		print("fp %u: %x %x\n", (uint64_t)off, d, w);
	}
	print("after fp: %x, traps %u\n", sum(), m.n);
}

#define LR(w, p)                                                                  \
	({                                                                        \
		uint64_t v_;                                                      \
		asm volatile("lr." w " %0, (%1)" : "=r"(v_) : "r"(p) : "memory"); \
		v_;                                                               \
	})
/* 0 or 1: the specification promises no more than zero or not. */
#define SC(w, p, v)                                                                           \
	({                                                                                    \
		uint64_t v_;                                                                  \
		asm volatile("sc." w " %0, %2, (%1)" : "=r"(v_) : "r"(p), "r"(v) : "memory"); \
		(uint64_t) !!v_;                                                              \
	})

/* A pair that the specification lets succeed, tried until it does. */
static uint64_t lr_sc_d(uint64_t *p, uint64_t v)
{
	uint64_t old, fail;

	asm volatile("1: lr.d %0, (%2)\n\tsc.d %1, %3, (%2)\n\tbnez %1, 1b"
		     : "=&r"(old), "=&r"(fail)
		     : "r"(p), "r"(v)
		     : "memory");
	return old;
}

static uint64_t lr_sc_w(uint32_t *p, uint64_t v)
{
	uint64_t old, fail;

	asm volatile("1: lr.w %0, (%2)\n\tsc.w %1, %3, (%2)\n\tbnez %1, 1b"
		     : "=&r"(old), "=&r"(fail)
		     : "r"(p), "r"(v)
		     : "memory");
	return old;
}

static void reservations(void)
{
	uint64_t *a = (uint64_t *)buffer, *b = (uint64_t *)(buffer + 2048);

	a[0] = 0x8000000080000000;
	a[1] = 5;
	b[0] = 7;
	print("lr.d %x lr.w %x\n", lr_sc_d(a, 0x9000000090000000),
	      lr_sc_w((uint32_t *)a, 0xa0000000));
	print("stored %x\n", a[0]);
	print("upper half %x", lr_sc_w((uint32_t *)a + 1, 0xb0000001));
	print(" stored %x\n", a[0]);
	/* The pair above used its reservation up. */
	print("sc alone fails: %u", SC("d", a, 1));
	print(" stored %x\n", a[0]);
	(void)LR("d", a);
	print("sc elsewhere fails: %u", SC("d", b, 1));
	print(" stored %x\n", b[0]);
	/* A failed SC ends the reservation as well. */
	print("and then here fails: %u", SC("d", a, 1));
	print(" stored %x\n", a[0]);
	(void)LR("d", a);
	(void)LR("d", b);
	print("sc after a second lr fails: %u", SC("d", a, 1));
	print(" stored %x\n", a[0]);
	forget();
	(void)LR("d", buffer + 4);
	print("misaligned lr.d: %c", m_cause());
	forget();
	(void)LR("w", buffer + 2);
	print(" lr.w: %c\n", m_cause());
}

#define AMO(insn, p, v)                                                                     \
	({                                                                                  \
		uint64_t v_;                                                                \
		asm volatile(insn " %0, %2, (%1)" : "=&r"(v_) : "r"(p), "r"(v) : "memory"); \
		v_;                                                                         \
	})

#define ALL_AMOS(X)  \
	X("amoswap") \
	X("amoadd")  \
	X("amoxor") X("amoand") X("amoor") X("amomin") X("amomax") X("amominu") X("amomaxu")

static void amos(void)
{
	static const uint64_t values[] = {0,
					  1,
					  0x7fffffff,
					  0x80000000,
					  0xffffffff,
					  0x7fffffffffffffff,
					  0x8000000000000000,
					  ~0ull,
					  0x0123456789abcdef};
	uint64_t *p = (uint64_t *)buffer;

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		for (unsigned j = 0; j < ARRAY_SIZE(values); j++) {
			print("amo %x %x:", values[i], values[j]);
#define ONE(name)                                                        \
	*p = values[i];                                                  \
	print(" %x", AMO(name ".d", p, values[j]));                      \
	print(" %x", *p);                                                \
	*p = values[i];                                                  \
	print(" %x", AMO(name ".w", p, values[j]));                      \
	print(" %x", *p);                                                \
	*p = values[i];                                                  \
	print(" %x", AMO(name ".w.aqrl", (uint32_t *)p + 1, values[j])); \
	print(" %x", *p);
			ALL_AMOS(ONE)
			print("\n");
		}
	}
	for (unsigned off = 1; off < 8; off++) {
		print("misaligned amo by %u:", (uint64_t)off);
		forget();
		(void)AMO("amoadd.d", buffer + off, 1);
		print(" %c", m_cause());
		forget();
		(void)AMO("amoadd.w", buffer + off, 1);
		print(" %c\n", m_cause());
	}
	asm volatile("amoadd.d x0, %1, (%0)" ::"r"(p), "r"(1) : "memory");
	print("amo to x0: %x\n", *p);
}

#define CBO(op, p) asm volatile(".insn i 0x0f, 2, x0, %0, " #op ::"r"(p) : "memory")

static void cache_blocks(void)
{
	for (unsigned off = 4000; off < 4200; off += 33) {
		unsigned from = 0, zeros = 0;

		for (unsigned i = 0; i < sizeof(buffer); i++)
			buffer[i] = 0xff;
		CBO(4, buffer + off);
		for (unsigned i = sizeof(buffer); i-- > 0;)
			if (!buffer[i]) {
				from = i;
				zeros++;
			}
		print("cbo.zero at %u: %u zeros from %u\n", (uint64_t)off, (uint64_t)zeros,
		      (uint64_t)from);
	}
	fill();
	forget();
	CBO(1, buffer + 100); /* clean */
	CBO(2, buffer + 200); /* flush */
	/* Prefetches are hints: they never trap, wherever they point. */
	asm volatile("ori x0, %0, 0\n\tori x0, %0, 1\n\tori x0, %0, 3" ::"r"(0x1000000000));
	print("clean, flush and prefetch: %x, traps %u\n", sum(), m.n);
	/* An address within a block that cannot be written. tval may be that of the block. */
	forget();
	CBO(4, 0x1000000000ull + 5);
	print("cbo.zero nowhere: %c tval %x\n", m_cause(), m.tval & ~63ull);
}

int main(void)
{
	open_pmp();
	*MTIMECMP = ~0ull;
	misaligned();
	reservations();
	amos();
	cache_blocks();
	return 0;
}
