/* SPDX-License-Identifier: MIT */
/* One walk over the list serves the three copies: it hands out the overlap of each entry with the
 * wanted part. */
#include "base/iov.h"

#include <stdint.h>
#include <string.h>

size_t iov_len(const struct iovec *iov, unsigned n)
{
	size_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

/* The next piece of at most `len` bytes at `*offset` from entry *i on; its length, 0 at the end.
 * The offset is relative to entry *i and both move on. */
static size_t next_piece(const struct iovec *iov, unsigned n, unsigned *i, size_t *offset,
			 size_t len, uint8_t **piece)
{
	size_t take;

	while (*i < n && *offset >= iov[*i].iov_len) {
		*offset -= iov[*i].iov_len;
		(*i)++;
	}
	if (*i == n)
		return 0;
	take = iov[*i].iov_len - *offset;
	if (take > len)
		take = len;
	*piece = (uint8_t *)iov[*i].iov_base + *offset;
	*offset += take;
	return take;
}

size_t iov_to_buf(const struct iovec *iov, unsigned n, size_t offset, void *buf, size_t len)
{
	size_t done = 0, take;
	unsigned i = 0;
	uint8_t *piece;

	while (done < len && (take = next_piece(iov, n, &i, &offset, len - done, &piece))) {
		memcpy((uint8_t *)buf + done, piece, take);
		done += take;
	}
	return done;
}

size_t iov_from_buf(const struct iovec *iov, unsigned n, size_t offset, const void *buf, size_t len)
{
	size_t done = 0, take;
	unsigned i = 0;
	uint8_t *piece;

	while (done < len && (take = next_piece(iov, n, &i, &offset, len - done, &piece))) {
		memcpy(piece, (const uint8_t *)buf + done, take);
		done += take;
	}
	return done;
}

size_t iov_fill(const struct iovec *iov, unsigned n, size_t offset, int byte, size_t len)
{
	size_t done = 0, take;
	unsigned i = 0;
	uint8_t *piece;

	while (done < len && (take = next_piece(iov, n, &i, &offset, len - done, &piece))) {
		memset(piece, byte, take);
		done += take;
	}
	return done;
}

unsigned iov_slice(struct iovec *dst, unsigned max, const struct iovec *src, unsigned n,
		   size_t offset, size_t len)
{
	unsigned i = 0, used = 0;
	size_t take;
	uint8_t *piece;

	while (len) {
		take = next_piece(src, n, &i, &offset, len, &piece);
		if (!take || used == max)
			return 0;
		dst[used++] = (struct iovec){.iov_base = piece, .iov_len = take};
		len -= take;
	}
	return used;
}
