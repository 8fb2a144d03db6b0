/* SPDX-License-Identifier: MIT */
/*
 * The firmware that a supervisor calls: RISC-V Supervisor Binary Interface 2.0, extensions BASE,
 * TIME, IPI, RFENCE (without its hypervisor calls), HSM, SRST, DBCN and PMU
 * (hardware counters). The legacy calls 0 to 8 and
 * everything else are NOT_SUPPORTED.
 *
 * Nothing is kept here: the machine fills in a `struct sbi` and answers through its platform's
 * operations. sbi_ecall() may run on all vCPU threads at once, and so may the operations.
 */
#ifndef BOOT_SBI_H
#define BOOT_SBI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gmem;

#define SBI_MAX_HARTS    64
#define SBI_PMU_COUNTERS 8u /* hpmcounter3 to hpmcounter10 */

/* The values of mhpmevent that the PMU lends by a name of SBI's; it lends all up to the last as raw
 * events. */
enum sbi_pmu_event {
	SBI_PMU_WALK = 3, /* an address was translated by page tables: for a fetch, */
	SBI_PMU_WALK_LOAD,
	SBI_PMU_WALK_STORE,
	SBI_PMU_EVENT_MAX = 7,
};

enum sbi_fence { SBI_FENCE_I, SBI_FENCE_VMA, SBI_FENCE_VMA_ASID };

enum sbi_reset { SBI_RESET_SHUTDOWN, SBI_RESET_COLD, SBI_RESET_WARM };

/* `hart` is the caller's number where an operation has no other use for it. All are called on the
 * calling hart's thread, within its ecall. */
struct sbi_platform_ops {
	/* The hart's supervisor timer interrupt is pending from `deadline` on; UINT64_MAX: never.
	 */
	void (*set_timer)(void *arg, unsigned hart, uint64_t deadline);
	/* Makes the supervisor software interrupt of all harts in the mask pending. */
	void (*send_ipi)(void *arg, uint64_t hart_mask);
	/* Returns when every hart in the mask has done it; size UINT64_MAX: the whole address
	 * space. asid counts for SBI_FENCE_VMA_ASID only. */
	void (*fence)(void *arg, uint64_t hart_mask, enum sbi_fence kind, uint64_t start,
		      uint64_t size, uint64_t asid);
	/* Of several callers at once one wins. 0, or -EALREADY when the hart is not stopped. */
	int (*hart_start)(void *arg, unsigned hart, uint64_t pc, uint64_t opaque);
	/* The calling hart stops when its ecall returns. */
	void (*hart_stop)(void *arg, unsigned hart);
	bool (*hart_is_stopped)(void *arg, unsigned hart);
	/* Waits as wfi does, which may be not at all. 0 after a retentive suspend; a non-retentive
	 * one goes on at pc as after hart_start. -EOPNOTSUPP. May be NULL: not supported. */
	int (*hart_suspend)(void *arg, unsigned hart, bool retentive, uint64_t pc, uint64_t opaque);
	/* Sees to it that the machine ends or begins anew; the calling hart is stopped after this.
	 * `failure`: the guest says that its system has failed. */
	void (*system_reset)(void *arg, enum sbi_reset kind, bool failure);
	/* How many bytes the console took or gave; never waits. */
	size_t (*console_write)(void *arg, const uint8_t *buf, size_t len);
	size_t (*console_read)(void *arg, uint8_t *buf, size_t len);
	/* The calling hart's CSR `num`, with the rights of M mode: counters and their selectors. */
	uint64_t (*csr_read)(void *arg, unsigned hart, unsigned num);
	void (*csr_write)(void *arg, unsigned hart, unsigned num, uint64_t value);
};

struct sbi {
	const struct sbi_platform_ops *ops;
	void *arg;
	const struct gmem *mem;
	unsigned n_harts; /* 1 to SBI_MAX_HARTS; harts are numbered from 0 */
};

/* An ecall from the S mode of `hart`: a7 and a6 choose the call, a0 to a5 are its arguments; a0 and
 * a1 get the error and the value, the rest stays. */
void sbi_ecall(const struct sbi *sbi, unsigned hart, uint64_t a[8]);

#endif
