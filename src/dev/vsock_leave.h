/* SPDX-License-Identifier: MIT */
/*
 * Streams that their guest has ended, and then forgot or was reset or powered off, while bytes of
 * its still wait for their reader. They go on without a guest until the last byte is out: a reader
 * that is only slow misses nothing.
 *
 * On the loop's thread.
 */
#ifndef DEV_VSOCK_LEAVE_H
#define DEV_VSOCK_LEAVE_H

#include <stdbool.h>

struct loop;
struct vsock_conn;

struct vsock_leavers {
	struct vsock_conn *first;
	unsigned n;
};

/* Takes c, open and in no list of the caller's any more, if there is something left to be passed on
 * and the guest had said that this is all. False: there is not, and c remains the caller's. */
bool vsock_leave(struct vsock_leavers *l, struct loop *loop, struct vsock_conn *c);

/* There is no more time: passes on what their readers take within a second, all together, waiting
 * for that, and frees them. */
void vsock_leave_now(struct vsock_leavers *l, struct loop *loop);

#endif
