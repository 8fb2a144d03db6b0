/* SPDX-License-Identifier: MIT */
/* --fault: rules from the options to the machine, and what became of them. Main thread. */
#ifndef CMD_RUN_FAULTS_H
#define CMD_RUN_FAULTS_H

#include "machine/faults.h"

struct err;
struct loop;
struct run_options;

/* Does nothing when there are neither --fault nor --control. *cfg is complete. 0, or -errno with
 * the message in e and nothing left open. */
int run_faults_open(struct machine_faults *mf, const struct run_options *o,
		    struct machine_config *cfg, struct loop *loop, struct err *e);

/* After the run, to standard error: each rule with its counts under -v, and in any case those that
 * nothing has ever met. */
void run_faults_report(const struct machine_faults *mf, const struct run_options *o);

#endif
