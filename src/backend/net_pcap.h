/* SPDX-License-Identifier: MIT */
/*
 * A network whose frames are recorded, in both directions, into a file that tcpdump, tshark and
 * their like read: pcap with nanoseconds. Frames are recorded as they cross: with offloads,
 * segments of up to 64 KiB, and checksums that nobody has made yet.
 */
#ifndef BACKEND_NET_PCAP_H
#define BACKEND_NET_PCAP_H

struct err;
struct iovec;
struct loop;
struct net;

/*
 * Records what crosses `inner`, which belongs to the new net on success, a single_loop. A file at
 * `path` is overwritten; only regular files are taken. What has been recorded is in the file a
 * second later at the latest. When the file cannot be written any more, the log says so once, the
 * file ends with the last frame that fits, and the network goes on.
 *
 * 0, or -errno with a message.
 */
int net_pcap_new(struct net *inner, const char *path, struct net **out, struct err *e);

/* The same for frames that cross elsewhere: of no network. Each is shown to net_pcap_record(), on
 * one loop, without a header; it is done with by net_pcap_close(), on that loop. */
struct net_pcap;
int net_pcap_open(const char *path, struct loop *loop, struct net_pcap **out, struct err *e);
void net_pcap_record(struct net_pcap *p, const struct iovec *iov, unsigned n);
void net_pcap_close(struct net_pcap *p);

#endif
