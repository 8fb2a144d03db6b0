/* SPDX-License-Identifier: MIT */
/*
 * A vhost-user front end for tests, on the loop of the back end: it says what a test tells it to,
 * and has a guest's memory with one split ring in it.
 */
#ifndef TESTS_FRONT_H
#define TESTS_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "lib/guest_ring.h"
#include "remote/vhost_user.h"

#define FRONT_RAM      0x80000000ull
#define FRONT_RAM_SIZE 0x20000ull
#define FRONT_USER     0x7f0000000000ull /* where it says that it has mapped that */
#define FRONT_DATA     (FRONT_RAM + 0x10000)
#define FRONT_SIZE     16u

struct front {
	struct loop *loop;
	int fd;
	struct gmem *mem;
	struct guest_ring ring;
	int kick_fd, call_fd, err_fd;
};

/* *fd is the back end's socket. */
void front_init(struct front *f, struct loop *loop, int *fd);
void front_fini(struct front *f);

/* Sends a message, with at most one descriptor (-1: none), and lets the back end work. */
void front_say(struct front *f, uint32_t request, uint32_t flags, const void *payload, uint32_t len,
	       int fd);
void front_u64(struct front *f, uint32_t request, uint64_t value, int fd);
void front_state(struct front *f, uint32_t request, uint32_t index, uint32_t num);

/* Reads a reply, of which all has come: its payload's length, or -1: there is none. */
int front_hear(struct front *f, uint32_t request, union vu_payload *p);
uint64_t front_ask(struct front *f, uint32_t request);
/* Whether the back end has closed. */
bool front_is_closed(struct front *f);

/* Gives n regions of which `r` says where they are, all by the descriptor `fd`. */
void front_memory(struct front *f, uint32_t flags, const struct vu_region *r, uint32_t n, int fd);
/* The guest's memory as it is. */
void front_give_memory(struct front *f);

/* The beginning of a conversation, with features and memory. */
void front_begin(struct front *f, uint64_t features);
/* Where the ring is, its kick, call and error; runs with enable, too. */
void front_ring(struct front *f, uint32_t index, uint32_t base);

void front_turn(struct front *f);
/* How often an eventfd was raised since this was asked. */
uint64_t front_raised(int fd);

#endif
