/* SPDX-License-Identifier: MIT */
/*
 * What Linnet brings along, and what it keeps in its cache. The recipes decide what is in a set and
 * check it themselves; here it only counts whether there is one, and else whether they could make
 * one.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "cmd/doctor_probe.h"
#include "cmd/share.h"

#define MIB        1048576ull
/* What a fetched guest takes while it is made, and what kbuild's headers take. */
#define CACHE_NEED (700 * MIB)

struct tool {
	const char *command, *package;
};

/* What the recipe asks for with need_tools, and its index. */
static const struct tool fetch_tools[] = {
	{"apt-get", "apt"},      {"dpkg-deb", "dpkg"},
	{"gpgv", "gpgv"},        {"cpio", "cpio"},
	{"mke2fs", "e2fsprogs"}, {"xz", "xz-utils"},
	{"flock", "util-linux"}, {"riscv64-linux-gnu-objcopy", "binutils-riscv64-linux-gnu"},
};

static const struct tool kbuild_tools[] = {
	{"make", "make"},
	{"riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu"},
	{"cpio", "cpio"},
};

static bool in_path(const char *path, const char *command)
{
	char file[PATH_MAX];

	while (*path) {
		size_t len = strcspn(path, ":");
		int n = snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, command);

		if (n > 0 && (size_t)n < sizeof(file) && !access(file, X_OK))
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

/* The recipes look there too. */
static bool has_command(const char *command)
{
	const char *path = getenv("PATH");

	return in_path(path ? path : "/usr/bin:/bin", command) ||
	       in_path("/usr/sbin:/sbin", command);
}

/* Writes the packages of tools that are not there, each with a blank before it. */
static bool lacks(const struct tool *tools, size_t n, char *packages, size_t size)
{
	size_t len = 0;

	*packages = '\0';
	for (size_t i = 0; i < n; i++)
		if (!has_command(tools[i].command) && len < size)
			len += (size_t)snprintf(packages + len, size - len, " %s",
						tools[i].package);
	return len > 0;
}

/* The cache, as the recipes have it. */
static bool cache_path(char *out, size_t size, const char *sub)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (xdg && *xdg)
		n = snprintf(out, size, "%s/linnet%s", xdg, sub);
	else
		n = snprintf(out, size, "%s/.cache/linnet%s", home ? home : "/nonexistent", sub);
	return n > 0 && (size_t)n < size;
}

/* Whether FILE of the set in use is there; *path becomes its name. */
static bool in_cache(char path[PATH_MAX], const char *file)
{
	return cache_path(path, PATH_MAX, file) && !access(path, R_OK);
}

void doctor_look_program(struct doctor_finding *f)
{
	struct share_paths paths;
	char recipes[PATH_MAX];
	struct err e = {0};

	if (share_find(&paths, &e)) {
		doctor_found(f, DOCTOR_MISSING, "%.240s", e.text);
		doctor_cure(f, "build or install it again, with riscv64-linux-gnu-gcc there");
		return;
	}
	*strrchr(paths.fetch, '/') = '\0';
	doctor_found(f, DOCTOR_OK, "%.100s, with the recipes in %.100s", paths.program,
		     realpath(paths.fetch, recipes) ? recipes : paths.fetch);
}

/* Whether there is an archive's key, by which packages are told to be Debian's. */
static bool has_keyring(void)
{
	return !access("/usr/share/keyrings/debian-archive-keyring.gpg", R_OK) ||
	       !access("/usr/share/keyrings/debian-archive-keyring.pgp", R_OK);
}

/* The directory in which the cache is, or will be. */
static bool cache_parent(char path[PATH_MAX])
{
	if (!cache_path(path, PATH_MAX, ""))
		return false;
	while (access(path, F_OK) && strrchr(path, '/') > path)
		*strrchr(path, '/') = '\0';
	return true;
}

void doctor_look_guest(struct doctor_finding *f)
{
	char path[PATH_MAX], packages[200], release[64];
	struct stat st;

	if (in_cache(path, "/guest/current/kernel") && in_cache(path, "/guest/current/disk") &&
	    in_cache(path, "/guest/current/release")) {
		doctor_line(path, release, sizeof(release));
		*strrchr(path, '/') = '\0';
		doctor_found(f, DOCTOR_OK, "Linux %s in %.150s", release, path);
		return;
	}
	if (lacks(fetch_tools, ARRAY_SIZE(fetch_tools), packages, sizeof(packages)) ||
	    !has_keyring()) {
		doctor_found(f, DOCTOR_MISSING,
			     "not in the cache, and tools to get it are missing");
		doctor_cure(f, "install%s%s, or give --kernel and --initrd of your own", packages,
			    has_keyring() ? "" : " debian-archive-keyring");
		return;
	}
	if (!cache_parent(path) || stat(path, &st) || !S_ISDIR(st.st_mode) || access(path, W_OK)) {
		doctor_found(f, DOCTOR_MISSING, "not in the cache, which cannot be made in %.150s",
			     path);
		doctor_cure(f, "set HOME or XDG_CACHE_HOME to a directory of yours");
		return;
	}
	doctor_found(f, DOCTOR_LIMITED, "not in the cache; the first run downloads it (45 MB)");
	doctor_cure(f, "linnet fetch does it now");
}

void doctor_look_disk(struct doctor_finding *f)
{
	unsigned long long available;
	char path[PATH_MAX];
	struct statvfs fs;

	if (!cache_parent(path) || statvfs(path, &fs)) {
		doctor_found(f, DOCTOR_MISSING, "%.150s: %s", path, strerror(errno));
		doctor_cure(f, "set HOME or XDG_CACHE_HOME to a directory of yours");
		return;
	}
	available = (unsigned long long)fs.f_bavail * fs.f_frsize;
	doctor_found(f, available < CACHE_NEED ? DOCTOR_LIMITED : DOCTOR_OK,
		     "%llu MiB are free in %.150s", available / MIB, path);
	if (f->state != DOCTOR_OK)
		doctor_cure(f,
			    "%llu MiB are enough for the guest and to build modules; or set "
			    "XDG_CACHE_HOME",
			    CACHE_NEED / MIB);
}

void doctor_look_kbuild(struct doctor_finding *f)
{
	char packages[200], path[PATH_MAX];

	if (lacks(kbuild_tools, ARRAY_SIZE(kbuild_tools), packages, sizeof(packages))) {
		doctor_found(f, DOCTOR_MISSING, "tools are missing");
		doctor_cure(f, "install%s", packages);
		return;
	}
	if (in_cache(path, "/kbuild/current/packages")) {
		doctor_found(f, DOCTOR_OK, "cross compiler and the kernel's headers");
		return;
	}
	doctor_found(f, DOCTOR_OK, "cross compiler; the headers come when they are first needed");
}
