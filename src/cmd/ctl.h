/* SPDX-License-Identifier: MIT */
/* `linnet ctl`: a client of the control socket. Main thread. */
#ifndef CMD_CTL_H
#define CMD_CTL_H

#include "base/opt.h"

extern const struct opt ctl_option_table[];

/* The exit status. */
int cmd_ctl(int argc, char **argv);

#endif
