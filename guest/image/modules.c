/* SPDX-License-Identifier: MIT */
/*
 * Module loading from the two text indexes that depmod writes, and the image's recipe likewise:
 *
 *	modules.alias	alias PATTERN NAME
 *	modules.dep	PATH: PATH PATH ...	the first to load stands last
 *
 * Both are kept as they are and searched line by line. The default guest's have a dozen lines; a
 * whole kernel's 20,000 are gone through once for each device that has no driver, which is
 * bearable. A file is loaded compressed if its name says so; the kernel unpacks it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "modules.h"
#include "util.h"

#define NAME_LEN  64
#define ALIAS_LEN 512
#define PATH_LEN  512
/* Devices on devices on devices: platform, virtio, and one to spare. */
#define PASSES    3

struct modules {
	char dir[128]; /* /lib/modules/RELEASE */
	char *dep;
	char *alias;
};

struct modules *modules_open(void)
{
	struct utsname uts;
	char path[PATH_LEN];
	struct modules *mods = calloc(1, sizeof(*mods));

	if (!mods || uname(&uts) < 0)
		goto fail;
	snprintf(mods->dir, sizeof(mods->dir), "/lib/modules/%s", uts.release);
	snprintf(path, sizeof(path), "%s/modules.dep", mods->dir);
	if (file_load(path, &mods->dep) < 0)
		goto fail;
	snprintf(path, sizeof(path), "%s/modules.alias", mods->dir);
	if (file_load(path, &mods->alias) < 0)
		goto fail;
	return mods;
fail:
	modules_close(mods);
	return NULL;
}

void modules_close(struct modules *mods)
{
	if (!mods)
		return;
	free(mods->dep);
	free(mods->alias);
	free(mods);
}

/* The module's name in the kernel: the file's without folder and suffix, '-' written as '_'. */
static void module_name(const char *path, size_t len, char name[NAME_LEN])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (path[i] == '/') {
			n = 0;
		} else if (path[i] == '.' && i + 2 < len && !strncmp(path + i, ".ko", 3)) {
			break;
		} else if (n < NAME_LEN - 1) {
			name[n++] = path[i] == '-' ? '_' : path[i];
		}
	}
	name[n] = '\0';
}

static bool module_present(const char *path, size_t len)
{
	char name[NAME_LEN], sys[NAME_LEN + 16];

	module_name(path, len, name);
	snprintf(sys, sizeof(sys), "/sys/module/%s", name);
	return access(sys, F_OK) == 0;
}

/* Loads one file, named relative to the tree. 1 if it is new in the kernel, else 0. */
static int load_file(struct modules *mods, const char *path, size_t len)
{
	char full[PATH_LEN];

	if (module_present(path, len))
		return 0;
	snprintf(full, sizeof(full), "%s/%.*s", mods->dir, (int)len, path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		say("%s: %s", full, strerror(errno));
		return 0;
	}
	bool plain = len > 3 && !strncmp(path + len - 3, ".ko", 3);
	long err = syscall(SYS_finit_module, fd, "", plain ? 0 : MODULE_INIT_COMPRESSED_FILE);
	if (err < 0 && errno != EEXIST && errno != ENODEV)
		say("%s: %s", full, strerror(errno));
	close(fd);
	return err == 0;
}

/* Loads the files of one line of modules.dep, last first. */
static int load_line(struct modules *mods, const char *line, size_t len)
{
	int loaded = 0;

	for (size_t end = len, start; end > 0; end = start) {
		while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == ':'))
			end--;
		for (start = end; start > 0 && line[start - 1] != ' '; start--)
			;
		if (end > start)
			loaded += load_file(mods, line + start, end - start);
	}
	return loaded;
}

static int load_module(struct modules *mods, const char *wanted)
{
	char name[NAME_LEN];

	for (const char *line = mods->dep; *line;) {
		size_t len = strcspn(line, "\n");
		size_t path = strcspn(line, ":\n");
		module_name(line, path, name);
		if (!strcmp(name, wanted))
			return load_line(mods, line, len);
		line += len + (line[len] == '\n');
	}
	return 0; /* built in, or not ours to have */
}

int modules_load(struct modules *mods, const char *alias)
{
	char pattern[ALIAS_LEN], name[NAME_LEN];
	int loaded = 0;

	if (!mods)
		return 0;
	for (const char *line = mods->alias; *line;) {
		if (sscanf(line, "alias %511s %63s", pattern, name) == 2 &&
		    !fnmatch(pattern, alias, 0)) {
			module_name(name, strlen(name), name);
			loaded += load_module(mods, name);
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return loaded;
}

/* One bus's devices that have no driver yet. */
static int coldplug_bus(struct modules *mods, const char *bus)
{
	char path[PATH_LEN], alias[ALIAS_LEN];
	int loaded = 0;

	snprintf(path, sizeof(path), "/sys/bus/%s/devices", bus);
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *d; (d = readdir(dir));) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/driver", bus, d->d_name);
		if (access(path, F_OK) == 0)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/modalias", bus, d->d_name);
		if (file_read(path, alias, sizeof(alias)) > 0)
			loaded += modules_load(mods, alias);
	}
	closedir(dir);
	return loaded;
}

void modules_coldplug(struct modules *mods)
{
	static const char *const buses[] = {"platform", "pci", "virtio", "spi", "i2c"};

	if (!mods)
		return;
	for (int pass = 0; pass < PASSES; pass++) {
		int loaded = 0;
		for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++)
			loaded += coldplug_bus(mods, buses[i]);
		if (!loaded)
			break;
	}
}
