/* SPDX-License-Identifier: MIT */
/* A byte stream over a local socket that others connect to, one at a time. */
#ifndef BACKEND_CHR_UNIX_H
#define BACKEND_CHR_UNIX_H

struct chr;
struct err;
struct loop;

/*
 * Listens at `path`, which only this user may connect to; freeing the stream removes it. A socket
 * there that nobody listens at any more is replaced. Who connects while there is a client waits
 * until that one has left; see chr_client.h for what each of them gets.
 *
 * 0, or -errno with a message that starts with `label`, such as "--console unix:": a path that is
 * too long, in use, or something else than a socket. SIGPIPE has to be ignored (sig_init() does).
 */
int chr_unix_new(struct loop *loop, const char *label, const char *path, struct chr **out,
		 struct err *e);

#endif
