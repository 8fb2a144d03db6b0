/* SPDX-License-Identifier: MIT */
/* The file is read once and written through: a chip is small, and a guest may not wait for what is
 * not in the host's cache. */
#include "backend/chip_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/opt.h"

static int open_error(const struct chip_file_config *cfg, int error, struct err *e)
{
	const char *label = cfg->label, *path = cfg->path;
	char size[OPT_SIZE_TEXT];

	switch (error) {
	case ENOENT:
		opt_format_size(cfg->max, size);
		return err_set(e, -error,
			       "%s,path=%s: there is no such file; make an erased chip: head -c %s "
			       "/dev/zero | tr '\\0' '\\377' >%s",
			       label, path, size, path);
	case EACCES:
	case EROFS:
		return err_set(e, -error, "%s,path=%s: cannot be %s%s", label, path,
			       cfg->read_only ? "read" : "written",
			       cfg->read_only ? "; change its rights" : "; add ro=on");
	default: return err_set(e, -error, "%s,path=%s: %s", label, path, strerror(error));
	}
}

static int check_size(const struct chip_file_config *cfg, const struct stat *st, struct err *e)
{
	char min[OPT_SIZE_TEXT], max[OPT_SIZE_TEXT];
	uint64_t size = (uint64_t)st->st_size;

	if (!S_ISREG(st->st_mode))
		return err_set(e, -EINVAL, "%s,path=%s: is no file; name one", cfg->label,
			       cfg->path);
	if (is_power_of_two(size) && size >= cfg->min && size <= cfg->max)
		return 0;
	opt_format_size(cfg->min, min);
	opt_format_size(cfg->max, max);
	return err_set(e, -EINVAL,
		       "%s,path=%s: has %llu bytes; such a chip has a power of two, %s to %s: see "
		       "truncate -s",
		       cfg->label, cfg->path, (unsigned long long)size, min, max);
}

static int load(struct chip_file *c, const struct chip_file_config *cfg, struct err *e)
{
	struct flock lock = {.l_type = cfg->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;
	ssize_t n;
	int ret;

	if (fstat(c->fd, &st))
		return open_error(cfg, errno, e);
	ret = check_size(cfg, &st, e);
	if (ret)
		return ret;
	if (fcntl(c->fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES))
		return err_set(e, -EBUSY,
			       "%s,path=%s: is in use by another chip; give each a file of its own",
			       cfg->label, cfg->path);
	c->size = (size_t)st.st_size;
	c->data = malloc(c->size);
	if (!c->data)
		return err_set(e, -ENOMEM, "out of memory");
	n = fd_read_full(c->fd, c->data, c->size);
	if (n < 0)
		return open_error(cfg, (int)-n, e);
	memset(c->data + n, 0xff, c->size - (size_t)n);
	return 0;
}

int chip_file_open(struct chip_file *c, const struct chip_file_config *cfg, struct err *e)
{
	int ret;

	*c = (struct chip_file){.read_only = cfg->read_only, .path = cfg->path};
	c->fd = open(cfg->path, (cfg->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (c->fd < 0) {
		ret = open_error(cfg, errno, e);
		*c = (struct chip_file){0};
		return ret;
	}
	ret = load(c, cfg, e);
	if (ret)
		chip_file_close(c);
	return ret;
}

void chip_file_changed(struct chip_file *c, size_t offset, size_t len)
{
	while (len && !c->failed) {
		ssize_t n = pwrite(c->fd, c->data + offset, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			c->failed = true;
			log_warn("%s: cannot be written (%s): what the guest changes from here on "
				 "is lost",
				 c->path, strerror(n ? errno : EIO));
			return;
		}
		offset += (size_t)n;
		len -= (size_t)n;
	}
}

void chip_file_close(struct chip_file *c)
{
	if (c->data || c->size || c->path)
		fd_close(&c->fd);
	free(c->data);
	*c = (struct chip_file){0};
}
