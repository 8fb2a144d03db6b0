/* SPDX-License-Identifier: MIT */
/* Files are read straight into guest memory; only one byte more is asked for, to tell a file that
 * does not fit from one that just does. */
#include "boot/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "mem/gmem.h"

static int too_large(const char *path, uint64_t room, struct err *e)
{
	return err_set(e, -E2BIG,
		       "--initrd %s: is too large: %" PRIu64
		       " KiB of guest memory are free for it; give a larger --mem",
		       path ? path : "(files given with --file)", room >> 10);
}

static int read_file(int fd, const char *path, uint8_t *host, uint64_t room, size_t *len,
		     struct err *e)
{
	struct stat st;
	uint8_t more;
	ssize_t n;

	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (uint64_t)st.st_size > room)
		return too_large(path, room, e); /* before gigabytes of it are read */
	n = fd_read_full(fd, host, room);
	if (n < 0)
		return err_set(e, (int)n, "--initrd %s: cannot be read: %s", path,
			       strerror((int)-n));
	if (!n)
		return err_set(e, -EINVAL, "--initrd %s: is empty; get it again", path);
	*len = (size_t)n;
	if (*len == room && fd_read_full(fd, &more, 1) > 0)
		return too_large(path, room, e);
	return 0;
}

static int load_piece(const struct initrd_piece *p, uint8_t *host, uint64_t room, size_t *len,
		      struct err *e)
{
	int fd, err;

	if (!p->path) {
		if (p->len > room)
			return too_large(NULL, room, e);
		memcpy(host, p->data, p->len);
		*len = p->len;
		return 0;
	}
	fd = open(p->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "--initrd %s: cannot be opened: %s", p->path,
			       strerror(errno));
	err = read_file(fd, p->path, host, room, len, e);
	fd_close(&fd);
	return err;
}

int initrd_load(const struct gmem *m, uint64_t from, uint64_t to, const struct initrd_piece *pieces,
		unsigned n, uint64_t *start, uint64_t *end, struct err *e)
{
	uint64_t at = align_up(from, INITRD_ALIGN);

	*start = at;
	for (unsigned i = 0; i < n; i++) {
		uint64_t pad = -at & 3;
		uint64_t room = at + pad < to ? to - at - pad : 0;
		uint8_t *host = gmem_map(m, at, pad + room);
		size_t len = 0;
		int err;

		if (!room || !host)
			return too_large(pieces[i].path, 0, e);
		memset(host, 0, pad);
		err = load_piece(&pieces[i], host + pad, room, &len, e);
		if (err)
			return err;
		at += pad + len;
	}
	*end = at;
	gmem_note_write(m, *start, at - *start);
	return 0;
}
