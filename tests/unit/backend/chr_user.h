/* SPDX-License-Identifier: MIT */
/* The user of a stream, for tests: collects what comes, and takes only what it is told to. */
#ifndef TESTS_CHR_USER_H
#define TESTS_CHR_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chr;
struct loop;

struct chr_user {
	struct chr *chr;
	struct loop *loop;
	uint8_t *got;
	size_t n_got, room; /* bytes that `got` has and that it can take */
	size_t limit;       /* the most it takes at once; 0: no limit */
	unsigned ends, writables;
};

/* Attaches u, zeroed but for `limit`, with `room` bytes of room; wants input when room is not 0. */
void chr_user_init(struct chr_user *u, struct loop *loop, struct chr *c, size_t room);
/* Frees stream and bytes. */
void chr_user_fini(struct chr_user *u);
/* Turns the loop until n bytes have come, or the end. */
void chr_user_wait(struct chr_user *u, size_t n);
void chr_user_wait_end(struct chr_user *u);
/* Writes all of it, waiting for `writable` where it is cut short. 0 or what chr_write() said. */
int chr_user_write(struct chr_user *u, const void *buf, size_t len);
/* Turns the loop as long as something happens at once. */
void loop_settle(struct loop *loop);

#endif
