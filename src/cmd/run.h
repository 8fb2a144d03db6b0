/* SPDX-License-Identifier: MIT */
/* `linnet run`. Main thread. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

/* argv[0] is "run". Returns the exit status. */
int cmd_run(int argc, char **argv);

#endif
