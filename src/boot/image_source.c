/* SPDX-License-Identifier: MIT */
/*
 * A plain file is read with pread(), straight to where its bytes belong. A packed one is a stream
 * through a small input buffer: it only goes forward, and its head is kept because everybody has to
 * look at it before they know what to read next.
 */
#include "boot/image_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "boot/unpack.h"

struct unpacker {
	const struct unpack_type *type;
	void *state;
	bool ended;
	uint64_t in_offset;  /* in the file: what to read next */
	uint64_t out_offset; /* in the unpacked image: what comes next */
	const uint8_t *next; /* what is left of in[] */
	size_t left;
	uint8_t in[65536];
};

/* pread() until len or the end of the file. The number read or -errno. */
static ssize_t pread_full(int fd, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int read_failed(const struct image_source *s, int code, struct err *e)
{
	return err_set(e, code, "%s %s: cannot be read: %s", s->option, s->path, strerror(-code));
}

static int refill(struct image_source *s, struct err *e)
{
	struct unpacker *u = s->unpacker;
	ssize_t n = pread_full(s->fd, u->in, sizeof(u->in), u->in_offset);

	if (n < 0)
		return read_failed(s, (int)n, e);
	if (n == 0)
		return err_set(e, -EINVAL,
			       "%s %s: is truncated: its %s data ends early; get it again",
			       s->option, s->path, u->type->name);
	u->in_offset += (uint64_t)n;
	u->next = u->in;
	u->left = (size_t)n;
	return 0;
}

/* The next len bytes of the stream. */
static int unpack_next(struct image_source *s, uint8_t *buf, size_t len, size_t *got, struct err *e)
{
	struct unpacker *u = s->unpacker;
	const char *why = NULL;
	size_t done = 0;
	int err;

	while (done < len && !u->ended) {
		struct unpack_piece p = {u->next, u->left, buf + done, len - done};
		bool idle;

		if (u->type->step(u->state, &p, &u->ended, &why))
			return err_set(e, -EINVAL, "%s %s: is damaged: %s; get it again", s->option,
				       s->path, why);
		idle = p.in == u->next && p.out_len == len - done;
		u->out_offset += len - done - p.out_len;
		done = len - p.out_len;
		u->next = p.in;
		u->left = p.in_len;
		/* Only then it has nothing more of its own to give. */
		if (idle && !u->ended) {
			err = refill(s, e);
			if (err)
				return err;
		}
	}
	*got = done;
	return 0;
}

static int skip_to(struct image_source *s, uint64_t offset, struct err *e)
{
	uint8_t scratch[4096];
	size_t got = 1;
	int err;

	if (offset < s->unpacker->out_offset)
		return err_set(e, -ESPIPE, "%s %s: its parts are out of order; unpack it first",
			       s->option, s->path);
	while (got && s->unpacker->out_offset < offset) {
		size_t n = min_u64(offset - s->unpacker->out_offset, sizeof(scratch));

		err = unpack_next(s, scratch, n, &got, e);
		if (err)
			return err;
	}
	return 0;
}

int image_source_read(struct image_source *s, uint64_t offset, void *buf, size_t len, size_t *got,
		      struct err *e)
{
	uint8_t *p = buf;
	size_t from_head = 0;
	ssize_t n;
	int err;

	*got = 0;
	if (offset < s->head_len) {
		from_head = min_u64(len, s->head_len - offset);
		memcpy(p, s->head + offset, from_head);
		*got = from_head;
	}
	if (from_head == len || offset + from_head < offset)
		return 0;
	p += from_head;
	len -= from_head;
	offset += from_head;
	if (s->unpacker) {
		err = skip_to(s, offset, e);
		if (!err)
			err = unpack_next(s, p, len, &len, e);
		if (err)
			return err;
		*got += len;
		return 0;
	}
	if (offset >= s->size)
		return 0;
	n = pread_full(s->fd, p, len, offset);
	if (n < 0)
		return read_failed(s, (int)n, e);
	*got += (size_t)n;
	return 0;
}

int image_source_unpack(struct image_source *s, const struct unpack_type *type, uint64_t offset,
			struct err *e)
{
	struct unpacker *u = calloc(1, sizeof(*u));

	if (!u || type->new (&u->state)) {
		free(u);
		return err_set(e, -ENOMEM, "%s %s: no memory to unpack it", s->option, s->path);
	}
	u->type = type;
	u->next = u->in;
	u->in_offset = offset;
	s->unpacker = u;
	s->head_len = 0;
	return unpack_next(s, s->head, sizeof(s->head), &s->head_len, e);
}

static int check_file(struct image_source *s, struct err *e)
{
	struct stat st;

	if (fstat(s->fd, &st))
		return read_failed(s, -errno, e);
	if (S_ISDIR(st.st_mode))
		return err_set(e, -EISDIR, "%s %s: is a directory; give a file", s->option,
			       s->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s %s: is no regular file; copy it to one", s->option,
			       s->path);
	if (!st.st_size)
		return err_set(e, -EINVAL, "%s %s: is empty; get it again", s->option, s->path);
	s->size = (uint64_t)st.st_size;
	return 0;
}

int image_source_open(struct image_source *s, const char *option, const char *path, struct err *e)
{
	ssize_t n;
	int err;

	*s = (struct image_source){.option = option, .path = path};
	/* Not to hang on a FIFO before it can be refused. */
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0)
		return err_set(e, -errno, "%s %s: cannot be opened: %s", option, path,
			       strerror(errno));
	err = check_file(s, e);
	if (err)
		return err;
	n = pread_full(s->fd, s->head, sizeof(s->head), 0);
	if (n < 0)
		return read_failed(s, (int)n, e);
	s->head_len = (size_t)n;
	return 0;
}

void image_source_close(struct image_source *s)
{
	if (s->unpacker)
		s->unpacker->type->free(s->unpacker->state);
	free(s->unpacker);
	s->unpacker = NULL;
	fd_close(&s->fd);
}
