/* SPDX-License-Identifier: MIT */
/* Where serial ports lead to: --console, --small-console. Main thread. */
#ifndef CMD_RUN_CONSOLE_H
#define CMD_RUN_CONSOLE_H

#include <stdbool.h>

struct chr;
struct err;
struct loop;

enum run_console_kind {
	RUN_CONSOLE_STDIO, /* not opened here: it depends on --exec */
	RUN_CONSOLE_FILE,
	RUN_CONSOLE_PTY,
	RUN_CONSOLE_UNIX,
};

struct run_console {
	enum run_console_kind kind;
	bool given;
	const char *path; /* of the file, the socket or the link to a pty (may be NULL there) */
};

/* The option's value: points into `value`, which may be changed. 0 or -EINVAL with a message. */
int run_console_parse(struct run_console *c, const char *label, char *value, struct err *e);

/* Opens one that is not RUN_CONSOLE_STDIO, and says on standard error where a pty is. `option` is
 * what messages call it: "--console". 0, or -errno with a message. */
int run_console_open(const struct run_console *c, const char *option, struct loop *loop,
		     struct chr **out, struct err *e);

#endif
