/* SPDX-License-Identifier: MIT */
/*
 * Opening an image: each way it can fail has a message of its own. What comes out is a block_fd
 * over the image and, for a snapshot, a block_snapshot over that one and a block_fd over a
 * nameless temporary file.
 */
#include "backend/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/block_fd.h"
#include "backend/block_snapshot.h"
#include "backend/block_uring.h"
#include "backend/qcow2.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"

#define SECTOR     512
#define DIRECT_MAX 4096 /* no storage wants memory aligned to more */

/* Non-blocking only so that opening a FIFO returns; disks do not know the flag. */
#define OPEN_FLAGS (O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static bool opens_writable(const struct block_file_config *c)
{
	return !c->read_only && !c->snapshot;
}

static int open_error(const struct block_file_config *c, int code, struct err *e)
{
	bool readable = opens_writable(c) && !faccessat(AT_FDCWD, c->path, R_OK, AT_EACCESS);

	switch (code) {
	case ENOENT:
		return err_set(e, -code,
			       "--disk %s: no such file; to make an empty disk: truncate -s 1G "
			       "FILE",
			       c->path);
	case EACCES:
	case EPERM:
	case EROFS:
		if (readable)
			return err_set(e, -EACCES,
				       "--disk %s: may be read but not written; add ro=on, or "
				       "snapshot=on to drop what is written",
				       c->path);
		return err_set(e, -EACCES,
			       "--disk %s: may not be read by this user; see ls -l and chmod",
			       c->path);
	case EISDIR:
		return err_set(e, -code, "--disk %s: is a directory; name a disk image in it",
			       c->path);
	default:
		return err_set(e, -code, "--disk %s: cannot be opened: %s", c->path,
			       strerror(code));
	}
}

/* What fd is open on and its size in bytes, if that can be a disk at all. */
static int find_size(const struct block_file_config *c, struct block_fd_config *fc, struct err *e)
{
	int fd = fc->fd;
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "--disk %s: %s", c->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return open_error(c, EISDIR, e);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, -EINVAL,
			       "--disk %s: is neither a file nor a block device; name a disk image",
			       c->path);
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return err_set(e, -errno, "--disk %s: its size cannot be found: %s", c->path,
			       strerror(errno));
	if (end < SECTOR)
		return err_set(e, -EINVAL,
			       "--disk %s: is empty (%jd bytes); give it a size, such as: truncate "
			       "-s 1G FILE",
			       c->path, (intmax_t)end);
	fc->device = S_ISBLK(st.st_mode);
	fc->size = (uint64_t)end & ~(uint64_t)(SECTOR - 1);
	if (fc->size != (uint64_t)end && c->format == BLOCK_FILE_RAW)
		log_warn("--disk %s: its size of %jd bytes is no multiple of %d; the last %d are "
			 "not part of the disk",
			 c->path, (intmax_t)end, SECTOR, (int)(end % SECTOR));
	return 0;
}

/*
 * The lock hangs on a description of the file of its own: io_uring keeps the one it works with for
 * a while after the process was killed, and the next one would find the image in use.
 */
static int lock_image(const struct block_file_config *c, struct block_fd_config *fc, struct err *e)
{
	struct flock lock = {
		.l_type = opens_writable(c) ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET, /* with l_len 0: all of it, however it grows */
	};
	struct stat a, b;

	fc->lock_fd = open(c->path, OPEN_FLAGS | (fc->read_only ? O_RDONLY : O_RDWR));
	if (fc->lock_fd < 0)
		return open_error(c, errno, e);
	if (fstat(fc->fd, &a) < 0 || fstat(fc->lock_fd, &b) < 0)
		return err_set(e, -errno, "--disk %s: %s", c->path, strerror(errno));
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return err_set(e, -EBUSY,
			       "--disk %s: was replaced by another file just now; try again",
			       c->path);
	if (!fcntl(fc->lock_fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(e, -EBUSY,
			       "--disk %s: is in use by another machine or program (or given "
			       "twice); end that, or open it on both sides with ro=on or "
			       "snapshot=on",
			       c->path);
	log_warn("--disk %s: cannot be locked (%s); see to it yourself that nothing else writes it",
		 c->path, strerror(errno));
	return 0;
}

/* Looks into the file as far as its format asks for. That is never guessed: the guest of a raw disk
 * could write what looks like another format, and name files of the host's in it. */
static int open_format(const struct block_file_config *c, struct block_fd_config *fc, struct err *e)
{
	int ret;

	if (c->format == BLOCK_FILE_RAW) {
		if (qcow2_is_magic(fc->fd))
			log_warn("--disk %s: looks like a qcow2 image and is taken as a raw one; "
				 "if that is not meant, add format=qcow2",
				 c->path);
		return 0;
	}
	if (opens_writable(c))
		return err_set(e, -EINVAL,
			       "--disk %s,format=qcow2: such images are only read; add "
			       "snapshot=on (what is written is gone after the run) or ro=on",
			       c->path);
	if (c->cache == BLOCK_FILE_DIRECT)
		return err_set(e, -EINVAL,
			       "--disk %s,format=qcow2: not with cache=none; use cache=writeback",
			       c->path);
	ret = qcow2_open(c->path, fc->fd, &fc->image, e);
	if (!ret)
		fc->size = qcow2_size(fc->image) & ~(uint64_t)(SECTOR - 1);
	return ret;
}

/* Tries out what O_DIRECT wants here. Storage with sectors of more than 512 bytes cannot serve a
 * disk whose sectors have 512. */
static int find_alignment(const struct block_file_config *c, struct block_fd_config *fc,
			  struct err *e)
{
	uint8_t *buf = aligned_alloc(DIRECT_MAX, 2ul * DIRECT_MAX);
	unsigned align = SECTOR;
	ssize_t n = -1;

	if (!buf)
		return err_set(e, -ENOMEM, "--disk %s: not enough memory", c->path);
	while (align <= DIRECT_MAX) {
		n = pread(fc->fd, buf + align % DIRECT_MAX, SECTOR, (off_t)(fc->size - SECTOR));
		if (n >= 0 || errno != EINVAL)
			break;
		align *= 2;
	}
	free(buf);
	if (align > DIRECT_MAX)
		return err_set(e, -EINVAL,
			       "--disk %s,cache=none: its storage has sectors of more than %d "
			       "bytes; use cache=writeback",
			       c->path, SECTOR);
	fc->mem_align = align;
	return 0;
}

static int open_image(const struct block_file_config *c, struct block_fd_config *fc, struct err *e)
{
	fc->fd = open(c->path, OPEN_FLAGS | (fc->read_only ? O_RDONLY : O_RDWR));
	if (fc->fd < 0)
		return open_error(c, errno, e);
	if (c->cache != BLOCK_FILE_DIRECT || !fcntl(fc->fd, F_SETFL, O_NONBLOCK | O_DIRECT))
		return 0;
	return err_set(e, -EINVAL,
		       "--disk %s,cache=none: its file system has no O_DIRECT (%s); use "
		       "cache=writeback",
		       c->path, strerror(errno));
}

/* Whether requests go through io_uring. */
static int choose_io(const struct block_file_config *c, struct block_fd_config *fc, struct err *e)
{
	int ret;

	if (c->io == BLOCK_FILE_THREADS || c->sync)
		return 0;
	ret = block_uring_probe();
	if (ret && c->io == BLOCK_FILE_URING)
		return err_set(e, ret,
			       "--disk %s,io=uring: this host has no io_uring for us (%s; see "
			       "/proc/sys/kernel/io_uring_disabled); use io=auto",
			       c->path, strerror(-ret));
	if (ret && c->verbose)
		log_warn("--disk %s: no io_uring (%s), threads are used", c->path, strerror(-ret));
	fc->uring = !ret;
	return 0;
}

/* A file without a name. Where the file system cannot make one, a named one loses its name. */
static int open_temporary(const char *dir)
{
	char name[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	int n;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd < 0 ? -errno : fd;
	n = snprintf(name, sizeof(name), "%s/linnet-XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof(name))
		return -ENAMETOOLONG;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(name);
	return fd;
}

/* Puts a snapshot over *block, which it takes over on success. */
static int add_snapshot(const struct block_file_config *c, bool uring, struct block **block,
			struct err *e)
{
	const char *from_env = getenv("TMPDIR");
	const char *dir = c->temp_dir ? c->temp_dir : from_env && *from_env ? from_env : "/var/tmp";
	struct block_fd_config config = {
		.name = c->path,
		.lock_fd = -1,
		.size = (*block)->size,
		.sync = c->sync,
		.uring = uring,
		.no_flush = true,
	};
	struct block *overlay;
	int ret;

	config.fd = open_temporary(dir);
	if (config.fd < 0)
		return err_set(
			e, config.fd,
			"--disk %s,snapshot=on: no temporary file in %s: %s; set TMPDIR to a "
			"folder with room",
			c->path, dir, strerror(-config.fd));
	/* A hole as long as the disk, so that all of it can be read. */
	ret = ftruncate(config.fd, (off_t)config.size) < 0 ? -errno : 0;
	if (!ret)
		ret = block_fd_new(&config, &overlay);
	if (ret) {
		fd_close(&config.fd);
		return err_set(e, ret, "--disk %s,snapshot=on: a temporary file in %s: %s", c->path,
			       dir, strerror(-ret));
	}
	ret = block_snapshot_new(*block, overlay, c->read_only, block);
	if (ret) {
		overlay->ops->free(overlay);
		return err_set(e, ret, "--disk %s: not enough memory", c->path);
	}
	return 0;
}

int block_file_open(const struct block_file_config *config, struct block **out, struct err *e)
{
	struct block_fd_config fc = {
		.name = config->path,
		.fd = -1,
		.lock_fd = -1,
		.read_only = !opens_writable(config),
		.sync = config->sync,
		.no_flush = config->cache == BLOCK_FILE_UNSAFE,
	};
	int ret;

	ret = open_image(config, &fc, e);
	if (ret)
		goto fail;
	ret = find_size(config, &fc, e);
	if (ret)
		goto fail;
	ret = lock_image(config, &fc, e);
	if (ret)
		goto fail;
	ret = open_format(config, &fc, e);
	if (!ret && config->cache == BLOCK_FILE_DIRECT)
		ret = find_alignment(config, &fc, e);
	if (!ret)
		ret = choose_io(config, &fc, e);
	if (ret)
		goto fail;
	ret = block_fd_new(&fc, out);
	if (ret) {
		(void)err_set(e, ret, "--disk %s: not enough memory", config->path);
		goto fail;
	}
	if (!config->snapshot)
		return 0;
	ret = add_snapshot(config, fc.uring, out, e);
	if (ret)
		(*out)->ops->free(*out);
	return ret;
fail:
	qcow2_free(fc.image);
	fd_close(&fc.lock_fd);
	fd_close(&fc.fd);
	return ret;
}
