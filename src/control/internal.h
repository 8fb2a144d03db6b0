/* SPDX-License-Identifier: MIT */
/* The inside of the control socket's server: control.c (the server), client.c (bytes and lines of a
 * connection), call.c (a request and its answer). All on the loop's thread. */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "control/control.h"
#include "base/unix_socket.h"

struct client {
	struct control *control;
	struct client *next;
	struct loop_fd watch;
	struct control_call *call; /* the one that waits for its answer, or NULL */
	char *in;                  /* what was received: bytes [in_at, in_len) are not yet used */
	size_t in_at, in_len, in_max;
	bool skipping; /* the rest of a line that is too long */
	bool ended;    /* nothing more will come in */
	bool dead;     /* nothing more can go out */
	char *out;     /* an answer that is not sent: from out_at; or NULL */
	size_t out_at, out_len;
	uint64_t used; /* when it was last heard of, in events of the server */
};

struct verb_set {
	const struct control_verb *verbs;
	void *arg;
};

struct control {
	struct loop *loop;
	struct unix_socket socket;
	struct loop_fd listener;
	int spare; /* a descriptor to give up when there are no others */
	struct client *clients;
	unsigned n_clients;
	uint64_t n_events;
	struct loop_task work; /* all clients go on */
	struct verb_set *set;
	unsigned n_sets;
	unsigned n_calls;
};

struct control_call {
	struct control_call *next; /* in a struct control_calls */
	struct control *control;
	struct client *client; /* NULL: gone */
	json_t *id;            /* or NULL */
	json_t *args;          /* an object, or NULL */
};

/* Takes fd over, also when it fails. 0 or -errno. */
int client_new(struct control *c, int fd);
/* Takes it off the server's list. */
void client_free(struct client *cl);
/* Does what can be done; may free cl. */
void client_go_on(struct client *cl);
/* Begins to send the object, which is used up, as a line. Nothing else is being sent. */
void client_send(struct client *cl, json_t *object);

/* Serves one line of cl: there is no call and nothing to send. Afterwards there is. */
void call_begin(struct client *cl, const char *line, size_t len);

/* {"error":{...}}, or NULL. */
json_t *call_error(const char *code, const char *message);

#endif
