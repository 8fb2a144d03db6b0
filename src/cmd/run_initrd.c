/* SPDX-License-Identifier: MIT */
/*
 * --modules DIR is a lib/modules tree: DIR holds one directory a kernel version, or is such a
 * directory itself (it has modules.dep). All of it goes to /lib/modules/VERSION, where the guest's
 * init looks for the modules of the kernel that runs; a directory's name is the version.
 */
#include "cmd/run_initrd.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "boot/cpio.h"
#include "cmd/run_options.h"

/* "build" and "source" are links to a kernel's headers: of no use in the guest, and huge. */
static bool wanted(const FTSENT *ent)
{
	return ent->fts_info == FTS_F;
}

static int add_entry(struct cpio *c, const FTSENT *ent, const char *root, struct err *e)
{
	char guest[PATH_MAX];
	int n;

	if (ent->fts_info == FTS_ERR || ent->fts_info == FTS_DNR || ent->fts_info == FTS_NS)
		return err_set(e, -ent->fts_errno, "--modules: %s: %s", ent->fts_path,
			       strerror(ent->fts_errno));
	if (!wanted(ent))
		return 0;
	n = snprintf(guest, sizeof(guest), "/lib/modules/%s", ent->fts_path + strlen(root) + 1);
	if (n < 0 || n >= (int)sizeof(guest))
		return err_set(e, -ENAMETOOLONG, "--modules: %s: the path is too long",
			       ent->fts_path);
	return cpio_add_file(c, ent->fts_path, guest, e);
}

/* Adds the tree below `dir`, whose paths in the guest begin behind `root`. */
static int add_tree(struct cpio *c, char *dir, const char *root, struct err *e)
{
	char *paths[] = {dir, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *ent;
	int ret = 0;

	if (!fts)
		return err_set(e, -errno, "--modules %s: %s", dir, strerror(errno));
	while (!ret && (ent = fts_read(fts)))
		ret = add_entry(c, ent, root, e);
	if (!ret && errno) /* fts_read() sets it to 0 at the tree's end */
		ret = err_set(e, -errno, "--modules %s: %s", dir, strerror(errno));
	fts_close(fts);
	return ret;
}

static bool has_modules_dep(const char *dir)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/modules.dep", dir);
	return access(path, R_OK) == 0;
}

/* Whether a directory right below `dir` has a modules.dep. */
static bool holds_versions(char *dir)
{
	char *paths[] = {dir, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	bool found = false;
	FTSENT *ent;

	while (fts && !found && (ent = fts_read(fts))) {
		if (ent->fts_info != FTS_D || ent->fts_level == 0)
			continue;
		found = has_modules_dep(ent->fts_path);
		fts_set(fts, ent, FTS_SKIP);
	}
	if (fts)
		fts_close(fts);
	return found;
}

static int add_modules(struct cpio *c, const char *given, struct err *e)
{
	char dir[PATH_MAX], root[PATH_MAX];

	if (!realpath(given, dir))
		return err_set(e, -errno, "--modules %s: %s", given, strerror(errno));
	memcpy(root, dir, sizeof(root));
	if (has_modules_dep(dir))
		*strrchr(root, '/') = '\0';
	else if (!holds_versions(dir))
		return err_set(e, -ENOENT,
			       "--modules %s: no modules.dep there; give a lib/modules tree that "
			       "`make modules_install` or `depmod` has made",
			       given);
	return add_tree(c, dir, root, e);
}

int run_initrd_pack(const struct run_options *o, const char *firmware, void **data, size_t *len,
		    struct err *e)
{
	const void *archive;
	struct cpio *c;
	int ret = cpio_new(&c);

	if (ret)
		return err_set(e, ret, "--file: out of memory");
	if (firmware)
		ret = cpio_add_file(c, firmware, RUN_INITRD_FIRMWARE, e);
	if (o->modules && !ret)
		ret = add_modules(c, o->modules, e);
	for (unsigned i = 0; i < o->n_files && !ret; i++)
		ret = cpio_add_file(c, o->file[i].host, o->file[i].guest, e);
	if (ret)
		goto out;
	ret = cpio_finish(c, &archive, len);
	*data = ret ? NULL : malloc(*len);
	if (*data)
		memcpy(*data, archive, *len);
	else
		ret = err_set(e, -ENOMEM, "--file: out of memory for the archive");
out:
	cpio_free(c);
	return ret;
}
