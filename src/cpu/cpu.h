/* SPDX-License-Identifier: MIT */
/*
 * The engine contract: what executes a guest CPU's instructions.
 *
 * `struct cpu_vm` is what the CPUs of one machine share (memory, bus, environment); a `struct cpu`
 * is one hart. An engine embeds both at the head of its own structures. cpu_engines[] lists them
 * all.
 *
 * Threads. run() blocks on the calling thread, one per CPU, and everything of that CPU happens
 * there. kick(), set_irq(), set_timer(), start() and fence() may come from any thread. The rest
 * wants the CPU not to be running, or is called from within its own ecall. In a machine that must
 * be repeatable all CPUs are run in turns from one thread, with an instruction budget.
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define CPU_MAX_HARTS 8

/* What a hart is taken for: its identity (mvendorid, marchid, mimpid), and what it has beside the
 * ratified extensions. */
enum cpu_model {
	CPU_MODEL_GENERIC,    /* all three are 0 */
	CPU_MODEL_THEAD_C906, /* see rv64/thead.h */
};

struct bus;
struct coherence;
struct cpu;
struct cpu_debug_ops;
struct cpu_place;
struct cpu_vm;
struct cpu_watch;
struct err;
struct gmem;
struct halt_poll;

/* Interrupt lines into a hart, as the bit numbers of mip. */
enum cpu_irq { CPU_IRQ_SSI = 1, CPU_IRQ_MSI = 3, CPU_IRQ_SEI = 9, CPU_IRQ_MEI = 11 };

/* Timers of a hart: M is mtimecmp's MTIP, S the supervisor timer that SBI sets (STIP). */
enum cpu_timer { CPU_TIMER_S = 5, CPU_TIMER_M = 7 };

/* A hart's interrupt file, where messages arrive (RISC-V AIA, chapter 3); on the vCPU's thread. */
struct cpu_imsic_ops {
	/* Changes the register `reg` of the file to (value & ~clear) | set; what it was. */
	uint64_t (*change)(void *arg, unsigned hart, unsigned reg, uint64_t clear, uint64_t set);
	/* stopei: the number of the first interrupt, and once more 16 bits higher; 0: none. claim:
	 * it is no longer pending. */
	uint32_t (*top)(void *arg, unsigned hart, bool claim);
};

/* A trap into M mode whose handler cannot run: it faults itself. */
struct cpu_crash {
	uint64_t pc, cause, tval; /* mepc, mcause and mtval of the trap */
	uint64_t handler;
	uint64_t x[32];
};

enum cpu_touch { CPU_TOUCH_FETCH, CPU_TOUCH_LOAD, CPU_TOUCH_STORE };

/* What a machine provides to its CPUs; called on the vCPU's thread. */
struct cpu_env {
	void *arg;
	/* An ecall from S mode. a[0..7] are a0 to a7, changed in place; execution goes on behind
	 * the ecall. NULL: the ecall traps to M mode, as hardware does, and reset enters M mode. */
	void (*ecall)(void *arg, struct cpu *cpu, uint64_t a[8]);
	/* The time in ticks of timebase_hz. */
	uint64_t (*time_now)(void *arg, struct cpu *cpu);
	/* The CPU would trap for ever, from M mode to M mode; as in an ecall, stop() may be called.
	 * NULL: it does that. */
	void (*crashed)(void *arg, struct cpu *cpu, const struct cpu_crash *crash);
	/* Whether the CPU may use the page of RAM at pa; false: an access fault. Asked when a page
	 * becomes known to it, which a page may do again. The pc of get_regs() is the instruction
	 * that wants it. NULL: it may use all. */
	bool (*may_touch)(void *arg, struct cpu *cpu, uint64_t pa, enum cpu_touch how);
};

struct cpu_vm_config {
	struct gmem *mem;
	struct bus *bus;
	struct cpu_env env;
	unsigned n_harts;     /* 1 to CPU_MAX_HARTS */
	uint32_t timebase_hz; /* ticks of `time` in a second: a divisor of 10^9 */
	enum cpu_model model;
	bool sv48; /* satp takes Sv48 beside Sv39 */
	/* The harts have Ssaia, with interrupt files; else NULL. */
	const struct cpu_imsic_ops *imsic;
	void *imsic_arg;
	struct cpu_watch *watch; /* cpu/watch.h, or NULL */
	/* A VM of the same engine whose harts use the same memory, and which has no other beside
	 * it yet; or NULL. It is freed after this one. One hears of code that the other writes. */
	struct cpu_vm *beside;
	/* CPU_MODEL_THEAD_C906: the caches are on at reset, as a boot loader leaves them. */
	bool caches_on;
	/* cpu/coherence.h, and which of its cores this VM's harts are; or NULL. Of engines without
	 * find_code only: what others generate does not tell of its accesses. */
	struct coherence *coherence;
	unsigned core;
	struct halt_poll *halt_poll; /* cpu/halt_poll.h, or NULL: a hart in wfi sleeps at once */
	bool in_turns; /* all CPUs run in turns on one thread: wfi returns instead of sleeping */
};

enum cpu_exit {
	CPU_EXIT_KICKED, /* cpu kick() */
	CPU_EXIT_BUDGET, /* the budget of instructions is used up */
	CPU_EXIT_IDLE,   /* only in_turns: wfi with nothing pending, or the hart is stopped */
	CPU_EXIT_DEBUG,  /* only for debuggers: see cpu/debug.h */
};

enum cpu_fence_kind {
	CPU_FENCE_I,   /* fence.i: instruction fetches see earlier stores */
	CPU_FENCE_VMA, /* sfence.vma for [start, start + size), every ASID */
	CPU_FENCE_VMA_ASID,
};

/* For debuggers, tests and hashing. */
struct cpu_regs {
	uint64_t x[32];
	uint64_t f[32]; /* NaN-boxed */
	uint64_t pc;
	uint32_t fcsr;
	uint8_t priv; /* 0 U, 1 S, 3 M */
};

struct cpu_engine {
	const char *name;
	const char *help;     /* one line for --help */
	bool (*usable)(void); /* whether this host lets it run; NULL: always */

	int (*vm_new)(const struct cpu_vm_config *cfg, struct cpu_vm **out, struct err *e);
	void (*vm_free)(struct cpu_vm *vm); /* frees its CPUs as well */

	/* Hart `id`, stopped, in its reset state. Harts are made in order before any runs. */
	int (*cpu_new)(struct cpu_vm *vm, unsigned id, struct cpu **out);

	/* Runs until kicked or, where budget is not 0, until that many instructions have retired
	 * (a few more are possible: a block is not split). A stopped hart sleeps. */
	enum cpu_exit (*run)(struct cpu *cpu, uint64_t budget);

	/* Makes run() return CPU_EXIT_KICKED soon; remembered when the CPU is not running. */
	void (*kick)(struct cpu *cpu);

	/* Level of an interrupt line. Wakes the hart from wfi when it becomes pending and enabled.
	 */
	void (*set_irq)(struct cpu *cpu, enum cpu_irq irq, bool level);

	/* The line of `timer` is high whenever time_now() >= deadline; UINT64_MAX: never. */
	void (*set_timer)(struct cpu *cpu, enum cpu_timer timer, uint64_t deadline);

	/* The earliest deadline of all timers that may interrupt this hart; for in_turns machines,
	 * which move the time when every hart is idle. UINT64_MAX: none. */
	uint64_t (*next_deadline)(struct cpu *cpu);

	/* Starts a stopped hart at pc: S mode with env.ecall, else M mode; a0 = hart id, a1 =
	 * opaque, address translation and interrupts off. -EALREADY when it is not stopped. */
	int (*start)(struct cpu *cpu, uint64_t pc, uint64_t opaque);
	/* From the hart's own ecall: the hart stops when the ecall returns. */
	void (*stop)(struct cpu *cpu);
	bool (*is_stopped)(const struct cpu *cpu);
	/* Back to the state after cpu_new. Not while it runs. */
	void (*reset)(struct cpu *cpu);

	/* Does the fence on every hart in the mask and returns when all have done it (a hart that
	 * is asleep or stopped does it before it goes on). From a vCPU's thread or from outside. */
	void (*fence)(struct cpu_vm *vm, uint64_t hart_mask, enum cpu_fence_kind kind,
		      uint64_t start, uint64_t size, uint64_t asid);

	/* Instructions retired so far; exact when called from the CPU's own thread. */
	uint64_t (*retired)(const struct cpu *cpu);

	void (*get_regs)(const struct cpu *cpu, struct cpu_regs *regs);
	void (*set_regs)(struct cpu *cpu, const struct cpu_regs *regs);

	/* Which guest code the host code at an address was generated from (cpu/watch.h); false: it
	 * was not generated. Async-signal-safe. NULL: the engine generates no code. */
	bool (*find_code)(const struct cpu_vm *vm, uint64_t host_pc, struct cpu_place *out);

	const struct cpu_debug_ops *debug; /* cpu/debug.h; NULL: there is nothing for debuggers */
};

/* The common heads. */
struct cpu_vm {
	const struct cpu_engine *engine;
	struct cpu_vm_config cfg;
	struct cpu *cpu[CPU_MAX_HARTS];
};

struct cpu {
	struct cpu_vm *vm;
	unsigned id;
};

/* Every engine that this build has, the fastest first; the last runs anywhere. */
extern const struct cpu_engine *const cpu_engines[];
extern const unsigned cpu_n_engines;

/* The first that this host lets run. */
const struct cpu_engine *cpu_engine_default(void);

/* NULL when there is none of that name. */
const struct cpu_engine *cpu_engine_find(const char *name);

#endif
