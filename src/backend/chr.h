/* SPDX-License-Identifier: MIT */
/*
 * A byte stream: what a UART or a console port stands on.
 *
 * The device side is single: one user, on one loop. Everything here belongs to that loop's thread.
 * Neither side buffers without bound: the user reads only when it has room (chr_want_input) and
 * writes only what the stream takes (chr_write).
 */
#ifndef BACKEND_CHR_H
#define BACKEND_CHR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct chr;

/* What the user of a stream (a device) is told. Each on the loop, never from inside a chr_ call. */
struct chr_user_ops {
	/* Bytes have arrived, only while input is wanted. Returns how many were taken; when fewer
	 * than len, input is no longer wanted until the user says so again, and the rest comes
	 * again. */
	size_t (*input)(void *user, const uint8_t *buf, size_t len);
	/* The input has ended; comes once, after the last input. May be NULL. */
	void (*input_end)(void *user);
	/* After chr_write() took less than it was given: there is room again, or the stream broke.
	 */
	void (*writable)(void *user);
};

struct chr_ops {
	/* See chr_write(). */
	ssize_t (*write)(struct chr *c, const uint8_t *buf, size_t len);
	void (*want_input)(struct chr *c, bool want);
	/* See chr_flush(). NULL: it keeps nothing. */
	int (*flush)(struct chr *c, int timeout_ms);
	void (*free)(struct chr *c);
};

/* The common head of every stream; back ends embed it. */
struct chr {
	const struct chr_ops *ops;
	const struct chr_user_ops *user_ops; /* NULL while nobody uses it: input waits */
	void *user;
};

/* Connects the device. Input is not wanted until chr_want_input(). */
static inline void chr_attach(struct chr *c, const struct chr_user_ops *ops, void *user)
{
	c->user_ops = ops;
	c->user = user;
}

/* Takes up to len bytes: how many it took (0: full, `writable` will follow), or -EPIPE for good
 * when the other side is gone. Never blocks. */
static inline ssize_t chr_write(struct chr *c, const uint8_t *buf, size_t len)
{
	return c->ops->write(c, buf, len);
}

static inline void chr_want_input(struct chr *c, bool want)
{
	c->ops->want_input(c, want);
}

/* Waits until what was written has left the stream's own buffers, at most timeout_ms (-1: for
 * ever). 0; -ETIMEDOUT; -EPIPE when the other side is gone. Only for the end of a run: it holds up
 * the loop. */
static inline int chr_flush(struct chr *c, int timeout_ms)
{
	return c->ops->flush ? c->ops->flush(c, timeout_ms) : 0;
}

/* Ends the stream and frees it; waits for nothing. Not from inside a callback of the same stream.
 * NULL is allowed. */
static inline void chr_free(struct chr *c)
{
	if (c)
		c->ops->free(c);
}

#endif
