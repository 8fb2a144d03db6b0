/* SPDX-License-Identifier: MIT */
/*
 * Reads along with the guest's console: keeps its last lines for a report, and notices a kernel
 * panic, which a guest announces nowhere else before it resets. One thread.
 */
#ifndef CMD_CONSOLE_WATCH_H
#define CMD_CONSOLE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONSOLE_WATCH_LINES 20
#define CONSOLE_WATCH_SLOTS (CONSOLE_WATCH_LINES + 1)
#define CONSOLE_WATCH_WIDTH 256 /* longer lines are cut */

struct console_watch {
	char line[CONSOLE_WATCH_SLOTS][CONSOLE_WATCH_WIDTH];
	unsigned next;  /* the line being written */
	unsigned len;   /* its length so far */
	unsigned lines; /* complete lines kept, at most CONSOLE_WATCH_LINES */
	bool panicked;  /* "Kernel panic - not syncing" began a message */
	bool halted;    /* "---[ end Kernel panic" was the last line: the kernel will not reset */
};

/* Zeroed is ready. */
void console_watch_feed(struct console_watch *w, const uint8_t *buf, size_t len);

/* The last CONSOLE_WATCH_LINES lines, the unfinished one among them, each behind `prefix`. */
void console_watch_print(const struct console_watch *w, FILE *to, const char *prefix);

#endif
