/* SPDX-License-Identifier: MIT */
/*
 * A session with a machine of two harts in turns and a little memory, and a client that sends bytes
 * and reads answers. For unit tests and the fuzzer; a session that breaks the protocol aborts.
 *
 * Hart 0 is in a loop at RAM that counts in t2 and stores that at RAM + 0x1000; hart 1 is not
 * started.
 */
#ifndef TESTS_UNIT_DEBUG_SESSION_RIG_H
#define TESTS_UNIT_DEBUG_SESSION_RIG_H

#include "debug/session.h"
#include "mem/gmem.h"

#define RAM       0x80000000ull
#define RAM_SIZE  0x10000ull
#define RIG_HARTS 2u

struct session_rig {
	struct gmem *mem;
	struct bus *bus;
	struct cpu_vm *vm;
	struct gdb_target target;
	struct gdb_session session;
	bool asked; /* hold() was called */
	bool killed;
	uint64_t running; /* harts */
	unsigned turns;   /* a hart's that ran */

	/* What was sent since it was last emptied: acknowledgements ("+", "-") and data of packets,
	 * unescaped, each behind a blank. */
	size_t len;
	char seen[2 * GDB_PACKET_MAX + 64];
};

struct session_rig *session_rig_new(bool wait);
void session_rig_free(struct session_rig *r);

/* The session takes the bytes, in pieces as it likes; the machine moves on by `turns` turns of its
 * harts, and as far as the session needs it. */
void session_rig_send(struct session_rig *r, const void *bytes, size_t n, unsigned turns);
/* Puts text into a packet and sends it, and empties and returns what is seen then. */
const char *session_rig_ask(struct session_rig *r, const char *text);

#endif
