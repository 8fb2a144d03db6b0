/* SPDX-License-Identifier: MIT */
/*
 * A conversation with gdb, apart from the socket that carries it: "Debugging with GDB", appendix E,
 * all-stop. Harts are threads: hart 0 is thread 1.
 *
 * The owner feeds what the client sends, sends what is in `out` (and moves out.sent), and passes on
 * what the session does with the machine. Everything belongs to the loop's thread. hold() is never
 * called from within gdb_session_held().
 */
#ifndef DEBUG_SESSION_H
#define DEBUG_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "cpu/debug.h"
#include "debug/packet.h"

struct gdb_session;

/* A machine to debug, whose engine has cpu_engine.debug. Calls come on the loop's thread. */
struct gdb_target {
	struct cpu_vm *vm;
	void *arg;
	/* All harts stand still from gdb_session_held() on, which follows, not within the call. */
	void (*hold)(void *arg);
	/* Undoes hold: the harts of the mask run, and when one ends with CPU_EXIT_DEBUG, which it
	 * does not enter again by itself, gdb_session_met() follows. */
	void (*go)(void *arg, uint64_t harts);
	/* The client wants the machine to end. */
	void (*kill)(void *arg);
};

enum gdb_state {
	GDB_FREE,    /* the harts run, and the client has not said anything */
	GDB_WAITING, /* hold() was called, the harts are not there yet */
	GDB_HELD,    /* the client may ask and change */
	GDB_RUNNING, /* the client waits for a stop */
};

struct gdb_session {
	const struct gdb_target *target; /* NULL: no machine */
	/* There is something in `out`, or input can be taken again. Not called within
	 * gdb_session_input(), whose caller looks at `out` anyway. May not call back. */
	void (*wake)(void *arg);
	void *arg;

	/* The rest is private. */
	enum gdb_state state;
	enum gdb_state before; /* of GDB_WAITING */
	bool ready;            /* a packet was read and waits for the harts, or for a machine */
	bool held_for_client;  /* from the start of the machine until the first client speaks */
	bool leaving;          /* the client is gone, or detached */
	bool interrupt;        /* it has sent Ctrl-C */
	bool no_ack, tell_break;

	unsigned hart;     /* that registers and memory are asked of */
	unsigned run_hart; /* that `c` and `s` are for, or CPU_MAX_HARTS: all */
	unsigned stop_hart;
	unsigned stop_signal;
	struct cpu_debug_event stop;
	uint64_t running; /* harts */

	unsigned n_points;
	struct cpu_point point[CPU_MAX_POINTS];
	char *xml; /* the target description */
	size_t xml_len;

	struct gdb_parser in;
	struct gdb_output out;
};

/* *s is zeroed but for wake and arg. */
void gdb_session_init(struct gdb_session *s);
void gdb_session_fini(struct gdb_session *s);

/* A machine, before any of its harts has run; *t outlives it. With `wait` its harts do not begin
 * before a client says so. */
void gdb_session_attach(struct gdb_session *s, const struct gdb_target *t, bool wait);
/* The machine has ended with this exit status (a signal, when by_signal). A client that has asked
 * something meanwhile is answered by the next one. */
void gdb_session_gone(struct gdb_session *s, bool by_signal, unsigned status);

/* A client has come, or has gone without a word: then the machine goes on, without points. */
void gdb_session_open(struct gdb_session *s);
void gdb_session_close(struct gdb_session *s);

/* Takes bytes from the client, and returns how many: not all as long as an answer has not been
 * sent, or harts are on their way to a stop. Then call it again after those. */
size_t gdb_session_input(struct gdb_session *s, const uint8_t *bytes, size_t n);

/* See struct gdb_target. */
void gdb_session_held(struct gdb_session *s);
void gdb_session_met(struct gdb_session *s);

#endif
