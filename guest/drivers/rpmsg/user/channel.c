/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel does not say which device file it made for an endpoint: it is the one of that name and
 * these addresses that was not there before.
 */
#include "channel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/rpmsg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLASS "/sys/class/rpmsg"
#define BUS   "/sys/bus/rpmsg/devices"
#define MAKER "/dev/rpmsg_ctrl0"
#define MAX   64 /* device files that are looked at */

static int complain(const char *what)
{
	fprintf(stderr, "linnet-rpmsg: %s: %s\n", what, strerror(errno));
	return -1;
}

/* One line of a file in sysfs; "" if there is none. */
static void read_line(const char *dir, const char *device, const char *file, char out[64])
{
	char path[512];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s/%s", dir, device, file);
	f = fopen(path, "r");
	if (!f)
		return;
	if (fgets(out, 64, f))
		out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

static int list_folder(const char *title, const char *dir)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, NULL, alphasort);

	if (n < 0)
		return -1;
	printf("%-36s %-24s %10s %10s\n", title, "name", "here", "there");
	for (int i = 0; i < n; i++) {
		const char *device = entry[i]->d_name;
		char name[64], src[64], dst[64];

		read_line(dir, device, "name", name);
		read_line(dir, device, "src", src);
		read_line(dir, device, "dst", dst);
		if (device[0] != '.' && name[0])
			printf("%-36s %-24s %10s %10s\n", device, name, src, dst);
		free(entry[i]);
	}
	free(entry);
	return 0;
}

int channel_list(void)
{
	if (list_folder("channel", BUS)) {
		complain(BUS " (is virtio_rpmsg_bus loaded?)");
		return 1;
	}
	list_folder("device file", CLASS);
	return 0;
}

/* Whether the device file N is there, and of this name. */
static int is_named(int n, const char *name)
{
	char device[32], found[64];

	snprintf(device, sizeof(device), "rpmsg%d", n);
	read_line(CLASS, device, "name", found);
	return found[0] && !strcmp(found, name);
}

int channel_open(const char *what, int flags)
{
	char path[CHANNEL_PATH];
	int fd, n = 0;

	snprintf(path, sizeof(path), "%s", what);
	if (what[0] != '/') {
		while (n < MAX && !is_named(n, what))
			n++;
		if (n == MAX) {
			fprintf(stderr,
				"linnet-rpmsg: %s: there is no device file of this channel\n",
				what);
			return -1;
		}
		snprintf(path, sizeof(path), "/dev/rpmsg%d", n);
	}
	fd = open(path, O_RDWR | O_CLOEXEC | flags);
	return fd < 0 ? complain(path) : fd;
}

static int share_with(const char *path, const char *group)
{
	FILE *f = fopen("/etc/group", "r");
	const struct group *g = NULL;
	int ret = -1;

	while (f && (g = fgetgrent(f)) && strcmp(g->gr_name, group))
		;
	if (!g)
		fprintf(stderr, "linnet-rpmsg: %s: there is no such group\n", group);
	else if (chown(path, 0, g->gr_gid) || chmod(path, 0660))
		complain(path);
	else
		ret = 0;
	if (f)
		fclose(f);
	return ret;
}

int channel_create(const char *name, uint32_t src, uint32_t dst, const char *group,
		   char path[CHANNEL_PATH])
{
	struct rpmsg_endpoint_info info = {.src = src, .dst = dst};
	int before[MAX], fd = open(MAKER, O_RDWR | O_CLOEXEC), failed;

	if (fd < 0)
		return complain(MAKER);
	snprintf(info.name, sizeof(info.name), "%s", name);
	for (int n = 0; n < MAX; n++)
		before[n] = is_named(n, info.name);
	failed = ioctl(fd, RPMSG_CREATE_EPT_IOCTL, &info);
	close(fd);
	if (failed)
		return complain(name);
	for (int n = 0; n < MAX; n++) {
		if (!before[n] && is_named(n, info.name)) {
			snprintf(path, CHANNEL_PATH, "/dev/rpmsg%d", n);
			return group ? share_with(path, group) : 0;
		}
	}
	errno = ENODEV;
	return complain(name);
}

int channel_destroy(const char *path)
{
	int fd = channel_open(path, 0), failed;

	if (fd < 0)
		return -1;
	failed = ioctl(fd, RPMSG_DESTROY_EPT_IOCTL);
	if (failed)
		complain(path);
	close(fd);
	return failed ? -1 : 0;
}
