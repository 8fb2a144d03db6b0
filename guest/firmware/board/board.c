/* SPDX-License-Identifier: MIT */
/* Interrupts, ticks, caches and locks. */
#include "board.h"

#include "kernel/port.h"
#include "print.h"
#include "regs.h"
#include "kernel/tx_api.h"

#define CAUSE_SOFT     3ul
#define CAUSE_TIMER    7ul
#define CAUSE_EXTERNAL 11ul
#define MIE_ALL        (1ul << CAUSE_SOFT | 1ul << CAUSE_TIMER | 1ul << CAUSE_EXTERNAL)

#define LOCK_TRIES 1000000u
#define LOCK_ID    0x52u /* not 0, and not Linux's */

static void (*handlers[BOARD_N_SOURCES])(void);
static void (*soft_handler)(void);
static uint64_t next_tick;

/* ---- interrupts ---- */

static void enable_sources(uint32_t mask)
{
	REG32(PLIC_BASE + PLIC_ENABLE) = mask;
	REG32(PLIC_BASE + PLIC_ENABLE + 4) = mask;
}

/* The controller is as the last firmware left it, since a reset is of the core only. What that was
 * serving has to be completed, which takes an enabled source. */
void board_init(void)
{
	enable_sources(~0u);
	for (unsigned i = 1; i < BOARD_N_SOURCES; i++) {
		REG32(PLIC_BASE + 4 * i) = 0;
		REG32(PLIC_BASE + PLIC_CLAIM) = i;
	}
	enable_sources(0);
	REG32(PLIC_BASE + PLIC_THRESHOLD) = 0;
	board_print_init();
}

void board_on_interrupt(unsigned source, void (*handler)(void))
{
	uint64_t enable = PLIC_BASE + PLIC_ENABLE + source / 32 * 4;

	handlers[source] = handler;
	REG32(PLIC_BASE + 4 * source) = 1;
	REG32(enable) = REG32(enable) | 1u << source % 32;
}

void board_on_soft(void (*handler)(void))
{
	soft_handler = handler;
}

void board_raise_soft(void)
{
	REG32(CLINT_BASE + CLINT_MSIP) = 1;
}

static void external(void)
{
	uint32_t source;

	while ((source = REG32(PLIC_BASE + PLIC_CLAIM))) {
		if (source < BOARD_N_SOURCES && handlers[source])
			handlers[source]();
		REG32(PLIC_BASE + PLIC_CLAIM) = source;
	}
}

/* The comparator has halves, and what it holds between both writes must not fire. */
static void set_timer(uint64_t at)
{
	REG32(CLINT_BASE + CLINT_MTIMECMP_HIGH) = ~0u;
	REG32(CLINT_BASE + CLINT_MTIMECMP_LOW) = (uint32_t)at;
	REG32(CLINT_BASE + CLINT_MTIMECMP_HIGH) = (uint32_t)(at >> 32);
}

void board_start_ticks(void)
{
	next_tick = board_time() + BOARD_TIME_PER_TICK;
	set_timer(next_tick);
	__asm__ volatile("csrs mie, %0" ::"r"(MIE_ALL));
}

void board_interrupt(unsigned long cause)
{
	switch (cause) {
	case CAUSE_TIMER:
		/* From when it was due: one that comes late shifts no other, and none is lost. */
		next_tick += BOARD_TIME_PER_TICK;
		set_timer(next_tick);
		rt_tick();
		break;
	case CAUSE_EXTERNAL: external(); break;
	case CAUSE_SOFT:
		REG32(CLINT_BASE + CLINT_MSIP) = 0;
		if (soft_handler)
			soft_handler();
		break;
	default: break;
	}
}

void board_fault(uint64_t cause, uint64_t pc, uint64_t value)
{
	board_print_last("trap cause %lu pc 0x%lx value 0x%lx", cause, pc, value);
	__asm__ volatile("csrw mie, zero"); /* nothing shall wake it */
	for (;;)
		__asm__ volatile("wfi");
}

/* ---- caches ---- */

/* T-Head's instructions by number, for assemblers that know no names: one on the line that a0
 * points into, and one that waits for their end. */
#define DCACHE_CPA  ".word 0x0295000b" /* write back */
#define DCACHE_CIPA ".word 0x02b5000b" /* write back, and forget */
#define SYNC_S      ".word 0x0190000b"
#define EACH_LINE(insn, p, len)                                                                   \
	do {                                                                                      \
		register unsigned long a0 __asm__("a0") = (unsigned long)(p) & -BOARD_CACHE_LINE; \
		unsigned long end = (unsigned long)(p) + (len);                                   \
		for (; a0 < end; a0 += BOARD_CACHE_LINE)                                          \
			__asm__ volatile(insn ::"r"(a0) : "memory");                              \
		__asm__ volatile(SYNC_S ::: "memory");                                            \
	} while (0)

void board_cache_clean(const void *p, unsigned long len)
{
	EACH_LINE(DCACHE_CPA, p, len);
}

/* A line may hold something of ours besides, so it is written back before. */
void board_cache_invalidate(const void *p, unsigned long len)
{
	EACH_LINE(DCACHE_CIPA, p, len);
}

/* ---- locks ---- */

static uint64_t lock_at(unsigned lock)
{
	return MAILBOX_BASE + 0xc0 + 4 * lock;
}

void board_lock(unsigned lock)
{
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		REG16(lock_at(lock)) = LOCK_ID;
		if (REG16(lock_at(lock)) == LOCK_ID)
			return;
	}
}

/* A second write of the same id frees it; one that is not ours stays as it is. */
void board_unlock(unsigned lock)
{
	if (REG16(lock_at(lock)) == LOCK_ID)
		REG16(lock_at(lock)) = LOCK_ID;
}
