/* SPDX-License-Identifier: MIT */
/*
 * What can be broken in a machine: its devices by name, and what can go wrong in each.
 *
 *	disk0.. net0.. console0 rng0 uart0	named as by machine_devices()
 *
 * Back ends get a wrapper that fails on purpose; interrupts and presence are the device core's
 * (virtio/vdev.h). With faults open and no rule, a request costs one load more than without.
 *
 * The thread of the loop, before and after machine_new() .. machine_free(); outlives the machines
 * of a reboot, with its rules and counts.
 */
#ifndef MACHINE_FAULTS_H
#define MACHINE_FAULTS_H

#include <stdio.h>

#include "machine/machine.h"

struct faults;

struct machine_faults {
	struct faults *set; /* what faults_add() and the others of base/fault.h take */
	struct block *disk[MACHINE_MAX_DISKS];
	struct net *net[MACHINE_MAX_NETS];
	struct chr *console;
};

/* Puts wrappers in front of the back ends in *cfg, which is complete, and sets cfg->faults. 0, or
 * -ENOMEM with a message and nothing left open. */
int machine_faults_open(struct machine_faults *mf, struct machine_config *cfg, struct loop *loop,
			struct err *e);
/* No machine uses them any more; before the back ends are closed. Also for a zeroed one. */
void machine_faults_close(struct machine_faults *mf);

/* What `linnet run --fault help` prints. */
void machine_faults_print_help(FILE *to);

#endif
