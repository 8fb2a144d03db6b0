/* SPDX-License-Identifier: MIT */
/* `linnet kbuild` and `linnet new-driver`: for people who write kernel modules. argv[0] is the
 * command's name. Each becomes a script of guest/, or returns the exit status. Main thread. */
#ifndef CMD_KBUILD_H
#define CMD_KBUILD_H

int cmd_kbuild(int argc, char **argv);
int cmd_new_driver(int argc, char **argv);

#endif
