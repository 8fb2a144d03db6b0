/* SPDX-License-Identifier: MIT */
/*
 * A machine: a board with its harts, memory, devices and firmware, wired together.
 *
 * The caller checks and fills in a struct machine_config, with back ends that it has opened and
 * that outlive the machine: a reboot is a new machine on the same back ends. Then
 *
 *	machine_new() -> machine_run() -> machine_free()
 *
 * all on the thread that owns the loop. machine_end() may be called from any thread.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/initrd.h"
#include "machine/iothreads.h"
#include "machine/vcpus.h"
#include "machine/windows.h"
#include "machine/wires.h"
#include "remote/remote.h"

struct block;
struct chr;
struct cpu_engine;
struct cpu_vm;
struct cpu_watch;
struct diagnose_link;
struct err;
struct faults;
struct iovec;
struct loop;
struct machine;
struct net;
struct state_log;
struct stats_list;
struct trace;
struct vdev;

#define MACHINE_MAX_DISKS   4
#define MACHINE_MAX_NETS    2
#define MACHINE_MAX_PORTS   4
#define MACHINE_MAX_REMOTES 5
#define MACHINE_MAX_INITRDS 8
#define MACHINE_MAX_DEVICES 16
#define MACHINE_MAX_IRQLABS 4

struct machine_disk {
	struct block *block;
	const char *serial; /* at most 20 bytes, or NULL */
	unsigned n_queues;  /* 0: one */
	unsigned iothread;  /* whose number all its queues live on, or IOTHREADS_ANY */
};

struct machine_net {
	struct net *net;
	uint8_t mac[6];
	unsigned mtu;      /* 0: not told to the guest */
	unsigned speed;    /* Mbit/s; 0: the same */
	unsigned n_queues; /* 0: one */
	unsigned iothread; /* as machine_disk's */
};

/* A device that another process serves: see remote/remote.h. */
struct machine_remote {
	enum remote_kind kind;
	const char *label, *tag;
	uint8_t mac[6];
	unsigned mtu, speed;
	unsigned n_queues;
	/* Gives a new connection to the back end; any thread. 0, or -errno with the message in e.
	 */
	int (*connect)(void *arg, int *fd, struct err *e);
	bool comes_back; /* and is connected to again */
	void *arg;
	/* net: is shown each frame, on the loop, see remote/remote.h; or NULL. */
	void (*record)(void *arg, const struct iovec *iov, unsigned n);
	void *record_arg;
};

/* Streams to the host: see dev/vsock.h. */
struct machine_vsock {
	uint64_t cid; /* 0: there is none */
	const char *path;
	int listener;
};

/* A port of the virtio console; `name` is what the guest finds in /sys/class/virtio-ports. */
struct machine_port {
	const char *name;
	struct chr *chr;
};

/* Why a machine came to its end. */
enum machine_end {
	MACHINE_POWEROFF,
	MACHINE_REBOOT,
	MACHINE_FAILED,  /* the guest reported failure; `code` says what it said */
	MACHINE_STOPPED, /* machine_end() by the caller */
};

#define MACHINE_MAX_SYMBOLS 4u

struct machine_config {
	const struct machine_type *type;
	const struct cpu_engine *engine;
	struct cpu_watch *watch; /* of the engine: cpu/watch.h; or NULL */
	struct state_log *log;   /* with counted_time: see machine/state_log.h; or NULL */
	unsigned smp;            /* 1 to CPU_MAX_HARTS */
	uint64_t mem;            /* bytes, a multiple of 2 MiB */
	bool mem_prealloc;       /* all memory is allocated at the start, and disks may know it */
	bool sv48;               /* the harts offer Sv48 beside Sv39, and Linux takes it */
	bool aia;                /* messages can interrupt: APLIC and IMSIC, and no PLIC */
	bool counted_time;       /* repeatable: see machine/clock.h */
	bool interleaved;        /* with counted_time: see vcpus_interleave() */
	uint64_t seed;
	unsigned n_iothreads; /* at most IOTHREADS_MAX; 0: all queues live on the main loop */
	uint64_t poll_ns;     /* how long those look for work before they sleep; 0: not */

	const char *kernel;     /* path; NULL only with firmware */
	const char *firmware;   /* path of what is entered in M mode, or NULL: the built-in SBI */
	const char *small_core; /* path of what a board's small core runs, or NULL */
	uint64_t small_core_at; /* where a flat one goes; 0: it is ELF */
	bool check_coherence;   /* of a board with a small core; the engine has no find_code */
	/* ELF files whose functions' names that may use, beside those above. */
	const char *symbols[MACHINE_MAX_SYMBOLS];
	unsigned n_symbols;
	uint64_t rings;        /* where the board's memory for rings is; 0: at its usual place */
	bool small_core_waits; /* it is loaded, and the guest starts it */
	/* The memory that it may use. None: all, but what is not reserved in the device tree is
	 * told of once. */
	struct windows small_core_windows;
	const char *dtb;    /* path of a device tree blob, or NULL: the board's own */
	const char *append; /* the kernel's command line */
	struct initrd_piece initrd[MACHINE_MAX_INITRDS];
	unsigned n_initrds;

	struct chr *console; /* the UART's other side */
	/* Sees all that the UART prints, on the loop; may be NULL. */
	void (*console_tap)(void *arg, const uint8_t *buf, size_t len);
	void *console_tap_arg;
	struct chr *small_console; /* the same of a board's small core; NULL: it leads nowhere */

	bool pci;               /* what carries virtio devices: virtio-pci, or else virtio-mmio */
	uint64_t ring_features; /* what all virtio devices offer: see vdev_offer_ring() */
	uint32_t ring_size;     /* entries of a ring at most; 0: as each device has it */

	struct machine_disk disk[MACHINE_MAX_DISKS];
	unsigned n_disks;
	struct machine_net net[MACHINE_MAX_NETS];
	unsigned n_nets;
	struct machine_port port[MACHINE_MAX_PORTS];
	unsigned n_ports;
	bool balloon;
	struct machine_vsock vsock;
	bool rpmsg_echo; /* see dev/rpmsg_echo.h */
	struct machine_remote remote[MACHINE_MAX_REMOTES];
	unsigned n_remotes;
	bool rng;          /* an entropy source */
	uint64_t rng_rate; /* its bytes a second; 0: any number */
	bool power_button;
	unsigned n_irqlabs; /* see hw/irqlab.h */

	struct wires wires; /* parts on the board's buses; see there */

	struct trace *trace;   /* see base/trace.h; or NULL */
	struct faults *faults; /* see machine/faults.h; or NULL */
};

enum machine_small_state {
	MACHINE_SMALL_STOPPED,
	MACHINE_SMALL_RUNNING,
	MACHINE_SMALL_CRASHED,
	MACHINE_SMALL_HUNG /* on purpose: it executes nothing */
};

/* The states in words, one each. */
extern const char *const machine_small_states[];

/* What can be done to a small core that runs. A reset of the core mends the first two. */
enum machine_small_fault {
	MACHINE_SMALL_CRASH, /* it jumps to where nothing is, without a handler for that */
	MACHINE_SMALL_HANG,  /* it executes nothing more, and answers to no interrupt */
	MACHINE_SMALL_LOSE,  /* the next interrupt of its mailbox gets lost */
};

struct machine_small_info {
	enum machine_small_state state;
	uint64_t pc;    /* where it began, or will */
	uint64_t insns; /* retired since then */
	struct cpu_crash crash;
};

/* The small core of a board, as it is steered from outside; on the loop's thread. */
struct machine_small_ops {
	void (*look)(struct machine *m, struct machine_small_info *out);
	/* In reset, soon. */
	void (*stop)(struct machine *m);
	/* Begins soon, anew if it runs, where its registers say. */
	void (*start)(struct machine *m);
	/* Stops it, loads `path` (at: as small_core_at) and starts that; while the machine is held.
	 * 0, or -errno with the message in e, and it is stopped. */
	int (*load)(struct machine *m, const char *path, uint64_t at, struct err *e);
	/* Breaks it, soon. It runs. */
	void (*fault)(struct machine *m, enum machine_small_fault fault);
	/* How it gets on with the big core, for machine/diagnose.h; also behind the end of the
	 * run. */
	void (*diagnose)(struct machine *m, struct diagnose_link *out);
};

struct machine_type {
	const char *name;
	const char *help; /* one line */
	uint64_t ram_base;
	uint32_t timebase_hz; /* see struct cpu_vm_config */
	enum cpu_model model;
	uint64_t default_mem; /* bytes */
	unsigned max_smp;
	const struct machine_small_ops *small; /* NULL: there is no such core */
	bool has_wires;                        /* takes struct wires */
	bool extensible; /* it takes PCI, AIA, irqlabs, Sv48: after no board but a set of parts */
	const char *default_append; /* a kernel line for a kernel without a guest of ours */

	/* Adds memory and devices to a machine that has its engine, and loads its images. 0, or
	 * -errno with the message in e; free_board() is called in either case. */
	int (*build)(struct machine *m, struct err *e);
	/* Puts a virtio device into the next place for one, where it belongs to the board. 0;
	 * -ENOSPC: there is none left; or another -errno. */
	int (*plug)(struct machine *m, struct vdev *dev);
	void (*free_board)(struct machine *m);
};

/* All machines; the first is the default. */
extern const struct machine_type *const machine_types[];
extern const unsigned machine_n_types;
/* NULL when there is none of that name. */
const struct machine_type *machine_type_find(const char *name);

/* Builds the board and loads the images. *cfg is copied, what it points at is borrowed until
 * machine_free(). 0, or -errno with the message in e. */
int machine_new(const struct machine_config *cfg, struct loop *loop, struct machine **out,
		struct err *e);

/* The device tree as the guest will see it; belongs to the machine. */
const void *machine_dtb(const struct machine *m, size_t *len);

/* Runs until the guest powers off, reboots or fails, or machine_end() is called; returns when the
 * harts stand still, no request is in flight and the console is written out. 0, or -errno with the
 * message in e when the harts could not be started. */
int machine_run(struct machine *m, enum machine_end *end, unsigned *code, struct err *e);

/* Any thread: ends the run; the first call's reason counts. */
void machine_end(struct machine *m, enum machine_end why, unsigned code);

/*
 * Holding the machine: all harts stand still, outside of run(), and so does its time; devices and
 * the loop go on. h->held(h->arg) follows once, on the loop and never inside the call. Before
 * machine_run(): no hart begins. *h is the caller's, zeroed but for held and arg, and stays where
 * it is until machine_release() or the end of the run. Whoever holds releases for himself; the
 * harts go on when nobody holds. On the loop's thread.
 */
void machine_hold(struct machine *m, struct vcpus_hold *h);
void machine_release(struct machine *m, struct vcpus_hold *h);

/* A virtio device as it stands. Names have a number in the order of the slots: "disk0". */
struct machine_device_info {
	const char *name; /* the machine's */
	const char *kind; /* as in `linnet devices` */
	unsigned slot;
	unsigned n_queues;
	uint8_t status;    /* the status byte of virtio 2.1 */
	uint64_t features; /* as negotiated; 0 before */
	bool broken;
};

/* On the loop's thread: describes at most `max` devices; how many. */
unsigned machine_devices(const struct machine *m, struct machine_device_info *out, unsigned max);

/* On the loop's thread: how far device i has come, for machine/diagnose.h; its name. NULL when
 * there is no such device. */
struct diagnose_device;
const char *machine_look_at(const struct machine *m, unsigned i, struct diagnose_device *out);

/* On the loop's thread: adds what harts and devices count. 0 or -ENOMEM. */
int machine_stats(const struct machine *m, struct stats_list *out);

/* The guest's time in ns since power-on; it stands while the machine is held. The loop's thread. */
uint64_t machine_time_ns(const struct machine *m);

/* On the loop's thread: how many bytes of the guest's memory the balloon shall take. 0; -ENODEV:
 * the machine has none; -EINVAL: more than its memory; -EAGAIN: taken note of, but no driver of
 * the guest's serves it (yet). */
int machine_balloon(struct machine *m, uint64_t bytes);
/* On the loop's thread: asks the guest how its memory is; machine_stats() tells it soon. */
void machine_balloon_refresh(struct machine *m);

/* On the loop's thread: presses the power button. 0; -ENODEV: the machine has none; -EAGAIN: no
 * driver of the guest's listens to it (yet). What the guest makes of it is its own affair. */
int machine_press_power(struct machine *m);

/* On the loop's thread: plugs in or pulls out the cable of the network card `name` ("net0"). 0;
 * -ENODEV: there is no such card. A reboot brings a new card, whose cable is plugged in. */
int machine_set_link(struct machine *m, const char *name, bool up);

/* For a debugger, while it holds the machine or before machine_run(): see vcpus.h. */
void machine_debug(struct machine *m, const struct vcpus_debugger *d);
void machine_let_run(struct machine *m, uint64_t harts);
struct cpu_vm *machine_vm(struct machine *m);

/* Not while it runs. NULL is allowed. */
void machine_free(struct machine *m);

/* Instructions retired by all harts; not while it runs. */
uint64_t machine_retired(const struct machine *m);

/* A check sum of the guest's memory; not while it runs. See gmem_sum(). */
uint64_t machine_memory_sum(const struct machine *m);

#endif
