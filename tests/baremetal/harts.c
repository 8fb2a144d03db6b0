/* SPDX-License-Identifier: MIT */
/*
 * Four harts at once: locks and counters that must not lose an update, interrupts between harts,
 * and code that one hart writes for another.
 *
 * With BROKEN defined, LR and SC are a plain load and store. Then updates must get lost, or this
 * program would prove nothing; it says so, and its exit status tells.
 */
#include "lib.h"

#define HARTS         4
#define ROUNDS        4000   /* of a lock */
#define ADDITIONS     100000 /* without one */
#define IPIS          100
#define PATCHES       100
#define LONG_WINDOW   200000 /* with LR and SC far apart */
#define MSIP_OF(hart) (MSIP + (hart))

#ifdef BROKEN
#define LR_W                    "lw"
#define SC_W(status, value, at) "sw " value ", " at "\n\tli " status ", 0"
#else
#define LR_W                    "lr.w.aq"
#define SC_W(status, value, at) "sc.w.rl " status ", " value ", " at
#endif

/* What is fought for, on lines of their own. */
static struct {
	volatile uint32_t lock __attribute__((aligned(64)));
	volatile uint64_t value __attribute__((aligned(64)));
	volatile uint64_t copy[8]; /* always equal to value when the lock is free */
	volatile uint64_t torn;
} shared[3];

static uint32_t arrived __attribute__((aligned(64)));
static uint32_t generation __attribute__((aligned(64)));
static uint64_t added __attribute__((aligned(64)));
static uint32_t added_w[2] __attribute__((aligned(64)));
static uint64_t highest __attribute__((aligned(64)));
static uint32_t by_lr_sc __attribute__((aligned(64)));
static volatile uint32_t got_ipi[HARTS] __attribute__((aligned(64)));
static volatile uint64_t answer[HARTS] __attribute__((aligned(64)));
static uint32_t patch[2][16] __attribute__((aligned(4096)));

static void pause(void)
{
	asm volatile(".4byte 0x0100000f" ::: "memory"); /* Zihintpause; elsewhere a fence */
}

/* All harts come together here; what each stored before is seen by all after. */
static void meet(void)
{
	uint32_t g = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == HARTS) {
		__atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
		__atomic_add_fetch(&generation, 1, __ATOMIC_ACQ_REL);
	}
	while (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) == g)
		pause();
}

static void lock_lr_sc(volatile uint32_t *lock)
{
	uint32_t old, fail;

	asm volatile("1:\t" LR_W " %0, (%2)\n\tbeqz %0, 2f\n\t.4byte 0x0100000f\n\tj 1b\n2:\t" SC_W(
			     "%1", "%3", "(%2)") "\n\tbnez %1, 1b"
		     : "=&r"(old), "=&r"(fail)
		     : "r"(lock), "r"(1)
		     : "memory");
}

static void lock_amo(volatile uint32_t *lock)
{
	uint32_t old;

	for (;;) {
		asm volatile("amoswap.w.aq %0, %2, (%1)"
			     : "=&r"(old)
			     : "r"(lock), "r"(1)
			     : "memory");
		if (!old)
			return;
		pause();
	}
}

static void unlock(volatile uint32_t *lock)
{
	asm volatile("amoswap.w.rl x0, x0, (%0)" ::"r"(lock) : "memory");
}

/* A lock by plain loads and stores: Peterson's, between harts 0 and 1; it stands or falls with the
 * fences. */
static volatile uint32_t wants[2] __attribute__((aligned(64)));
static volatile uint32_t turn __attribute__((aligned(64)));

static void lock_peterson(uint64_t id)
{
	wants[id] = 1;
	asm volatile("fence w, w" ::: "memory");
	turn = (uint32_t)!id;
	asm volatile("fence rw, rw" ::: "memory");
	while (wants[!id] && turn != id)
		pause();
	asm volatile("fence r, rw" ::: "memory");
}

static void unlock_peterson(uint64_t id)
{
	asm volatile("fence rw, w" ::: "memory");
	wants[id] = 0;
}

static void critical(unsigned which)
{
	uint64_t v = shared[which].value;

	for (unsigned i = 0; i < 8; i++) {
		if (shared[which].copy[i] != v)
			shared[which].torn++;
		shared[which].copy[i] = v + 1;
	}
	shared[which].value = v + 1;
}

/* Adds one, with as much between LR and SC as the specification allows for a loop that must end.
 * The longer that is, the surer an update gets lost when they are no LR and SC. */
static void add_by_lr_sc(uint32_t *at)
{
	uint32_t old, fail;

	asm volatile("1:\t" LR_W " %0, (%2)\n\taddi %0, %0, 1\n\t.rept 12\n\tnop\n\t.endr\n\t" SC_W(
			     "%1", "%0", "(%2)") "\n\tbnez %1, 1b"
		     : "=&r"(old), "=&r"(fail)
		     : "r"(at)
		     : "memory");
}

static void locks(uint64_t id)
{
	meet();
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_lr_sc(&shared[0].lock);
		critical(0);
		unlock(&shared[0].lock);
	}
	meet();
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_amo(&shared[1].lock);
		critical(1);
		unlock(&shared[1].lock);
	}
	meet();
	for (unsigned i = 0; id < 2 && i < ROUNDS; i++) {
		lock_peterson(id);
		critical(2);
		unlock_peterson(id);
	}
	meet();
}

static void additions(uint64_t id)
{
	for (unsigned i = 0; i < ADDITIONS; i++) {
		asm volatile("amoadd.d x0, %1, (%0)" ::"r"(&added), "r"(id + 1) : "memory");
		asm volatile("amoadd.w x0, %1, (%0)" ::"r"(&added_w[i & 1]), "r"(1) : "memory");
		asm volatile("amomaxu.d x0, %1, (%0)" ::"r"(&highest), "r"(i * 4 + id) : "memory");
	}
	meet();
	for (unsigned i = 0; i < LONG_WINDOW; i++)
		add_by_lr_sc(&by_lr_sc);
	meet();
}

/* Hart 0 wakes the others, which sleep, one after the other and many times. */
static void ipis(uint64_t id)
{
	csr_write(CSR_MIE, MIP_MSIP);
	meet();
	for (unsigned i = 0; i < IPIS; i++) {
		if (id) {
			while (!(csr_read(CSR_MIP) & MIP_MSIP))
				asm volatile("wfi" ::: "memory");
			*MSIP_OF(id) = 0;
			while (csr_read(CSR_MIP) & MIP_MSIP)
				;
			got_ipi[id]++;
			asm volatile("fence rw, rw" ::: "memory");
		} else {
			for (unsigned h = 1; h < HARTS; h++)
				*MSIP_OF(h) = 1;
			for (unsigned h = 1; h < HARTS; h++)
				while (got_ipi[h] <= i)
					;
		}
	}
	meet();
	csr_write(CSR_MIE, 0);
}

/* Hart 0 writes code; the others fence and execute it, each time anew. While they do, it prepares
 * the next one beside it, in the same page. */
static void foreign_code(uint64_t id)
{
	for (unsigned i = 0; i < PATCHES; i++) {
		uint32_t *code = patch[i & 1];

		if (!id) {
			code[0] = (i + 1) << 20 | 0x00000513; /* li a0, i + 1 */
			code[1] = 0x00008067;
		}
		meet();
		asm volatile("fence.i" ::: "memory");
		answer[id] += ((uint64_t(*)(void))(uintptr_t)code)();
	}
	meet();
}

void other_hart(uint64_t id);
void other_hart(uint64_t id)
{
	if (id >= HARTS)
		return;
	locks(id);
	additions(id);
	ipis(id);
	foreign_code(id);
}

static unsigned check(const char *what, uint64_t is, uint64_t want)
{
	print("%s: %u%s\n", what, is, is == want ? "" : ", WRONG");
	return is != want;
}

int main(void)
{
	unsigned bad = 0;

	*MTIMECMP = ~0ull;
	locks(0);
	additions(0);
	bad += check("lock by lr and sc", shared[0].value, HARTS * ROUNDS);
	bad += check("seen half done", shared[0].torn, 0);
	bad += check("lock by amoswap", shared[1].value, HARTS * ROUNDS);
	bad += check("seen half done", shared[1].torn, 0);
	bad += check("lock by fences", shared[2].value, 2 * ROUNDS);
	bad += check("seen half done", shared[2].torn, 0);
	bad += check("amoadd.d", added, (1 + 2 + 3 + 4) * ADDITIONS);
	bad += check("amoadd.w, lower", added_w[0], HARTS * ADDITIONS / 2);
	bad += check("amoadd.w, upper", added_w[1], HARTS * ADDITIONS / 2);
	bad += check("amomaxu.d", highest, (ADDITIONS - 1) * 4 + 3);
	bad += check("addition by lr and sc", by_lr_sc, HARTS * LONG_WINDOW);
	ipis(0);
	for (unsigned h = 1; h < HARTS; h++)
		bad += check("interrupts from another hart", got_ipi[h], IPIS);
	foreign_code(0);
	for (unsigned h = 0; h < HARTS; h++)
		bad += check("code of another hart", answer[h], PATCHES * (PATCHES + 1) / 2);
	return bad ? 1 : 0;
}
