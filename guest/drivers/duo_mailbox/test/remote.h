/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The commands of guest/firmware/bare/remote.c in the mailbox. The reply to one that has a reply
 * has the same ip_id and cmd_id.
 */
#ifndef REMOTE_H
#define REMOTE_H

#define REMOTE_SILENT 0x10 /* has no reply */
#define REMOTE_LED    0x13 /* 2 on, 3 off; reply 4 */
#define REMOTE_LED_ON 2
#define REMOTE_DONE   4
#define REMOTE_SUM    0x20 /* of a buffer's bytes */
#define REMOTE_FLOOD  0x21 /* sends so many REMOTE_NEWS, 0, 1, 2 ... */
#define REMOTE_NEWS   0x22
#define REMOTE_HOLD   0x23 /* of a buffer: holds the mailbox's lock until its first byte is not 0 */
#define REMOTE_HANG   0x24 /* does nothing any more, with interrupts off; has no reply */
#define REMOTE_CRASH  0x25 /* executes what is no instruction; has no reply */
#define REMOTE_POINT  0x26 /* sends REMOTE_NEWS with a descriptor: one of these */
#define REMOTE_EMPTY  0x27 /* rings without a message */
#define REMOTE_RING \
	0x28 /* writes what must not be into the ring to Linux, and kicks: one of these */

enum remote_point {
	REMOTE_POINT_GOOD,  /* at the first 16 bytes that can be mapped */
	REMOTE_POINT_LONG,  /* one byte beyond their end */
	REMOTE_POINT_WRAP,  /* a length that wraps around */
	REMOTE_POINT_BELOW, /* at the descriptors themselves */
	REMOTE_POINT_LINUX, /* at Linux' memory */
	REMOTE_POINT_AWAY,  /* the descriptor is not where descriptors are */
};

enum remote_ring {
	REMOTE_RING_ID,     /* a buffer that does not exist */
	REMOTE_RING_INDEX,  /* more buffers than there are */
	REMOTE_RING_LENGTH, /* more bytes than a buffer has */
};

/* Where the Duo 256M has buffers. */
#define REMOTE_BUFFERS      0x8fc10000u
#define REMOTE_BUFFERS_SIZE 0x10000u

#endif
