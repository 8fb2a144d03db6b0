/* SPDX-License-Identifier: MIT */
/*
 * The user's terminal as a byte stream.
 *
 * When in_fd is a terminal it is put into raw mode (base/sig.h) until the stream is freed, and
 * Ctrl-A is an escape: Ctrl-A x calls `quit`, Ctrl-A h shows these keys, Ctrl-A Ctrl-A sends one
 * Ctrl-A; Ctrl-A and any other key send nothing. They work even while the guest takes no input:
 * what is typed meanwhile is kept, up to 4 KiB, the rest dropped. When in_fd is no terminal, every
 * byte passes, and waits until it is wanted.
 */
#ifndef BACKEND_CHR_STDIO_H
#define BACKEND_CHR_STDIO_H

struct chr;
struct loop;

/* quit(arg) is called on the loop and must not free the stream there and then. 0 or -errno. Main
 * thread only. */
int chr_stdio_new(struct loop *loop, int in_fd, int out_fd, void (*quit)(void *arg), void *arg,
		  struct chr **out);

#endif
