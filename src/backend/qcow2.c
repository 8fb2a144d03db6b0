/* SPDX-License-Identifier: MIT */
/*
 * Opening is in qcow2_open.c, which checks everything in the image once; here is how it is read.
 *
 * The disk is cut into clusters. A cluster's entry in an L2 table says where its bytes are:
 *
 *	offset		in this file, as they are
 *	compressed	in this file, deflated, anywhere and not aligned
 *	zero		nowhere: they are zero
 *	none		in the backing file, if there is one and it is long enough; else zero
 *
 * A read goes cluster by cluster, and joins neighbours that lie one behind the other in the file,
 * or that have the same kind of nothing.
 */
#include "backend/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "backend/qcow2_image.h"
#include "base/bits.h"
#include "base/iov.h"

#define WINDOW_IOVS 64u

/* A part of what is asked for: `len` bytes of the list, `pos` bytes into it. */
struct part {
	const struct iovec *iov;
	unsigned n_iov;
	size_t pos, len;
};

/* The first entries of the part, at most WINDOW_IOVS. */
static unsigned window(const struct part *p, struct iovec *out)
{
	size_t skip = p->pos, left = p->len;
	unsigned used = 0;

	for (unsigned i = 0; i < p->n_iov && used < WINDOW_IOVS && left; i++) {
		size_t len = p->iov[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len = len - skip < left ? len - skip : left;
		out[used++] = (struct iovec){(char *)p->iov[i].iov_base + skip, len};
		left -= len;
		skip = 0;
	}
	return used;
}

static int read_file(int fd, struct part p, uint64_t at)
{
	struct iovec iov[WINDOW_IOVS];

	while (p.len) {
		ssize_t n = preadv(fd, iov, (int)window(&p, iov), (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ENODATA;
		if (n < 0)
			continue;
		p.pos += (size_t)n;
		p.len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* ---- compressed clusters ---- */

static int inflate_cluster(uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
	z_stream z = {.next_in = in,
		      .avail_in = (unsigned)n_in,
		      .next_out = out,
		      .avail_out = (unsigned)n_out};
	int ret;

	if (inflateInit2(&z, -12) != Z_OK)
		return -ENOMEM;
	/* The input's length is in sectors, so some of it may be left over. */
	ret = inflate(&z, Z_FINISH);
	(void)inflateEnd(&z);
	return (ret == Z_STREAM_END || ret == Z_BUF_ERROR) && !z.avail_out ? 0 : -EIO;
}

static int read_compressed(const struct qcow2 *q, uint64_t entry, uint64_t within, struct part p)
{
	unsigned offset_bits = 62 - (q->cluster_bits - 8);
	size_t cluster = (size_t)1 << q->cluster_bits;
	uint64_t at = entry & (BIT(offset_bits) - 1);
	uint64_t sectors = ((entry & ~(QCOW2_COPIED | QCOW2_COMPRESSED)) >> offset_bits) + 1;
	size_t n_in = (size_t)(sectors * 512 - at % 512), have = 0;
	uint8_t *buf = malloc(cluster + n_in);
	int ret = buf ? 0 : -ENOMEM;
	ssize_t n = 1;

	/* The last one's sector may be cut off by the end of the file. */
	while (!ret && have < n_in && n) {
		n = pread(q->fd, buf + cluster + have, n_in - have, (off_t)(at + have));
		if (n < 0 && errno != EINTR)
			ret = -errno;
		else if (n > 0)
			have += (size_t)n;
	}
	if (!ret)
		ret = inflate_cluster(buf + cluster, have, buf, cluster);
	for (size_t done = 0; !ret && done < p.len;) {
		struct iovec iov[WINDOW_IOVS];
		struct part rest = {p.iov, p.n_iov, p.pos + done, p.len - done};

		done += iov_from_buf(iov, window(&rest, iov), 0, buf + within + done, rest.len);
	}
	free(buf);
	return ret;
}

/* ---- clusters ---- */

enum where { FILE_DATA, COMPRESSED, NOTHING, BELOW };

static uint64_t entry_of(const struct qcow2 *q, uint64_t offset)
{
	uint64_t cluster = offset >> q->cluster_bits;
	unsigned l2_bits = q->cluster_bits - 3;
	const uint64_t *table = q->tables[cluster >> l2_bits];

	return table ? table[cluster & (BIT(l2_bits) - 1)] : 0;
}

static enum where where_is(const struct qcow2 *q, uint64_t entry)
{
	if (entry & QCOW2_COMPRESSED)
		return COMPRESSED;
	if (entry & QCOW2_ZERO && q->version > 2)
		return NOTHING;
	if (entry & QCOW2_OFFSET)
		return FILE_DATA;
	return q->backing ? BELOW : NOTHING;
}

/* How many of the `len` bytes from `offset` on can be read at once. */
static uint64_t run_length(const struct qcow2 *q, uint64_t offset, uint64_t len)
{
	uint64_t size = BIT(q->cluster_bits);
	uint64_t entry = entry_of(q, offset), next;
	uint64_t run = size - offset % size;
	enum where where = where_is(q, entry);

	while (run < len && where != COMPRESSED) {
		next = entry_of(q, offset + run);
		if (where_is(q, next) != where)
			break;
		if (where == FILE_DATA && (next & QCOW2_OFFSET) != (entry & QCOW2_OFFSET) + size)
			break;
		entry = next;
		run += size;
	}
	return min_u64(run, len);
}

static void zero_part(struct part p)
{
	(void)iov_fill(p.iov, p.n_iov, p.pos, 0, p.len);
}

static int read_image(const struct qcow2 *q, struct part p, uint64_t offset);

static int read_below(const struct qcow2 *q, struct part p, uint64_t offset)
{
	struct part inside = p;

	inside.len = offset >= q->size ? 0 : (size_t)min_u64(p.len, q->size - offset);
	p.pos += inside.len;
	p.len -= inside.len;
	zero_part(p);
	return q->tables ? read_image(q, inside, offset) : read_file(q->fd, inside, offset);
}

/* Within the image. As deep as the chain of files, which is short. */
static int read_image(const struct qcow2 *q, struct part p, uint64_t offset)
{
	int ret = 0;

	while (p.len && !ret) {
		uint64_t entry = entry_of(q, offset);
		uint64_t within = offset & (BIT(q->cluster_bits) - 1);
		struct part run = p;

		run.len = (size_t)run_length(q, offset, p.len);
		switch (where_is(q, entry)) {
		case FILE_DATA: ret = read_file(q->fd, run, (entry & QCOW2_OFFSET) + within); break;
		case COMPRESSED: ret = read_compressed(q, entry, within, run); break;
		case BELOW: ret = read_below(q->backing, run, offset); break;
		case NOTHING: zero_part(run); break;
		}
		p.pos += run.len;
		p.len -= run.len;
		offset += run.len;
	}
	return ret;
}

uint64_t qcow2_size(const struct qcow2 *q)
{
	return q->size;
}

int qcow2_read(const struct qcow2 *q, const struct iovec *iov, unsigned n_iov, uint64_t offset)
{
	return read_below(q, (struct part){iov, n_iov, 0, iov_len(iov, n_iov)}, offset);
}
