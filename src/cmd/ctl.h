/* SPDX-License-Identifier: MIT */
/* `linnet ctl`: a client of the control socket. Main thread. */
#ifndef CMD_CTL_H
#define CMD_CTL_H

#include "cmd/command.h"

extern const struct command ctl_command;

#endif
