/* SPDX-License-Identifier: MIT */
/*
 * The ground for programs that run on the bare virt board: traps that are recorded and survived,
 * lower privileges, and output of values that do not depend on who executes them.
 *
 * A program is a main() that runs on hart 0 in M mode; what it prints is its transcript, and two
 * implementations of RISC-V agree when their transcripts do. Nothing that depends on time, and no
 * value that the specification leaves open, may be printed as it is.
 *
 * Traps. An exception is recorded in `m` or `s`, and the instruction is skipped; with `abort_to_m`
 * set the program goes on behind run_at() instead. An interrupt is recorded and its enable bit in
 * mie or sie cleared, so that it comes once.
 */
#ifndef BAREMETAL_LIB_H
#define BAREMETAL_LIB_H

#include "cpu/rv64/csr.h"

enum { U = 0, S = 1, M = 3 };

#define NO_CAUSE  ((uint64_t)-1)
#define INTERRUPT BIT(63)

/* The last trap to M or S mode and how many there were since forget(). */
struct trap {
	uint64_t n;
	uint64_t cause, tval, epc, status;
	uint64_t vector; /* the number of the vector, or -1 when it was the base */
};
extern volatile struct trap m, s;
extern volatile bool abort_to_m;
void forget(void);

/* What an exception was, in one value: the cause, or -1 (printed as "-") when there was none. */
uint64_t m_cause(void);

/* ---- output ---- */

void put_char(char c);
/* %s, %x (uint64_t, no 0x), %u (uint64_t), %c (a cause of uint64_t: a word). */
void print(const char *fmt, ...);
/* Ends the machine: 0 success. */
void finish(int status) __attribute__((noreturn));

/* ---- CSRs ---- */

#define csr_read(num)                                                         \
	({                                                                    \
		uint64_t v_;                                                  \
		asm volatile("csrr %0, %1" : "=r"(v_) : "i"(num) : "memory"); \
		v_;                                                           \
	})
#define csr_write(num, v) asm volatile("csrw %0, %1" ::"i"(num), "rK"(v) : "memory")
#define csr_set(num, v)   asm volatile("csrs %0, %1" ::"i"(num), "rK"(v) : "memory")
#define csr_clear(num, v) asm volatile("csrc %0, %1" ::"i"(num), "rK"(v) : "memory")
#define csr_swap(num, v)                                                                   \
	({                                                                                 \
		uint64_t v_;                                                               \
		asm volatile("csrrw %0, %1, %2" : "=r"(v_) : "i"(num), "r"(v) : "memory"); \
		v_;                                                                        \
	})

/* An access of a CSR by number, with any outcome: the value, or the trap in `m` or `s`. May be run
 * in any mode where memory is accessible without translation. */
uint64_t csr_read_by_number(unsigned num);
void csr_write_by_number(unsigned num, uint64_t v);

/* ---- privilege ---- */

/* Calls fn(arg) in the mode (U or S), on a stack of its own; returns what fn returns. In M mode it
 * is just called. */
uint64_t run_in(unsigned mode, uint64_t (*fn)(uint64_t), uint64_t arg);
/* Jumps to pc in the mode. Whatever trap comes first brings the program back behind the call; it is
 * in `m`. */
void run_at(unsigned mode, uint64_t pc);
/* Opens all memory to S and U by the last PMP entry. */
void open_pmp(void);

/* ---- memory as another mode (MPRV) ---- */

/* One access of 1, 2, 4 or 8 bytes as `mode`, from M mode. A trap is in `m`. */
uint64_t load_as(unsigned mode, uint64_t va, unsigned size);
void store_as(unsigned mode, uint64_t va, unsigned size, uint64_t value);

/* ---- the board ---- */

#define CLINT    0x2000000ull
#define MSIP     ((volatile uint32_t *)CLINT)
#define MTIMECMP ((volatile uint64_t *)(CLINT + 0x4000))
#define MTIME    ((volatile uint64_t *)(CLINT + 0xbff8))
#define UART     ((volatile uint8_t *)0x10000000)

#endif
