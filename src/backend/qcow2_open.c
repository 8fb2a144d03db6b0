/* SPDX-License-Identifier: MIT */
/*
 * The file begins with a header, big-endian as all numbers; the L1 table lies where that says and
 * names the L2 tables, which name the clusters. All of it comes from outside: each number is
 * compared with the file's size before it is used for anything, and what the tables may take of
 * memory is bounded.
 *
 * The format of a backing file is never guessed. Whoever may write a raw disk could else make it
 * look like an image that names any file of the host's as its backing file.
 */
#include "backend/qcow2.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/qcow2_image.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/fd.h"

#define MAGIC          0x514649fbu
#define HEADER_V2      72u
#define HEADER_MAX     112u
#define DEPTH_MAX      16u
#define TABLES_MAX     (256ull << 20) /* bytes of L1 and L2 tables of one file */
#define NAME_MAX_BYTES 1023u
#define EXT_END        0u
#define EXT_FORMAT     0xe2792acau
#define FORMAT_MAX     15u

/* Incompatible features (version 3). A dirty image's tables are right, only its counts are not. */
#define FEATURE_DIRTY       BIT(0)
#define FEATURE_COMPRESSION BIT(3)

struct header {
	unsigned version, cluster_bits, length;
	uint64_t size, l1_offset, l1_size;
	uint64_t backing_offset, features;
	uint32_t backing_len, encryption;
	uint8_t compression;
	char format[FORMAT_MAX + 1]; /* of the backing file; empty: not told */
};

static uint32_t be32(const uint8_t *p)
{
	return __builtin_bswap32(le32_load(p));
}

static uint64_t be64(const uint8_t *p)
{
	return __builtin_bswap64(le64_load(p));
}

/* Exactly len bytes. 0, -EINVAL when the file has not that many there, or -errno. */
static int read_at(int fd, uint64_t at, void *buf, size_t len)
{
	size_t done = 0;

	if (at > INT64_MAX - len)
		return -EINVAL;
	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EINVAL;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

bool qcow2_is_magic(int fd)
{
	uint8_t magic[4];

	return !read_at(fd, 0, magic, sizeof(magic)) && be32(magic) == MAGIC;
}

/* ---- the header ---- */

static int broken(const char *path, const char *what, struct err *e)
{
	(void)err_set(e, -EINVAL,
		      "--disk %s: is no sound qcow2 image (%s); see qemu-img check, or, if it is "
		      "a raw one, use format=raw",
		      path, what);
	return -EINVAL;
}

static int unsupported(const char *path, const char *what, struct err *e)
{
	(void)err_set(e, -ENOTSUP,
		      "--disk %s: %s is not supported; convert it: qemu-img convert -O qcow2 OLD "
		      "NEW",
		      path, what);
	return -ENOTSUP;
}

static int read_header(const char *path, int fd, struct header *h, struct err *e)
{
	uint8_t b[HEADER_MAX] = {0};

	if (read_at(fd, 0, b, HEADER_V2) || be32(b) != MAGIC)
		return broken(path, "no header", e);
	*h = (struct header){
		.version = be32(b + 4),
		.backing_offset = be64(b + 8),
		.backing_len = be32(b + 16),
		.cluster_bits = be32(b + 20),
		.size = be64(b + 24),
		.encryption = be32(b + 32),
		.l1_size = be32(b + 36),
		.l1_offset = be64(b + 40),
		.length = HEADER_V2,
	};
	if (h->version < 2 || h->version > 3)
		return unsupported(path, "this version of the format", e);
	if (h->version == 3) {
		if (read_at(fd, HEADER_V2, b + HEADER_V2, 104 - HEADER_V2))
			return broken(path, "half a header", e);
		h->features = be64(b + 72);
		h->length = be32(b + 100);
		if (h->length < 104 || h->length % 8 || h->length > 4096)
			return broken(path, "the header's length", e);
		if (h->length > 104 && read_at(fd, 104, b + 104, 8))
			return broken(path, "half a header", e);
		h->compression = b[104];
	}
	return 0;
}

static int check_header(const char *path, const struct header *h, struct err *e)
{
	uint64_t l1_needed;

	if (h->encryption)
		return unsupported(path, "encryption", e);
	if (h->features & ~(FEATURE_DIRTY | FEATURE_COMPRESSION))
		return unsupported(path, "a feature it uses (or it is marked as corrupt)", e);
	if (h->features & FEATURE_COMPRESSION && h->compression)
		return unsupported(path, "compression other than zlib", e);
	if (h->cluster_bits < 9 || h->cluster_bits > 21)
		return broken(path, "the size of clusters", e);
	if (h->size < 512 || h->size > BIT(56))
		return broken(path, "the size of the disk", e);
	if (h->backing_len > NAME_MAX_BYTES)
		return broken(path, "the name of the backing file", e);
	l1_needed = (h->size - 1) >> (2 * h->cluster_bits - 3);
	if (h->l1_size <= l1_needed || h->l1_offset & (BIT(h->cluster_bits) - 1))
		return broken(path, "the L1 table", e);
	if (l1_needed >= TABLES_MAX / 8)
		return unsupported(path, "so large a disk with so small clusters", e);
	return 0;
}

/* The backing file's format is an extension of the header. */
static int read_extensions(const char *path, int fd, struct header *h, struct err *e)
{
	uint64_t at = h->length;
	uint64_t end = h->backing_offset ? h->backing_offset : BIT(h->cluster_bits);

	while (at + 8 <= end && at < BIT(h->cluster_bits)) {
		uint8_t b[8];
		uint32_t type, len;

		if (read_at(fd, at, b, sizeof(b)))
			return broken(path, "the header's extensions", e);
		type = be32(b);
		len = be32(b + 4);
		at += 8;
		if (type == EXT_END)
			break;
		if (len > end - at)
			return broken(path, "the header's extensions", e);
		if (type == EXT_FORMAT) {
			if (len > FORMAT_MAX || read_at(fd, at, h->format, len))
				return broken(path, "the format of the backing file", e);
			h->format[len] = '\0';
		}
		at += align_up(len, 8);
	}
	return 0;
}

/* ---- the tables ---- */

static int read_table(const char *path, const struct qcow2 *q, uint64_t offset, uint64_t *table,
		      size_t n, struct err *e)
{
	int ret = read_at(q->fd, offset, table, n * 8);

	if (ret == -EINVAL)
		return broken(path, "a table behind the end of the file", e);
	if (ret)
		return err_set(e, ret, "--disk %s: cannot be read: %s", path, strerror(-ret));
	for (size_t i = 0; i < n; i++)
		table[i] = __builtin_bswap64(table[i]);
	return 0;
}

static bool entries_sound(const struct qcow2 *q, const uint64_t *table, size_t n)
{
	uint64_t mask = BIT(q->cluster_bits) - 1;

	for (size_t i = 0; i < n; i++)
		if (!(table[i] & QCOW2_COMPRESSED) && table[i] & QCOW2_OFFSET & mask)
			return false;
	return true;
}

static int read_l2(const char *path, struct qcow2 *q, const uint64_t *l1, struct err *e)
{
	size_t n = (size_t)BIT(q->cluster_bits - 3);
	uint64_t bytes = q->n_tables * 8;
	int ret = 0;

	for (uint64_t i = 0; i < q->n_tables && !ret; i++) {
		uint64_t offset = l1[i] & QCOW2_OFFSET;

		if (!offset)
			continue;
		bytes += n * 8;
		if (bytes > TABLES_MAX)
			return unsupported(path, "tables of more than 256 MiB", e);
		if (offset & (BIT(q->cluster_bits) - 1))
			return broken(path, "an entry of the L1 table", e);
		q->tables[i] = malloc(n * 8);
		if (!q->tables[i])
			return err_set(e, -ENOMEM, "--disk %s: not enough memory", path);
		ret = read_table(path, q, offset, q->tables[i], n, e);
		if (!ret && !entries_sound(q, q->tables[i], n))
			ret = broken(path, "an entry of an L2 table", e);
	}
	return ret;
}

static int read_tables(const char *path, struct qcow2 *q, const struct header *h, struct err *e)
{
	uint64_t n = ((h->size - 1) >> (2 * h->cluster_bits - 3)) + 1;
	uint64_t *l1 = calloc(n, sizeof(*l1));
	int ret;

	q->tables = calloc(n, sizeof(*q->tables));
	if (!l1 || !q->tables) {
		free(l1);
		return err_set(e, -ENOMEM, "--disk %s: not enough memory", path);
	}
	q->n_tables = n;
	ret = read_table(path, q, h->l1_offset, l1, n, e);
	if (!ret)
		ret = read_l2(path, q, l1, e);
	free(l1);
	return ret;
}

/* ---- the chain ---- */

static int open_layer(const char *path, int fd, bool raw, unsigned depth, struct qcow2 **out,
		      struct err *e);

static int open_file(const char *path, const char *of, int *fd, struct err *e)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct stat st;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0)
		return err_set(e, -errno, "--disk %s: its backing file %s cannot be opened: %s", of,
			       path, strerror(errno));
	if (fstat(*fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return err_set(e, -EINVAL,
			       "--disk %s: its backing file %s is neither a file nor a block "
			       "device",
			       of, path);
	if (fcntl(*fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES))
		return err_set(e, -EBUSY, "--disk %s: its backing file %s is in use by a writer",
			       of, path);
	return 0;
}

/* Where a name in the header of `of` leads: relative ones are so to its folder. */
static int backing_path(const char *of, const char *name, char *out, size_t max, struct err *e)
{
	const char *slash = *name == '/' ? NULL : strrchr(of, '/');
	int n;

	if (!strncmp(name, "json:", 5) || strstr(name, "://"))
		return unsupported(of, "a backing file that is not a plain file", e);
	n = snprintf(out, max, "%.*s%s", slash ? (int)(slash + 1 - of) : 0, of, name);
	if (n < 0 || (size_t)n >= max)
		return broken(of, "the name of the backing file", e);
	return 0;
}

static int open_backing(const char *path, struct qcow2 *q, const struct header *h, unsigned depth,
			struct err *e)
{
	char name[NAME_MAX_BYTES + 1] = {0}, at[4096];
	bool raw = !strcmp(h->format, "raw");
	int fd = -1, ret;

	if (read_at(q->fd, h->backing_offset, name, h->backing_len) || !*name)
		return broken(path, "the name of the backing file", e);
	if (!raw && strcmp(h->format, "qcow2") != 0)
		return err_set(e, -ENOTSUP,
			       "--disk %s: %s of its backing file; say which one it is: qemu-img "
			       "rebase -u -b %s -F raw|qcow2 %s",
			       path,
			       *h->format ? "unsupported format" : "it does not name the format",
			       name, path);
	if (depth == DEPTH_MAX)
		return unsupported(path, "a chain of more than 16 backing files", e);
	ret = backing_path(path, name, at, sizeof(at), e);
	if (!ret)
		ret = open_file(at, path, &fd, e);
	if (!ret)
		ret = open_layer(at, fd, raw, depth + 1, &q->backing, e);
	if (ret)
		fd_close(&fd);
	return ret;
}

static int open_image(const char *path, struct qcow2 *q, unsigned depth, struct err *e)
{
	struct header h = {0};
	int ret = read_header(path, q->fd, &h, e);

	if (!ret)
		ret = check_header(path, &h, e);
	if (!ret)
		ret = read_extensions(path, q->fd, &h, e);
	if (ret)
		return ret;
	q->version = h.version;
	q->cluster_bits = h.cluster_bits;
	q->size = h.size;
	ret = read_tables(path, q, &h, e);
	if (!ret && h.backing_offset && h.backing_len)
		ret = open_backing(path, q, &h, depth, e);
	return ret;
}

static int open_layer(const char *path, int fd, bool raw, unsigned depth, struct qcow2 **out,
		      struct err *e)
{
	struct qcow2 *q = calloc(1, sizeof(*q));
	int ret = 0;

	if (!q)
		return err_set(e, -ENOMEM, "--disk %s: not enough memory", path);
	q->fd = fd;
	if (raw) {
		off_t end = lseek(fd, 0, SEEK_END);

		if (end < 0)
			ret = err_set(e, -errno, "--disk %s: its size cannot be found: %s", path,
				      strerror(errno));
		q->size = end < 0 ? 0 : (uint64_t)end;
	} else {
		ret = open_image(path, q, depth, e);
	}
	if (ret) {
		qcow2_free(q);
		return ret;
	}
	q->owns_fd = depth > 0;
	*out = q;
	return 0;
}

int qcow2_open(const char *path, int fd, struct qcow2 **out, struct err *e)
{
	return open_layer(path, fd, false, 0, out, e);
}

void qcow2_free(struct qcow2 *q)
{
	while (q) {
		struct qcow2 *below = q->backing;

		for (uint64_t i = 0; i < q->n_tables; i++)
			free(q->tables[i]);
		free(q->tables);
		if (q->owns_fd)
			fd_close(&q->fd);
		free(q);
		q = below;
	}
}
