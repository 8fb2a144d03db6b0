/* SPDX-License-Identifier: MIT */
/*
 * The control socket: a UNIX stream socket that takes requests and gives answers, each a JSON
 * object (RFC 8259) on a line of its own. docs/control.md is its manual.
 *
 *	{"verb":"stats","args":{"format":"openmetrics"},"id":7}
 *	{"ok":true,"id":7,...}  or  {"error":{"code":"argument","message":"..."},"id":7}
 *
 * What can be asked for is registered: a verb is a name, its arguments and a handler. A handler
 * answers its call at once or later; a client's next request is looked at when the one before has
 * been answered and the answer is on its way, so answers come in the order of requests and a client
 * that reads nothing gets nothing more. `help` is there already and lists the verbs.
 *
 * Clients may be hostile: what one can make the server keep is a line of at most CONTROL_LINE_MAX
 * bytes, a call and an answer, and there are at most CONTROL_CLIENTS_MAX. One more, and the one
 * that has been quiet longest has to go.
 *
 * Everything here runs on the loop's thread.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <jansson.h>

struct control;
struct control_call;
struct err;
struct loop;

#define CONTROL_LINE_MAX    65536u
#define CONTROL_CLIENTS_MAX 32u

/* Codes of errors, for programs; the message is for people. Verbs may have more. */
#define CONTROL_E_SYNTAX   "syntax"   /* not a JSON object on a line */
#define CONTROL_E_REQUEST  "request"  /* an object that is no request */
#define CONTROL_E_TOO_LONG "too-long" /* a line above CONTROL_LINE_MAX */
#define CONTROL_E_VERB     "verb"     /* there is no such verb */
#define CONTROL_E_ARGUMENT "argument"
#define CONTROL_E_STATE    "state" /* not now */
#define CONTROL_E_CLIENTS  "clients"
#define CONTROL_E_INTERNAL "internal"

struct control_verb {
	const char *name;
	const char *help; /* one line */
	/* Names of the arguments that it takes, each a string; ends with NULL. NULL: none. */
	const char *const *args;
	/* Ends in control_answer() or control_fail() for the call, inside or later. */
	void (*handle)(void *arg, struct control_call *call);
};

/* Serves nobody yet. 0 or -ENOMEM. */
int control_new(struct loop *loop, struct control **out);

/* Adds verbs; the table ends with an entry without a name and stays the caller's, as does arg. 0 or
 * -ENOMEM. */
int control_register(struct control *c, const struct control_verb *verbs, void *arg);

/* Listens at `path`, with mode 0600. What a Linnet that was killed has left there is replaced.
 * `label` is what the message starts with: "--control unix:". 0, or -errno with the message in e:
 * -EADDRINUSE when somebody listens there or the path is no socket. Once. */
int control_listen(struct control *c, const char *label, const char *path, struct err *e);

/* Serves the other side of fd, a connected stream socket that belongs to the server from now on. 0
 * or -errno, and then fd is closed. */
int control_serve(struct control *c, int fd);

/* Ends all connections and removes the socket. No call is waiting for its answer. NULL is allowed.
 */
void control_free(struct control *c);

/* ---- for handlers ---- */

/* The argument, or NULL when it was not given. Belongs to the call. */
const char *control_arg(const struct control_call *call, const char *name);

/* Answers with the members of `body`, a JSON object that is used up (NULL: none), behind
 * "ok":true. The call is gone then. */
void control_answer(struct control_call *call, json_t *body);
/* Answers with an error; the message says what to do about it. The call is gone then. */
void control_fail(struct control_call *call, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Calls that wait for the same thing, in the order in which they were put there. Zeroed is empty.
 */
struct control_calls {
	struct control_call *first;
};

void control_calls_put(struct control_calls *l, struct control_call *call);
/* The first, taken out; NULL when there is none. */
struct control_call *control_calls_take(struct control_calls *l);

#endif
