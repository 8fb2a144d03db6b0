/* SPDX-License-Identifier: MIT */
/*
 * The inside of a machine: what the files of this folder share and nobody else sees. A board's
 * build() finds mem (empty), bus, vm with its harts, clock and loop ready, and adds the rest.
 */
#ifndef MACHINE_BOARD_H
#define MACHINE_BOARD_H

#include <stdatomic.h>

#include "base/loop.h"
#include "boot/sbi.h"
#include "cpu/halt_poll.h"
#include "machine/clock.h"
#include "machine/iothreads.h"
#include "machine/machine.h"
#include "machine/vcpus.h"

struct bus;
struct coherence;
struct gmem;
struct htif;
struct image;
struct imsic;
struct uart8250;
struct uart8250_config;
struct carrier;

#define MACHINE_MAX_UARTS 6

/* A virtio device of the board, for reports: see machine_device_info. */
struct machine_device {
	char name[16];
	unsigned slot;
	struct vdev *dev;
	struct carrier *carrier;
};

struct machine {
	struct machine_config cfg;
	struct loop *loop;
	struct gmem *mem;
	struct bus *bus;
	struct cpu_vm *vm;
	struct coherence *coherence; /* cache_check.h, or NULL */
	struct clock clock;
	struct halt_poll halt_poll;
	struct iothreads io;
	struct vcpus vcpus;
	bool has_vcpus;
	struct sbi sbi;      /* used when no firmware is given */
	struct htif *htif;   /* of a firmware with `tohost`, or NULL */
	struct imsic *imsic; /* the board's, with cfg.aia */
	void *board;         /* the board's own */
	struct machine_device device[MACHINE_MAX_DEVICES]; /* filled in by the board */
	unsigned n_devices;
	struct uart8250 *uart[MACHINE_MAX_UARTS]; /* the first is the console */
	unsigned n_uarts;
	struct vdev *power_button; /* or NULL */
	struct vdev *balloon;      /* or NULL */
	void *dtb;                 /* malloc'd */
	size_t dtb_len;

	/* The end of a run: the first who asks fills these in. */
	atomic_bool ending;
	enum machine_end end;
	unsigned end_code;
	struct loop_task end_task;
	unsigned busy; /* parts of which the end is waited for */
	bool finished;
};

/* ---- load.c ---- */

/* Loads kernel or firmware, initial RAM disk and device tree into the RAM at [base, base + mem),
 * and starts the harts that begin at power-on. make_dtb is called when all addresses are known. */
struct load_plan {
	int (*make_dtb)(struct machine *m, uint64_t initrd_start, uint64_t initrd_end,
			struct err *e);
	uint64_t dtb_max; /* bytes kept free for it at the end of RAM */
	uint64_t end;     /* what of RAM is used ends here; 0: with the RAM */
};

int machine_load(struct machine *m, const struct load_plan *plan, struct err *e);

/* ---- firmware.c ---- */

/* What OpenSBI's fw_dynamic finds at a2: see its docs/firmware/fw_dynamic.md. */
#define FIRMWARE_INFO_SIZE 48u

/* Writes it to `addr`: after the firmware, S mode at `next`; 0: nothing follows. */
void firmware_info(struct machine *m, uint64_t addr, uint64_t next);

/* Sets up HTIF if --firmware, loaded as *image, has the symbols. 0, or -errno with the text in e.
 */
int firmware_htif(struct machine *m, const struct image *image, struct err *e);

/* Starts all harts at `entry` in M mode: a0 = hart, a1 = dtb, a2 = info. 0 or -errno. */
int firmware_start(struct machine *m, uint64_t entry, uint64_t dtb, uint64_t info);

/* ---- report.c ---- */

/* Makes a device known, also to the faults of cfg.faults, under a name and its number: "disk0". At
 * most MACHINE_MAX_DEVICES. */
void machine_device_add(struct machine *m, unsigned slot, struct vdev *dev,
			struct carrier *carrier);

/* ---- machine.c ---- */

/* The machine's RAM, at the board's place for it. 0, or -errno with the message in e. */
int machine_add_ram(struct machine *m, struct err *e);

/* Makes a UART and puts it behind those that there are. The machine frees it. 0 or -errno. */
int machine_add_uart(struct machine *m, const struct uart8250_config *cfg);

/* ---- sbi_platform.c ---- */

/* What the built-in firmware asks of a machine. console_write may be called on any vCPU's thread.
 */
extern const struct sbi_platform_ops machine_sbi_ops;

/* For SBI's debug console and HTIF. */
size_t machine_console_write(struct machine *m, const uint8_t *buf, size_t len);

#endif
