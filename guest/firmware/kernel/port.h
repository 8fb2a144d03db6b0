/* SPDX-License-Identifier: MIT */
/*
 * What the kernel needs of the hart (RV64 in M mode, alone: port.S, port.c) and of the board.
 */
#ifndef RT_PORT_H
#define RT_PORT_H

#include <stdint.h>

#define RT_MSTATUS_MIE 8ul

/* Interrupts off; the result is for rt_unlock(). */
static inline unsigned long rt_lock(void)
{
	unsigned long before;

	__asm__ volatile("csrrci %0, mstatus, 8" : "=r"(before)::"memory");
	return before & RT_MSTATUS_MIE;
}

static inline void rt_unlock(unsigned long lock)
{
	__asm__ volatile("csrs mstatus, %0" ::"r"(lock) : "memory");
}

/* ---- the hart's ---- */

/* Sets mtvec; no interrupt is enabled. */
void rt_port_init(void);
/* Saves the context below the stack pointer, stores that to *from, and goes on in `to`. */
void rt_port_switch(void **from, void *to);
/* A context on an empty stack that calls rt_thread_begin(); returns its stack pointer. */
void *rt_port_context(void *stack, unsigned long size);
/* With interrupts off: waits for one, and takes it. */
void rt_port_idle(void);

/* ---- the kernel's ---- */

void rt_thread_begin(void);
/* By the board's timer, as an interrupt. */
void rt_tick(void);
/* By the hart, on a stack of its own. */
void rt_interrupt(unsigned long cause);

/* ---- the board's ---- */

/* Before tx_application_define(), and when threads are about to run: ticks may begin. */
void board_init(void);
void board_start_ticks(void);
/* cause: mcause without its highest bit. Calls rt_tick() for each period that has ended. */
void board_interrupt(unsigned long cause);
/* An exception, which nobody expects: does not return. */
void board_fault(uint64_t cause, uint64_t pc, uint64_t value) __attribute__((noreturn));

#endif
