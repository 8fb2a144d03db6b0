/* SPDX-License-Identifier: MIT */
/*
 * passt(1): a network at the other end of a UNIX socket. A stream; in front of each frame its
 * length, four bytes, the highest first. QEMU's `-netdev stream` speaks the same. No offloads.
 *
 * Frames that the socket does not take now wait, up to 4 MiB, and are lost beyond; frames for the
 * guest wait in the socket. When the other end goes away, the log says so once, and the guest's
 * frames are lost.
 */
#ifndef BACKEND_NET_PASST_H
#define BACKEND_NET_PASST_H

struct err;
struct net;

/* 0, or -errno with a message: nobody listens at the path, or not what was expected. */
int net_passt_open(const char *path, struct net **out, struct err *e);

#endif
