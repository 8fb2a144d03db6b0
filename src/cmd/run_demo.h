/* SPDX-License-Identifier: MIT */
/* What a board with two cores shows when it is given nothing to do. Main thread. */
#ifndef CMD_RUN_DEMO_H
#define CMD_RUN_DEMO_H

struct err;
struct guest_set;
struct run_options;

/* Makes the demonstration the command of the run (o->exec, o->demo), if the machine has a small
 * core, standard input is no terminal, and no option says what to do. 0, or -EINVAL with the
 * message in e: the machine is too small for the default guest. */
int run_demo_choose(struct run_options *o, struct err *e);

/* If the run is the demonstration, has the drivers built that it needs and g lacks, and gets g
 * anew. Where that fails the recipe says why, and then the demonstration what is missing: that is
 * 0, too. -errno with the message in e: -EINTR for a signal, or g is not there any more. */
int run_demo_equip(const struct run_options *o, struct guest_set *g, struct err *e);

#endif
