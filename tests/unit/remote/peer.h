/* SPDX-License-Identifier: MIT */
/*
 * A vhost-user back end for tests, on a thread of its own: a small disk, kept in memory and served
 * out of the front end's rings. It does as the protocol says, but for one sin that a test commands.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mem/gmem.h"
#include "remote/vhost_user.h"
#include "virtio/virtq.h"

#define PEER_QUEUES  2u
#define PEER_SECTORS 64u

enum peer_sin {
	PEER_GOOD,
	/* In answering the request `when`: */
	PEER_DIES,          /* closes the socket instead */
	PEER_SHORT,         /* ... after half the answer */
	PEER_LONG,          /* says a size that is one too large, and sends it */
	PEER_HUGE,          /* says a size of 4 GiB */
	PEER_WRONG_REQUEST, /* answers another request */
	PEER_WRONG_VERSION,
	PEER_NO_REPLY_FLAG,
	PEER_FDS,         /* sends descriptors along */
	PEER_REFUSES,     /* acknowledges with an error */
	PEER_SILENT,      /* says nothing, for ever */
	PEER_WRONG_VALUE, /* another queue's base, another size of config space */
	/* In serving a ring, from the first chain on: */
	PEER_USED_ID,      /* names a descriptor that is no chain */
	PEER_USED_RANGE,   /* ... that is beyond the ring */
	PEER_USED_TWICE,   /* returns a chain twice */
	PEER_USED_LEN,     /* more bytes than there was room for */
	PEER_USED_JUMP,    /* moves the index far ahead */
	PEER_UNASKED,      /* says something on the socket */
	PEER_DIES_SERVING, /* closes the socket with chains in flight */
	PEER_HOLDS,        /* serves nothing until peer_release() */
};

struct peer_queue {
	struct virtq ring;
	bool started;
	int kick_fd, call_fd;
	uint32_t num;
	uint16_t base;
	struct vu_vring_addr addr;
};

struct peer {
	int fd;
	enum peer_sin sin;
	uint32_t when;     /* the request that a sin of answers is about */
	uint64_t features; /* offered */
	uint64_t protocol;
	uint64_t n_queues;
	uint8_t disk[PEER_SECTORS * 512];
	struct peer_queue queue[PEER_QUEUES];
	struct gmem mem; /* what the front end gave, mapped */
	struct virtq_chain chain;
	_Atomic uint64_t features_set; /* by the front end */
	atomic_uint n_served, n_stops;
	atomic_bool holds;
	int wake_fd; /* to the thread: look again, or end */
	atomic_bool ending;
	pthread_t thread;
};

/* Starts it; *fd is the front end's socket. */
void peer_start(struct peer *p, enum peer_sin sin, uint32_t when, int *fd);
/* Lets go of what PEER_HOLDS has. */
void peer_release(struct peer *p);
/* Closes its socket, as if it had been killed. */
void peer_kill(struct peer *p);
/* Ends it. */
void peer_stop(struct peer *p);

#endif
