/* SPDX-License-Identifier: MIT */
/*
 * A hart without an interpreter: memory, a bus with one device, page tables built by hand, and
 * accesses whose outcome is a value or a trap. For the tests of the MMU, CSRs and traps.
 */
#ifndef TESTS_UNIT_CPU_SYS_FIXTURE_H
#define TESTS_UNIT_CPU_SYS_FIXTURE_H

#include "bus/bus.h"
#include "cpu/rv64/csr.h"
#include "cpu/rv64/hart.h"
#include "mem/gmem.h"

#define RAM      0x80000000ull
#define RAM_SIZE 0x1000000ull
#define TABLES   (RAM + 0x800000) /* page tables come from here on */
#define DEVICE   0x10000000ull    /* 0x100 bytes; reads give 0x1122334455667788 */
#define DEV_READ 0x1122334455667788ull
#define HANDLER  0xabcd0000ull /* mtvec */
#define HERE     0x80000100ull /* pc of every access */

/* Two pages of memory, which sys_setup_marked() tells apart, and where tests map the first. */
#define VA    0x40000000ull
#define PA    (RAM + 0x10000)
#define OTHER (RAM + 0x20000)
#define MARK  0x0123456789abcdefull

#define PTE_V  1u
#define PTE_R  2u
#define PTE_W  4u
#define PTE_X  8u
#define PTE_U  16u
#define PTE_G  32u
#define PTE_A  64u
#define PTE_D  128u
#define PTE_RW (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)

struct sys {
	struct rv64_hart hart; /* first: the engine's hooks find the rest */
	struct cpu_vm vm;
	struct gmem *mem;
	struct bus *bus;
	uint64_t next_table;
	uint64_t now;
	unsigned n_time_asked;

	/* What the engine's hooks saw. */
	unsigned n_parked, n_unparked, n_fetch_flush;
	uint64_t flush_va, flush_size;

	/* The last access of the device. */
	unsigned n_device, device_size;
	uint64_t device_offset, device_value;
};

/* Of the last access: what was read, and when a trap was taken its cause and tval. */
struct outcome {
	int cause; /* -1: none */
	uint64_t tval;
	uint64_t value;
};

/* with_ecall: as with firmware built in. Fails the test when something cannot be made. */
struct sys *sys_new(bool with_ecall);
void sys_free(struct sys *s);

/* For cmocka. The first: no trap is delegated, MARK at PA, ~MARK at OTHER. */
int sys_setup_marked(void **state);
int sys_teardown(void **state);

/* A fresh, empty page table; its satp value with Sv39 and the ASID. */
uint64_t sys_new_satp(struct sys *s, unsigned asid);
/* Writes the leaf entry at `level` for va, with tables as needed; returns where it is. */
_Atomic uint64_t *sys_map(struct sys *s, uint64_t satp, uint64_t va, uint64_t pa, unsigned level,
			  uint64_t flags);
/* Guest memory at pa. */
uint64_t *sys_ram(struct sys *s, uint64_t pa);

/* Set the privilege, satp, or status bits as a CSR write would. */
void sys_enter(struct sys *s, enum rv64_priv priv);
void sys_satp(struct sys *s, uint64_t satp);
void sys_status(struct sys *s, uint64_t clear, uint64_t set);

/* A CSR, by the hart's own rules; fails the test where they forbid it. */
uint64_t sys_csr(struct sys *s, unsigned num);
void sys_set_csr(struct sys *s, unsigned num, uint64_t value);

/* One access at pc HERE. After a trap (to M mode, if not delegated) privilege and mstatus are what
 * they were before. The fast path comes first, as in an engine. */
struct outcome sys_load(struct sys *s, uint64_t va, unsigned size);
struct outcome sys_store(struct sys *s, uint64_t va, unsigned size, uint64_t value);
struct outcome sys_fetch(struct sys *s, uint64_t va); /* value: the physical address */
struct outcome sys_atomic(struct sys *s, uint64_t va, unsigned size, bool is_lr);
struct outcome sys_cbo(struct sys *s, uint64_t va, bool zero);

#define assert_value(o, v)                       \
	do {                                     \
		struct outcome o_ = (o);         \
		assert_int_equal(o_.cause, -1);  \
		assert_int_equal(o_.value, (v)); \
	} while (0)
#define assert_done(o) assert_int_equal((o).cause, -1)
#define assert_trap(o, c, t)                          \
	do {                                          \
		struct outcome o_ = (o);              \
		assert_int_equal(o_.cause, (int)(c)); \
		assert_int_equal(o_.tval, (t));       \
	} while (0)

#endif
