/* SPDX-License-Identifier: MIT */
/*
 * The program's own path tells: no directory is built into it, so a tree can be moved.
 */
#include "cmd/share.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"

/* Relative to the directory of the program. */
static const struct {
	const char *fetch, *init;
} layouts[] = {
	{"../guest/image/fetch.sh", "guest/image/init"},      /* build/linnet */
	{"../share/linnet/fetch.sh", "../share/linnet/init"}, /* installed */
};

static int own_directory(char dir[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return -errno;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static bool join(char out[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX && access(out, R_OK) == 0;
}

int share_find(struct share_paths *p, struct err *e)
{
	char dir[PATH_MAX];
	int ret = own_directory(dir);

	if (ret)
		return err_set(e, ret, "cannot find the program's own directory: %s",
			       strerror(-ret));
	for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++)
		if (join(p->fetch, dir, layouts[i].fetch) && join(p->init, dir, layouts[i].init))
			return 0;
	return err_set(e, -ENOENT,
		       "the recipe for the default guest is neither beside %s nor in "
		       "../share/linnet; run `make`, or give --kernel and --initrd",
		       dir);
}
