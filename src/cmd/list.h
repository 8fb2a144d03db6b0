/* SPDX-License-Identifier: MIT */
/* Subcommands that print a table, and the one that runs the guest's recipe. */
#ifndef CMD_LIST_H
#define CMD_LIST_H

struct command;

extern const struct command fetch_command, machines_command, devices_command;

#endif
