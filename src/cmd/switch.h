/* SPDX-License-Identifier: MIT */
/* `linnet switch`: guests of several processes on one network. */
#ifndef CMD_SWITCH_H
#define CMD_SWITCH_H

#include "cmd/command.h"

extern const struct command switch_command;

#endif
