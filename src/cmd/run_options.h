/* SPDX-License-Identifier: MIT */
/* The options of `linnet run`, as given; nothing is opened or looked up here. Main thread. */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "cmd/run_console.h"
#include "cmd/run_disk.h"
#include "cmd/run_iothreads.h"
#include "cmd/run_net.h"
#include "cmd/run_remote.h"
#include "cmd/run_small.h"
#include "cmd/run_vsock.h"
#include "cmd/run_watch.h"
#include "machine/machine.h"

#define RUN_MAX_FILES  64
#define RUN_MAX_ENV    64
#define RUN_MAX_FAULTS 64

struct run_ring {
	bool packed;
	bool event_idx, indirect, in_order, notification_data, queue_reset, access_platform;
	unsigned size; /* entries at most; 0: as each device has it */
};

struct run_file {
	const char *host, *guest;
};

struct run_gdb_options {
	const char *address; /* NULL: no gdb */
	bool wait;           /* no hart begins before gdb says so */
};

enum run_mmu { RUN_MMU_SV39, RUN_MMU_SV48 };
enum run_transport { RUN_TRANSPORT_MMIO, RUN_TRANSPORT_PCI };
enum run_interrupts { RUN_INTERRUPTS_PLIC, RUN_INTERRUPTS_AIA };
enum run_rpmsg { RUN_RPMSG_NONE, RUN_RPMSG_ECHO };
enum run_clock { RUN_CLOCK_HOST, RUN_CLOCK_INSTRUCTIONS };

struct run_options {
	const char *machine, *engine;
	unsigned smp;
	uint64_t mem;
	unsigned clock;     /* enum run_clock */
	bool deterministic; /* then clock counts instructions */
	unsigned seed;
	unsigned mmu;       /* enum run_mmu */
	unsigned transport; /* enum run_transport */

	const char *kernel, *modules, *initrd, *firmware, *dtb;
	bool no_extras;
	const char *append, *append_only;
	struct run_file file[RUN_MAX_FILES];
	unsigned n_files;

	struct run_disk disk[MACHINE_MAX_DISKS];
	unsigned n_disks;
	struct run_net net;
	struct run_iothreads iothreads;
	struct run_ring ring;
	struct run_console console;
	struct run_remotes_options remotes;
	struct run_vsock_options vsock;

	struct run_small_core small_core;
	struct wires wires;
	bool rng;
	uint64_t rng_rate; /* bytes a second; 0: any number */
	bool balloon;
	bool mem_prealloc;
	unsigned irqlab;
	unsigned rpmsg;      /* enum run_rpmsg */
	unsigned interrupts; /* enum run_interrupts */
	const char *control; /* path of a socket, or NULL */

	const char *fault[RUN_MAX_FAULTS]; /* rules, as given */
	unsigned n_faults;
	bool fault_help; /* --fault help */

	const char *exec;
	bool demo;       /* exec is the demonstration, cmd/run_demo.h */
	const char *cwd; /* in the guest; NULL: the first shared folder, or /root */
	const char *env[RUN_MAX_ENV];
	unsigned n_env;
	unsigned time_limit; /* s; 0: none */
	struct run_gdb_options gdb;
	const char *trace; /* path, or NULL */
	struct run_watch_options watch;
	bool no_reboot;
	const char *dump_dtb;
	const char *config;
	bool dump_config;
	bool verbose;

	struct config *config_file;      /* holds some of the strings; NULL: none */
	struct config_dump *config_dump; /* with dump_config */
};

extern const struct opt run_option_table[];

/* Parses argv[0..argc), and before it the file that --config names there, over the defaults. 0,
 * OPT_WANTS_HELP, or -errno with the message in e; in each case `o` has to be freed. o->exec is
 * also set after a failure, if a command was given that far. */
int run_options_parse(struct run_options *o, int argc, char **argv, struct err *e);
void run_options_free(struct run_options *o);

#endif
