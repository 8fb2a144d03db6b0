/* SPDX-License-Identifier: MIT */
/*
 * The architectural state of one RV64 hart, and what every engine that runs it in software shares:
 * CSRs, traps and the MMU work on this structure and know no engine.
 *
 * Everything here belongs to the hart's own thread, except the fields marked "any thread".
 * Sources: RISC-V unprivileged and privileged specifications, 20240411 and later ratified parts.
 */
#ifndef CPU_RV64_HART_H
#define CPU_RV64_HART_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "cpu/debug.h"
#include "cpu/rv64/mmu.h"
#include "cpu/rv64/thead.h"

enum rv64_priv { RV64_U = 0, RV64_S = 1, RV64_M = 3 };

#define RV64_PMP_ENTRIES 16

/* Reasons to leave the fast path at the next block boundary; bits of rv64_hart.attention. */
#define RV64_ATTN_IRQ   1u  /* look for a pending interrupt: mip, mie, mstatus or priv changed */
#define RV64_ATTN_KICK  2u  /* run() has to return */
#define RV64_ATTN_FENCE 4u  /* another hart waits for us to do its fence */
#define RV64_ATTN_STOP  8u  /* the hart was stopped by its own ecall */
#define RV64_ATTN_WFI   16u /* wfi was executed */
#define RV64_ATTN_DEBUG 32u /* a point of the debugger was met; `event` says which */

struct rv64_points;

/* What Zihpm's counters can count: the values of mhpmevent, and the raw events of SBI's PMU. */
enum rv64_event {
	RV64_EVENT_NONE,
	RV64_EVENT_EXCEPTION,
	RV64_EVENT_INTERRUPT,
	/* A page table was walked, since the TLB had no answer for a fetch, load, store. In the
	 * order of enum rv64_access. */
	RV64_EVENT_WALK,
	RV64_EVENT_WALK_LOAD,
	RV64_EVENT_WALK_STORE,
	RV64_EVENT_DEVICE_READ,
	RV64_EVENT_DEVICE_WRITE,
	RV64_N_EVENTS,
};

#define RV64_HPM_FIRST 3u /* the first of Zihpm's counters */
#define RV64_N_HPM     8u

struct rv64_csrs {
	uint64_t mstatus, mie, medeleg, mideleg, mtvec, mscratch, mepc, mcause, mtval;
	uint64_t menvcfg, mcounteren, mcountinhibit;
	uint64_t stvec, sscratch, sepc, scause, stval, senvcfg, scounteren, satp;
	uint64_t stimecmp;
	uint64_t siselect; /* of Ssaia */
	uint64_t mip_soft; /* STIP, SEIP as written by software; see rv64_mip() */
	/* See hpm.c. */
	uint64_t counter_offset[RV64_HPM_FIRST + RV64_N_HPM];
	uint8_t hpm_event[RV64_N_HPM];
	uint8_t pmpcfg[RV64_PMP_ENTRIES];
	uint64_t pmpaddr[RV64_PMP_ENTRIES];
};

struct rv64_hart {
	struct cpu cpu; /* first: an engine hands it out */

	/* x[0] is 0; behind x[31] is what RV64_X_PAGE and RV64_X_SINK (op.h) say. */
	uint64_t x[34];
	uint64_t pc;
	uint64_t f[32];
	uint8_t fflags; /* NX 1, UF 2, OF 4, DZ 8, NV 16 */
	uint8_t frm;
	uint8_t priv;         /* enum rv64_priv */
	_Atomic bool stopped; /* any thread reads */

	_Atomic uint32_t attention; /* any thread sets bits; the hart clears them */
	/* Any thread: mip bits driven from outside (enum cpu_irq). SSIP lives only here: devices
	 * and software set it, software clears it. */
	_Atomic uint64_t lines;
	_Atomic uint64_t timer_s, timer_m; /* any thread: deadlines of set_timer, UINT64_MAX none */

	/* MSTATUS_SIE and MSTATUS_MIE if none of the interrupts that mie enables was pending when
	 * the hart last looked for them: it need not look when one of these bits is set, or a lower
	 * privilege entered. It looks again when attention asks for it, and once a slice. 0 is
	 * always right. */
	uint64_t quiet;

	/* Instructions retired. Exact in CSR accesses, ecall, traps, and between rv64_park() and
	 * rv64_unpark(); behind by part of a block in other helpers. */
	uint64_t retired;
	uint64_t happened[RV64_N_EVENTS]; /* how often; the first stays 0 */

	/* LR/SC: the reservation is the host address (bit 0 set for a doubleword) and the value
	 * that was read; SC is a compare and swap. UINT64_MAX: none. */
	uint64_t reserved_addr;
	uint64_t reserved_value;

	/* For debuggers (points.h): NULL without points; why run() ended. */
	const struct rv64_points *points;
	struct cpu_debug_event event;

	unsigned nested; /* exceptions at the beginning of the trap handler, without an mret */
	struct cpu_crash crash; /* the trap before the first of those */

	struct rv64_csrs csr;
	struct rv64_thead thead; /* of harts of that model */
	struct rv64_mmu mmu;
};

static inline struct rv64_hart *rv64_hart_of(struct cpu *cpu)
{
	return (struct rv64_hart *)(void *)cpu;
}

/* The state after reset: M mode at pc 0, or S mode with everything delegated when env.ecall is set.
 * cpu.vm and cpu.id must be set. Lines that devices drive stay as they are. */
void rv64_hart_reset(struct rv64_hart *h);
/* The same, but for SSIP, the timers and the count of instructions: for a hart that another one
 * started, and to which others may have sent an interrupt since. */
void rv64_hart_restart(struct rv64_hart *h);

/* ---- run.c, of the engines that run threads ---- */

/* Around whatever may wait for other threads (an access on the bus, sleep): in between, the hart
 * touches neither its TLB nor guest memory through it, and other harts need not wait for it. What
 * they want of it is done before rv64_unpark() returns, so entries of the TLB looked up before are
 * void after it. Does not nest. rv64_park() brings h->retired up to date. */
void rv64_park(struct rv64_hart *h);
void rv64_unpark(struct rv64_hart *h);

/* To be called by the MMU when translations of [va, va + size) that it gave for fetches, in any
 * context, are void while the number of their context stays in use or is used again; size
 * UINT64_MAX: all. Not needed when the context gets a number that was never used. */
void rv64_fetch_flush(struct rv64_hart *h, uint64_t va, uint64_t size);

/* ---- trap.c ---- */

enum rv64_cause {
	RV64_INSN_MISALIGNED = 0,
	RV64_INSN_ACCESS = 1,
	RV64_ILLEGAL = 2,
	RV64_BREAKPOINT = 3,
	RV64_LOAD_MISALIGNED = 4,
	RV64_LOAD_ACCESS = 5,
	RV64_STORE_MISALIGNED = 6,
	RV64_STORE_ACCESS = 7,
	RV64_ECALL_U = 8,
	RV64_ECALL_S = 9,
	RV64_ECALL_M = 11,
	RV64_INSN_PAGE = 12,
	RV64_LOAD_PAGE = 13,
	RV64_STORE_PAGE = 15,
};

/* Takes an exception at h->pc (the instruction that caused it): CSRs, privilege, h->pc = handler.
 */
void rv64_exception(struct rv64_hart *h, enum rv64_cause cause, uint64_t tval);
/* Takes the interrupt `irq` (a bit number of mip); h->pc is the next instruction. */
void rv64_interrupt(struct rv64_hart *h, unsigned irq);
/* The interrupt to take now, or -1. Looks at the time when a timer is armed. */
int rv64_interrupt_pending(struct rv64_hart *h);
/* Interrupts are enabled that may be pending already: has the hart look for them unless it is
 * quiet. */
void rv64_interrupts_enabled(struct rv64_hart *h);
/* Whether wfi would return: any bit pending in mip & mie, whatever is enabled globally. */
bool rv64_wfi_wakes(struct rv64_hart *h);
/* The first of the interrupts in `mip`, by the standard order; -1: none. */
int rv64_interrupt_first(uint64_t mip);
/* mret and sret: change privilege and h->pc. The caller has checked that they are allowed. */
void rv64_mret(struct rv64_hart *h);
void rv64_sret(struct rv64_hart *h);
/* mip as software reads it: lines, timers compared with the time now, software bits. */
uint64_t rv64_mip(struct rv64_hart *h);
/* The earliest of stimecmp (when enabled), timer_s and timer_m among those that mie enables;
 * UINT64_MAX: none. It may have passed. */
uint64_t rv64_next_deadline(struct rv64_hart *h);

/* ---- csr.c ---- */

/* A CSR instruction's access by number with all checks (privilege, read-only, TVM, counter enables,
 * FS off). 0, or -1: the instruction is illegal and nothing has changed. A write may set
 * RV64_ATTN_IRQ in attention, and changes the MMU's context when it has to.
 *
 * read:   csrrs and csrrc with rs1=x0 (no write).
 * write:  csrrw. old NULL: rd=x0, there is no read.
 * change: csrrs and csrrc: new = (value & ~clear) | set, where "value" is what the specification
 *         says for mip and sip: the line from outside does not count as a set SEIP. */
int rv64_csr_read(struct rv64_hart *h, unsigned num, uint64_t *value);
int rv64_csr_write(struct rv64_hart *h, unsigned num, uint64_t value, uint64_t *old);
int rv64_csr_change(struct rv64_hart *h, unsigned num, uint64_t clear, uint64_t set, uint64_t *old);

/* For debuggers, between two instructions: without the checks of privilege. 0 or -1: there is none,
 * or it cannot be written. */
int rv64_csr_peek(struct rv64_hart *h, unsigned num, uint64_t *value);
int rv64_csr_poke(struct rv64_hart *h, unsigned num, uint64_t value);

/* mstatus.FS != Off: F and D instructions are legal. */
static inline bool rv64_fp_on(const struct rv64_hart *h)
{
	return h->csr.mstatus & (3u << 13);
}

/* Whether sret, mret, wfi, sfence.vma (and sinval.vma), cbo.* are legal now. */
bool rv64_sret_legal(const struct rv64_hart *h);
bool rv64_wfi_legal(const struct rv64_hart *h);
bool rv64_sfence_legal(const struct rv64_hart *h);
enum rv64_cbo { RV64_CBO_INVAL, RV64_CBO_CLEAN, RV64_CBO_FLUSH, RV64_CBO_ZERO };
bool rv64_cbo_legal(const struct rv64_hart *h, enum rv64_cbo op);

#endif
