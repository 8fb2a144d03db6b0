/* SPDX-License-Identifier: MIT */
/*
 * RPMsg with Linux, for applications on the kernel: the instance of src/rpmsg whose rings lie in
 * memory that both cores share, whose kicks are messages of the mailbox, and which a thread of its
 * own polls. Services are endpoints with a thread each.
 *
 * Where the rings lie is in the resource table when Linux has loaded the firmware (remoteproc), and
 * else where the vendor's software has them: 0x8fc00000 and 0x8fc08000 on the Duo 256M, 0x83f20000
 * and 0x83f28000 on the Duo, looked at from Linux' first kick on.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "board/mailbox.h"
#include "kernel/tx_api.h"
#include "rpmsg/queue.h"
#include "rpmsg/rpmsg.h"

#define LINK_QUEUE 256u /* as many as a ring has buffers: none is lost */
#define LINK_STACK 2048

/* An endpoint, whose messages its thread takes one after the other. The application gives the first
 * five; data is Linux' buffer, and may be changed. */
struct link_service {
	const char *name; /* to be announced; NULL: agreed on */
	uint32_t addr;    /* or RPMSG_ADDR_ANY */
	UINT priority;
	void (*received)(struct link_service *s, uint32_t src, uint8_t *data, uint32_t len);
	void *priv;
	/* private */
	struct rpmsg_ept ept;
	struct rpmsg_queue queue;
	struct rpmsg_queue_item items[LINK_QUEUE];
	TX_THREAD thread;
	UCHAR stack[LINK_STACK] __attribute__((aligned(16)));
};

/* In tx_application_define(): these services, which stay the link's, as soon as Linux is there. */
void link_init(struct link_service *services, unsigned n);

/* In the mailbox's handler: whether the message was a kick, and is done with. */
bool link_is_kick(const struct mail *mail);

/* Of a service's thread: to whom a message came from. Waits until Linux has room. 0, or what
 * rpmsg_send() says. */
int link_send(struct link_service *s, uint32_t dst, const void *data, uint32_t len);

struct rpmsg_counts link_counts(void);

#endif
