/* SPDX-License-Identifier: MIT */
/*
 * A network that fails on purpose, in front of one that does not. Its rules: base/fault.h.
 * tx is what the guest sends, rx what it gets.
 *
 *	drop	the frame is lost
 *	delay	it comes so much later; others overtake it
 *	short	its second half is missing
 *	corrupt	one byte of it is another one
 *
 * Frames that wait for their time take at most 4 MiB in each direction; what is more is lost.
 */
#ifndef BACKEND_NET_FAULT_H
#define BACKEND_NET_FAULT_H

struct fault_device;
struct net;

/* `inner` stays the caller's and outlives the new net, as does the device's set. 0 or -ENOMEM. */
int net_fault_new(struct net *inner, struct fault_device *device, struct net **out);

#endif
