/* SPDX-License-Identifier: MIT */
/* The keys of a disk; what its image is like is seen when it is opened. */
#include "cmd/run_disk.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "dev/blk.h"
#include "machine/iothreads.h"

/* In the order of enum block_file_format, block_file_cache and block_file_io. */
static const char *const disk_formats[] = {"raw", "qcow2", NULL};
static const char *const disk_caches[] = {"writeback", "none", "unsafe", NULL};
static const char *const disk_ios[] = {"auto", "uring", "threads", NULL};

const struct opt run_disk_keys[] = {
	{.name = "path", .arg = "F", .kind = OPT_STRING, .offset = offsetof(struct run_disk, path)},
	{.name = "serial", .kind = OPT_STRING, .offset = offsetof(struct run_disk, serial)},
	{.name = "ro", .kind = OPT_BOOL, .offset = offsetof(struct run_disk, read_only)},
	{.name = "snapshot", .kind = OPT_BOOL, .offset = offsetof(struct run_disk, snapshot)},
	{.name = "format",
	 .kind = OPT_CHOICE,
	 .choices = disk_formats,
	 .offset = offsetof(struct run_disk, format)},
	{.name = "cache",
	 .kind = OPT_CHOICE,
	 .choices = disk_caches,
	 .offset = offsetof(struct run_disk, cache)},
	{.name = "io",
	 .kind = OPT_CHOICE,
	 .choices = disk_ios,
	 .offset = offsetof(struct run_disk, io)},
	{.name = "queues",
	 .kind = OPT_UINT,
	 .min = 1,
	 .max = BLK_QUEUES_MAX,
	 .offset = offsetof(struct run_disk, queues)},
	{.name = "iothread",
	 .kind = OPT_UINT,
	 .max = IOTHREADS_MAX - 1,
	 .offset = offsetof(struct run_disk, iothread)},
	{0},
};

int run_disk_parse(struct run_disk *d, const char *label, char *value, struct err *e)
{
	int ret;

	*d = (struct run_disk){.iothread = IOTHREADS_ANY};
	ret = opt_parse_list(run_disk_keys, d, label, value, "path", e);
	if (ret)
		return ret;
	if (!d->path || !*d->path)
		return err_set(e, -EINVAL, "%sneeds the image's path: path=FILE", label);
	if (d->serial && strlen(d->serial) > 20)
		return err_set(e, -EINVAL, "%sserial=%s: at most 20 characters", label, d->serial);
	return 0;
}
