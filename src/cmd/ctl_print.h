/* SPDX-License-Identifier: MIT */
/* Answers of the control socket for people. Main thread; to standard output. */
#ifndef CMD_CTL_PRINT_H
#define CMD_CTL_PRINT_H

#include <jansson.h>

/* One for each form of answer. */
void ctl_print_status(const json_t *answer);
void ctl_print_stats(const json_t *answer);
/* {"state":S}: S on a line; without it nothing. */
void ctl_print_state(const json_t *answer);
void ctl_print_help(const json_t *answer);
void ctl_print_faults(const json_t *answer);
/* {"state":S,"start":PC,"instructions":N,"crash":TEXT}: the last only if there was one. */
void ctl_print_small(const json_t *answer);
void ctl_print_diagnosis(const json_t *answer);

#endif
