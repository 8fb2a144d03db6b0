/* SPDX-License-Identifier: MIT */
/*
 * The small core of the Duo boards (C906L of CV1800B and SG2002) as applications see it. An
 * application has main(), which calls tx_kernel_enter(), and tx_application_define().
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_TIME_HZ       25000000ul
#define BOARD_TIME_PER_TICK 125000ul /* 5 ms: TX_TIMER_TICKS_PER_SECOND */
#define BOARD_CACHE_LINE    64ul
#define BOARD_N_SOURCES     62u

static inline uint64_t board_time(void)
{
	uint64_t t;

	__asm__ volatile("rdtime %0" : "=r"(t));
	return t;
}

/* A line on UART 0, between those of the other core, and in the trace buffer that Linux shows;
 * %s %c %u %d %x, and %lu %lx, without widths. For threads and tx_application_define(). */
void board_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The handler is called as an interrupt while source 1 to 61 of the interrupt controller wants
 * service. Before the threads run, or with interrupts off. */
void board_on_interrupt(unsigned source, void (*handler)(void));
/* The same for the interrupt that software raises by board_raise_soft(). */
void board_on_soft(void (*handler)(void));
void board_raise_soft(void);

/* Both cores have caches that know nothing of each other. clean: what we wrote reaches memory;
 * invalidate: what the other core wrote is read from there. Whole lines around [p, p + len). */
void board_cache_clean(const void *p, unsigned long len);
void board_cache_invalidate(const void *p, unsigned long len);

/* One of the mailbox's eight locks, which the other core's software takes too, for a short time and
 * with interrupts off or as one thread; given up after a while, since its holder may have died. */
void board_lock(unsigned lock);
void board_unlock(unsigned lock);
#define BOARD_LOCK_UART    0u
#define BOARD_LOCK_MAILBOX 4u

#endif
