/* SPDX-License-Identifier: MIT */
/*
 * Streams between the guest and the host's UNIX sockets (specification 5.10), by the convention
 * that Firecracker documents: who connects to `path` and says "CONNECT PORT\n" reaches the guest's PORT
 * and reads "OK N\n" first; a connection of the guest's to PORT of CID 2 goes to the socket
 * `path_PORT`.
 */
#ifndef DEV_VSOCK_H
#define DEV_VSOCK_H

#include <stdint.h>

struct loop;
struct vdev;

#define VSOCK_CID_MIN  3u
#define VSOCK_PATH_MAX 96u /* with the longest port behind it, it fits a socket's address */
#define VSOCK_CONNS    1024u

struct vsock_config {
	struct loop *loop;
	uint64_t cid;     /* the guest's: VSOCK_CID_MIN to 2^32 - 2 */
	const char *path; /* at most VSOCK_PATH_MAX bytes; borrowed */
	int listener;     /* listens at `path` without blocking; borrowed */
};

/* Control thread, while the loop does not run or from the loop. 0, or -errno. */
int vsock_new(const struct vsock_config *config, struct vdev **out);

#endif
