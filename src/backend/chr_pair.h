/* SPDX-License-Identifier: MIT */
/* Two streams in memory, joined: what is written to one is the input of the other. */
#ifndef BACKEND_CHR_PAIR_H
#define BACKEND_CHR_PAIR_H

#include <stddef.h>

struct chr;
struct loop;

#define CHR_PAIR_BUFFER (64 << 10) /* bytes that may be under way in each direction */

/*
 * Both ends belong to the loop's thread; everything is handed over by way of the loop. Each is
 * freed on its own: the other then gets what is still under way and the end of its input, and
 * -EPIPE (and `writable`, if it was waiting) when it writes. 0 or -ENOMEM.
 */
int chr_pair_new(struct loop *loop, struct chr **a, struct chr **b);

/* Ends the input of the other side and leaves the way back open; writing here is -EPIPE from now
 * on. */
void chr_pair_shut_write(struct chr *c);

/* How many bytes written to c have not been taken by the other side. */
size_t chr_pair_unread(struct chr *c);

#endif
