/* SPDX-License-Identifier: MIT */
/* What the board's own files need of board_say(). */
#ifndef BOARD_PRINT_H
#define BOARD_PRINT_H

void board_print_init(void);
/* A line by whoever will not go on: takes no lock. */
void board_print_last(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define BOARD_TRACE_SIZE 4096u
extern char board_trace[BOARD_TRACE_SIZE];

#endif
