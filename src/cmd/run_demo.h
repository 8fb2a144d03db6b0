/* SPDX-License-Identifier: MIT */
/* What a board with two cores shows when it is given nothing to do. Main thread. */
#ifndef CMD_RUN_DEMO_H
#define CMD_RUN_DEMO_H

struct err;
struct run_options;

/* Makes the demonstration the command of the run (o->exec), if the machine has a small core,
 * standard input is no terminal, and no option says what to do. 0, or -EINVAL with the message in
 * e: the machine is too small for the default guest. */
int run_demo_choose(struct run_options *o, struct err *e);

#endif
