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
	const char *recipes, *init, *firmware;
} layouts[] = {
	{"../guest", "guest/image/init", "guest/firmware/"}, /* build/linnet */
	{"../share/linnet", "../share/linnet/image/init",
	 "../share/linnet/firmware/"}, /* installed */
};

static int find_program(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	return strchr(path, '/') ? 0 : -ENOENT;
}

static int find_program_dir(char path[PATH_MAX])
{
	int ret = find_program(path);

	if (!ret)
		*strrchr(path, '/') = '\0';
	return ret;
}

static bool join(char out[PATH_MAX], const char *dir, const char *sub, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s%s", dir, sub, name);

	return n > 0 && n < PATH_MAX && access(out, R_OK) == 0;
}

static bool find_all(struct share_paths *p, const char *dir, const char *recipes, const char *init)
{
	return join(p->fetch, dir, recipes, "/image/fetch.sh") &&
	       join(p->kbuild, dir, recipes, "/kbuild.sh") &&
	       join(p->new_driver, dir, recipes, "/new-driver.sh") && join(p->init, dir, init, "");
}

int share_find(struct share_paths *p, struct err *e)
{
	char dir[PATH_MAX];
	int ret = find_program(p->program);

	if (ret)
		return err_set(e, ret, "cannot find the program's own directory: %s",
			       strerror(-ret));
	memcpy(dir, p->program, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++)
		if (find_all(p, dir, layouts[i].recipes, layouts[i].init))
			return 0;
	return err_set(e, -ENOENT,
		       "the recipe for the default guest is neither beside %s nor in "
		       "../share/linnet; run `make`, or give --kernel and --initrd",
		       dir);
}

int share_find_firmware(const char *name, char path[PATH_MAX])
{
	char dir[PATH_MAX];
	int ret = find_program_dir(dir);

	for (unsigned i = 0; i < ARRAY_SIZE(layouts) && !ret; i++)
		if (join(path, dir, layouts[i].firmware, name))
			return 0;
	return ret ? ret : -ENOENT;
}

char *const *share_argv(const char *const argv[])
{
	union {
		const char *const *in;
		char *const *out;
	} u = {.in = argv};

	return u.out;
}

int share_exec(const char *const argv[], struct err *e)
{
	execv("/bin/sh", share_argv(argv));
	return err_set(e, -errno, "cannot run /bin/sh: %s", strerror(errno));
}
