/* SPDX-License-Identifier: MIT */
/* `linnet kbuild` and `linnet new-driver`: for people who write kernel modules. Each becomes a
 * script of guest/, or returns the exit status. Main thread. */
#ifndef CMD_KBUILD_H
#define CMD_KBUILD_H

struct command;

extern const struct command kbuild_command, new_driver_command;

#endif
