/* SPDX-License-Identifier: MIT */
/*
 * The kernel lists them as /sys/fs/virtiofs/N/tag. A tag is the host's word, so it is looked at:
 * it must be a single name, and what the guest has under that name already is not hidden.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shares.h"
#include "util.h"

#define LIST    "/sys/fs/virtiofs"
#define TAG_LEN 64

static void mount_tag(const char *tag)
{
	char dir[TAG_LEN + 1];

	if (!*tag || *tag == '.' || strchr(tag, '/')) {
		say("%s: a tag of \"%s\" names no place to mount it at", LIST, tag);
		return;
	}
	snprintf(dir, sizeof(dir), "/%s", tag);
	if (mkdir(dir, 0755) < 0) {
		say("%s: the shared folder is not mounted: %s", dir, strerror(errno));
		return;
	}
	if (mount(tag, dir, "virtiofs", 0, NULL) < 0) {
		say("%s: %s", dir, strerror(errno));
		rmdir(dir);
	}
}

void shares_mount(void)
{
	char path[sizeof(LIST) + 280], tag[TAG_LEN];
	DIR *d = opendir(LIST);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		snprintf(path, sizeof(path), "%s/%s/tag", LIST, e->d_name);
		if (e->d_name[0] != '.' && file_read(path, tag, sizeof(tag)) > 0)
			mount_tag(tag);
	}
	closedir(d);
}
