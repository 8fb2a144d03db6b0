/* SPDX-License-Identifier: MIT */
/* `linnet doctor`: what this host offers to Linnet, and what to do about what is missing. Main
 * thread. */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include "cmd/command.h"

extern const struct command doctor_command;

#endif
