/* SPDX-License-Identifier: MIT */
/*
 * A byte stream whose other side, a client, comes and goes: what chr_pty and chr_unix have in
 * common. They embed it, know when a client is there, and lend its descriptor.
 *
 * Output that no client has taken yet is kept for the next one, of what comes while there is none
 * the last CHR_CLIENT_KEEP bytes. A client that is there and does not read holds the writer up, as
 * any stream does. Input that a client has left behind still arrives. The input never ends.
 *
 * Everything belongs to the loop's thread.
 */
#ifndef BACKEND_CHR_CLIENT_H
#define BACKEND_CHR_CLIENT_H

#include "backend/chr.h"
#include "base/loop.h"

#define CHR_CLIENT_KEEP 65536u

struct chr_client {
	struct chr chr;
	struct loop *loop;
	/* The client has left and its descriptor is not used any more; on the loop. */
	void (*gone)(struct chr_client *c);

	/* All private. */
	bool present;
	struct loop_fd watch; /* of the client */
	struct loop_task task;
	bool wanted;
	bool starved; /* a write was cut short; `writable` is owed */
	size_t in_len;
	size_t out_start, out_len; /* out is a ring */
	uint8_t in[4096];
	uint8_t out[CHR_CLIENT_KEEP];
};

/* ops: of the stream; write, want_input and flush are the three below. */
void chr_client_init(struct chr_client *c, struct loop *loop, const struct chr_ops *ops,
		     void (*gone)(struct chr_client *c));
/* Writes what the client takes at once. The descriptor stays the embedder's. */
void chr_client_fini(struct chr_client *c);

/* A client is there, at a non-blocking descriptor that stays open until gone() or
 * chr_client_fini(). Not while there is one. 0 or -errno. */
int chr_client_begin(struct chr_client *c, int fd);

static inline bool chr_client_present(const struct chr_client *c)
{
	return c->present;
}

ssize_t chr_client_write(struct chr *chr, const uint8_t *buf, size_t len);
void chr_client_want_input(struct chr *chr, bool want);
int chr_client_flush(struct chr *chr, int timeout_ms);

#endif
