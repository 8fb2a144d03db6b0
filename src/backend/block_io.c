/* SPDX-License-Identifier: MIT */
/*
 * Only whole requests succeed: what the kernel moves in part is continued. With O_DIRECT, data
 * whose memory is not aligned as the storage wants it goes through a buffer that is.
 *
 * Zeroes: first the call that keeps or frees the space as asked, then, where the file system does
 * not know it, plain writes. A discard that is not supported is done: it is only a hint.
 */
#include "backend/block_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/qcow2.h"
#include "base/bits.h"
#include "base/iov.h"

#define DIRECT_IOVS  1024 /* what the kernel takes in one call */
#define WINDOW_IOVS  64
#define BOUNCE_MAX   (1u << 20) /* bytes at a time through an aligned buffer */
#define BOUNCE_ALIGN 4096u      /* what any storage is content with */
#define ZEROES       (64u << 10)

/* ---- reads and writes ---- */

/* As many entries as fit of what lies behind the first `skip` bytes. */
static unsigned window(struct iovec *out, const struct iovec *iov, unsigned n, size_t skip)
{
	unsigned used = 0;

	for (unsigned i = 0; i < n && used < WINDOW_IOVS; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		out[used].iov_base = (char *)iov[i].iov_base + skip;
		out[used++].iov_len = iov[i].iov_len - skip;
		skip = 0;
	}
	return used;
}

static ssize_t move_once(int fd, const struct block_request *r, size_t done)
{
	struct iovec part[WINDOW_IOVS];
	const struct iovec *iov = r->iov;
	unsigned n = r->n_iov;
	off_t at = (off_t)(r->offset + done);

	if (done || n > DIRECT_IOVS) {
		n = window(part, r->iov, r->n_iov, done);
		iov = part;
	}
	return r->op == BLOCK_READ ? preadv(fd, iov, (int)n, at) : pwritev(fd, iov, (int)n, at);
}

static int move_all(const struct block_io *io, const struct block_request *r)
{
	size_t len = iov_len(r->iov, r->n_iov);
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = move_once(io->fd, r, done);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return r->op == BLOCK_READ ? -ENODATA : -EIO;
		if (n < 0)
			continue;
		done += (size_t)n;
		/* A direct read ends within a sector only at the end of the file. */
		if (io->mem_align && n % BLOCK_SECTOR)
			return r->op == BLOCK_READ ? -ENODATA : -EIO;
	}
	return 0;
}

static int bounce(const struct block_io *io, const struct block_request *r)
{
	size_t len = iov_len(r->iov, r->n_iov);
	struct iovec iov = {0};
	struct block_request part = {.op = r->op, .iov = &iov, .n_iov = 1};
	unsigned align = io->mem_align > BOUNCE_ALIGN ? io->mem_align : BOUNCE_ALIGN;
	int ret = -posix_memalign(&iov.iov_base, align, len < BOUNCE_MAX ? len : BOUNCE_MAX);

	for (size_t done = 0; done < len && !ret; done += iov.iov_len) {
		iov.iov_len = len - done < BOUNCE_MAX ? len - done : BOUNCE_MAX;
		part.offset = r->offset + done;
		if (r->op == BLOCK_WRITE)
			iov_to_buf(r->iov, r->n_iov, done, iov.iov_base, iov.iov_len);
		ret = move_all(io, &part);
		if (r->op == BLOCK_READ && !ret)
			iov_from_buf(r->iov, r->n_iov, done, iov.iov_base, iov.iov_len);
	}
	free(iov.iov_base);
	return ret;
}

static bool is_aligned(const struct block_io *io, const struct block_request *r)
{
	uintptr_t mask = io->mem_align ? io->mem_align - 1 : 0;
	uintptr_t bits = 0;

	for (unsigned i = 0; i < r->n_iov && mask; i++)
		bits |= (uintptr_t)r->iov[i].iov_base | r->iov[i].iov_len;
	return !(bits & mask);
}

bool block_io_fits(const struct block_io *io, const struct block_request *r)
{
	return !io->image && r->n_iov <= DIRECT_IOVS && is_aligned(io, r);
}

/* ---- ranges ---- */

static bool is_unsupported(int ret)
{
	return ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -ENOTTY || ret == -EINVAL;
}

static int change_range(const struct block_io *io, int mode, unsigned long ioctl_number,
			const struct block_request *r)
{
	uint64_t range[2] = {r->offset, r->length};
	int ret;

	do {
		if (io->device)
			ret = ioctl(io->fd, ioctl_number, range) < 0 ? -errno : 0;
		else
			ret = fallocate(io->fd, mode, (off_t)r->offset, (off_t)r->length) < 0
				      ? -errno
				      : 0;
	} while (ret == -EINTR);
	return ret;
}

static int discard(const struct block_io *io, const struct block_request *r)
{
	int ret = change_range(io, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLKDISCARD, r);

	return is_unsupported(ret) ? 0 : ret;
}

static int write_zeroes(const struct block_io *io, const struct block_request *r)
{
	struct iovec iov = {0};
	struct block_request part = {.op = BLOCK_WRITE, .iov = &iov, .n_iov = 1};
	int ret = -posix_memalign(&iov.iov_base, BOUNCE_ALIGN, ZEROES);

	if (ret)
		return ret;
	iov.iov_len = ZEROES;
	iov_fill(&iov, 1, 0, 0, ZEROES);
	for (uint64_t done = 0; done < r->length && !ret; done += iov.iov_len) {
		iov.iov_len = (size_t)min_u64(r->length - done, ZEROES);
		part.offset = r->offset + done;
		ret = move_all(io, &part);
	}
	free(iov.iov_base);
	return ret;
}

static int zero(const struct block_io *io, const struct block_request *r)
{
	int ret = -EOPNOTSUPP;

	/* A device decides itself whether it can free the space of what reads as zero. */
	if (r->unmap && !io->device)
		ret = change_range(io, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, r);
	if (is_unsupported(ret))
		ret = change_range(io, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, BLKZEROOUT, r);
	return is_unsupported(ret) ? write_zeroes(io, r) : ret;
}

int block_io_execute(const struct block_io *io, const struct block_request *r)
{
	if (r->op != BLOCK_FLUSH && !block_request_len(r))
		return 0;
	switch (r->op) {
	case BLOCK_READ:
		if (io->image)
			return qcow2_read(io->image, r->iov, r->n_iov, r->offset);
		return is_aligned(io, r) ? move_all(io, r) : bounce(io, r);
	case BLOCK_WRITE: return is_aligned(io, r) ? move_all(io, r) : bounce(io, r);
	case BLOCK_DISCARD: return discard(io, r);
	case BLOCK_ZERO: return zero(io, r);
	case BLOCK_FLUSH: break;
	}
	return io->no_flush || !fdatasync(io->fd) ? 0 : -errno;
}
