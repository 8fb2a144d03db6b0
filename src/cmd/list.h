/* SPDX-License-Identifier: MIT */
/* The small subcommands: fetch, machines, devices. argv[0] is the command's name; each returns the
 * exit status. Main thread. */
#ifndef CMD_LIST_H
#define CMD_LIST_H

int cmd_fetch(int argc, char **argv);
int cmd_machines(int argc, char **argv);
int cmd_devices(int argc, char **argv);

#endif
