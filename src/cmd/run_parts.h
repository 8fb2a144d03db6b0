/* SPDX-License-Identifier: MIT */
/*
 * From options to a machine's configuration: finds the default guest, opens the back ends, writes
 * the kernel line, packs files into the initial RAM disk. What is opened here outlives the machine,
 * so that a reboot finds the same disks and network. Everything belongs to the loop's thread.
 */
#ifndef CMD_RUN_PARTS_H
#define CMD_RUN_PARTS_H

#include "cmd/exec.h"
#include "cmd/guest_set.h"
#include "cmd/run_faults.h"
#include "cmd/run_options.h"
#include "cmd/run_remote.h"

struct run_parts_events {
	void (*exec_done)(void *arg);    /* see exec.h */
	void (*console_quit)(void *arg); /* Ctrl-A x; on the loop */
	void *arg;
};

struct run_parts {
	struct guest_set guest;
	char *append;
	void *extra_initrd; /* the cpio archive of --file and --modules */
	size_t extra_initrd_len;
	struct block *disk[MACHINE_MAX_DISKS];
	unsigned n_disks;
	struct net *net;
	struct run_remotes remotes;
	struct run_vsock vsock;
	char cwd[REMOTE_TAG_MAX + 2]; /* of the command, when it is a shared folder */
	struct chr *console;
	struct run_parts_small {
		struct chr *console; /* the small core's own, or its half of the merged one */
		struct chr *merged;  /* the machine's half, or NULL */
	} small;
	struct exec *exec;
	struct cpu_watch watch;
	struct state_log log;
	struct trace *trace;
	struct machine_faults faults; /* in front of disks, network and console; --fault */
	struct machine_config config; /* complete but for the console's tap */
};

/* 0, or -errno with the message in e and nothing left open. *o outlives p. */
int run_parts_open(struct run_parts *p, const struct run_options *o, struct loop *loop,
		   const struct run_parts_events *events, struct err *e);
/* Writes what is cached of the disks to their images. */
void run_parts_close(struct run_parts *p);

#endif
