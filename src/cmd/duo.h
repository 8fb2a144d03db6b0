/* SPDX-License-Identifier: MIT */
/* `linnet duo`: the small core of a machine that runs, and files of real boards. Main thread. */
#ifndef CMD_DUO_H
#define CMD_DUO_H

#include "cmd/command.h"

extern const struct command duo_command;

extern const struct opt duo_fip_options[];

/* `linnet duo fip IMAGE`, with argv[0] "fip": prints or changes a fip.bin. The exit status. */
int duo_fip(int argc, char **argv);

#endif
