/* SPDX-License-Identifier: MIT */
/* A byte stream over a pseudo-terminal, for programs that want to talk to a serial port. */
#ifndef BACKEND_CHR_PTY_H
#define BACKEND_CHR_PTY_H

struct chr;
struct err;
struct loop;

/*
 * Makes a pseudo-terminal in raw mode. Programs may open and close it at any time; see chr_client.h
 * for what they get. `link`, unless NULL, becomes a symbolic link to it, which freeing the stream
 * removes; one that leads to another pseudo-terminal is replaced.
 *
 * 0, or -errno with a message that starts with `label`, such as "--console pty".
 */
int chr_pty_new(struct loop *loop, const char *label, const char *link, struct chr **out,
		struct err *e);

/* The terminal's path, such as /dev/pts/5. `c` comes from chr_pty_new() and owns the text. */
const char *chr_pty_path(struct chr *c);

#endif
