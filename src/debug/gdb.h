/* SPDX-License-Identifier: MIT */
/*
 * The gdb server: a listening socket, and one client at a time whose conversation is a
 * struct gdb_session. It outlives machines, so that a client may come back after a reboot.
 *
 * All functions belong to the loop's thread.
 */
#ifndef DEBUG_GDB_H
#define DEBUG_GDB_H

#include <stdbool.h>

#include "debug/session.h"

struct err;
struct gdb;
struct loop;

/* Listens at `address`: "unix:PATH", ":PORT" (of 127.0.0.1), or "ADDR:PORT", where ADDR is numeric
 * (IPv6 in brackets) or localhost. PORT 0 lets the host choose. Whoever may connect commands the
 * guest: a socket file is the user's alone. `label` begins messages: "--gdb ". 0, or -errno with
 * the message in e. */
int gdb_new(struct loop *loop, const char *label, const char *address, struct gdb **out,
	    struct err *e);
/* Ends the conversation, after what was said has been sent or half a second. NULL is allowed. */
void gdb_free(struct gdb *g);

/* What to tell a user: "target remote" and this. Belongs to g. */
const char *gdb_address(const struct gdb *g);

/* See session.h: attach and gone at the begin and end of each machine; held and met in between. */
struct gdb_session *gdb_session(struct gdb *g);

#endif
