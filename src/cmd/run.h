/* SPDX-License-Identifier: MIT */
/* `linnet run`. Main thread. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cmd/command.h"

extern const struct command run_command;

/* The rest of its man page (run_manual.c). */
extern const struct command_chapter run_chapters[];

#endif
