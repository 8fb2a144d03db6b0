/* SPDX-License-Identifier: MIT */
/*
 * In front of a frame there is a header of 12 bytes (specification 5.1.6), which says over how many
 * chains a received one is spread. The back end wrote it, so it is no more than a number.
 */
#include "remote/record.h"

#include "base/endian.h"
#include "base/iov.h"

#define HEADER      12u
#define NUM_BUFFERS 10u

/* Adds the bytes [from, to) of some parts. */
static void add(struct record *r, const struct iovec *iov, unsigned n, uint32_t from, uint32_t to)
{
	if (from < to)
		r->n += iov_slice(r->iov + r->n, RECORD_PARTS - r->n, iov, n, from, to - from);
}

void record_sent(struct record *r, const struct virtq_chain *c)
{
	unsigned n = r->n; /* of a frame in the other direction, which stays */

	add(r, c->iov, c->n_read, HEADER, c->read_len);
	if (r->n > n)
		r->frame(r->arg, r->iov + n, r->n - n);
	r->n = n;
}

void record_received(struct record *r, const struct virtq_chain *c, uint32_t written)
{
	const struct iovec *iov = virtq_chain_writable(c);
	uint8_t count[2] = {0};
	uint32_t from = 0;

	if (!r->left) {
		if (written < HEADER)
			return;
		(void)iov_to_buf(iov, c->n_write, NUM_BUFFERS, count, sizeof(count));
		r->left = le16_load(count) ? le16_load(count) : 1;
		from = HEADER;
	}
	add(r, iov, c->n_write, from, written);
	if (--r->left)
		return;
	if (r->n)
		r->frame(r->arg, r->iov, r->n);
	r->n = 0;
}
