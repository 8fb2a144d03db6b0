/* SPDX-License-Identifier: MIT */
/*
 * Networks at the other end of a UNIX socket.
 *
 * passt(1): a stream; in front of each frame its length, four bytes, the highest first. QEMU's
 * `-netdev stream` speaks the same. No offloads.
 *
 * A switch of ours (backend/vswitch.h): one message a frame (SOCK_SEQPACKET), with a struct
 * net_header in front, and all offloads: what this guest has not agreed to is made up for on
 * receipt.
 *
 * In both, frames that the socket does not take now wait, up to 4 MiB, and are lost beyond; frames
 * for the guest wait in the socket. When the other end goes away, the log says so once, and the
 * guest's frames are lost.
 */
#ifndef BACKEND_NET_SOCKET_H
#define BACKEND_NET_SOCKET_H

#include <stdint.h>

struct err;
struct net;

/* 0, or -errno with a message: nobody listens at the path, or not what was expected. */
int net_passt_open(const char *path, struct net **out, struct err *e);

/* The same; mac: an address of its own for the guest, which the switch hands out. */
int net_switch_open(const char *path, struct net **out, uint8_t mac[6], struct err *e);

#endif
