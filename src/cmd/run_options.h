/* SPDX-License-Identifier: MIT */
/* The options of `linnet run`, as given; nothing is opened or looked up here. Main thread. */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/net_user.h"
#include "base/opt.h"
#include "machine/machine.h"

#define RUN_MAX_FILES    64
#define RUN_MAX_FORWARDS 16
#define RUN_MAX_FAULTS   64

struct run_disk {
	const char *path;
	const char *serial;
	bool read_only;
	bool snapshot;
};

struct run_net {
	bool given;
	bool none;
	struct net_user_forward forward[RUN_MAX_FORWARDS];
	unsigned n_forwards;
};

struct run_ring {
	bool packed;
	bool event_idx, indirect;
};

struct run_file {
	const char *host, *guest;
};

enum run_mmu { RUN_MMU_SV39, RUN_MMU_SV48 };
enum run_clock { RUN_CLOCK_HOST, RUN_CLOCK_INSTRUCTIONS };

struct run_options {
	const char *machine, *engine;
	unsigned smp;
	uint64_t mem;
	unsigned clock; /* enum run_clock */
	unsigned mmu;   /* enum run_mmu */

	const char *kernel, *modules, *initrd, *firmware;
	bool no_extras;
	const char *append, *append_only;
	struct run_file file[RUN_MAX_FILES];
	unsigned n_files;

	struct run_disk disk[MACHINE_MAX_DISKS];
	unsigned n_disks;
	struct run_net net;
	struct run_ring ring;
	const char *console_file; /* NULL: the terminal */

	const char *fault[RUN_MAX_FAULTS]; /* rules, as given */
	unsigned n_faults;
	bool fault_help; /* --fault help */

	const char *exec;
	unsigned time_limit; /* s; 0: none */
	bool no_reboot;
	const char *dump_dtb;
	bool verbose;
};

extern const struct opt run_option_table[];

/* Parses argv[0..argc) over the defaults. 0, OPT_WANTS_HELP, or -errno with the message in e. */
int run_options_parse(struct run_options *o, int argc, char **argv, struct err *e);

#endif
