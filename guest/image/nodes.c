/* SPDX-License-Identifier: MIT */
/*
 * The kernel makes device files as root's alone, and then tells of them by a message (uevent) to
 * who listens. Init listens before it looks at those that are there already: none is missed.
 *
 * A file belongs to a channel if its parent in /sys has a channel's name. That of an endpoint that
 * was made by /dev/rpmsg_ctrl0 has another parent: whoever made it says whose it is.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nodes.h"
#include "util.h"

#define KERNEL_EVENTS 1 /* the group of the kernel's own messages */

/* The files of channels: a class in /sys, and what their names begin with, before a number. */
static const struct kind {
	const char *class, *prefix;
} kinds[] = {
	{"rpmsg", "rpmsg"},
	{"tty", "ttyRPMSG"},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool is_of_kind(const struct kind *k, const char *file)
{
	size_t len = strlen(k->prefix);

	return !strncmp(file, k->prefix, len) && isdigit((unsigned char)file[len]) &&
	       !strchr(file, '/');
}

/* The group called @name, or else the one called "rpmsg"; false: there is neither. */
static bool group_find(const char *name, gid_t *gid)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *g;
	bool found = false, own = false;

	while (f && !own && (g = fgetgrent(f))) {
		own = !strcmp(g->gr_name, name);
		if (!own && strcmp(g->gr_name, "rpmsg"))
			continue;
		*gid = g->gr_gid;
		found = true;
	}
	if (f)
		(void)fclose(f);
	return found;
}

static void node_give(const struct kind *k, const char *file)
{
	char path[300], channel[64];
	gid_t gid;

	if (!is_of_kind(k, file))
		return;
	snprintf(path, sizeof(path), "/sys/class/%s/%s/device/name", k->class, file);
	if (file_read(path, channel, sizeof(channel)) <= 0 || !group_find(channel, &gid))
		return;
	snprintf(path, sizeof(path), "/dev/%s", file);
	/* It may be gone again. */
	if ((chown(path, 0, gid) || chmod(path, 0660)) && errno != ENOENT)
		say("%s: %s", path, strerror(errno));
}

static void nodes_give(const struct kind *k)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/%s", k->class);
	DIR *dir = opendir(path);
	if (!dir)
		return;
	for (const struct dirent *d; (d = readdir(dir));)
		node_give(k, d->d_name);
	closedir(dir);
}

/* The value of KEY= in a message of strings, or "". */
static const char *event_get(const char *event, size_t len, const char *key)
{
	size_t n = strlen(key);

	for (size_t at = 0; at < len; at += strlen(event + at) + 1)
		if (!strncmp(event + at, key, n))
			return event + at + n;
	return "";
}

static _Noreturn void child(int fd)
{
	struct sockaddr_nl from = {.nl_pid = 0};
	char event[4096];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < N_KINDS; i++)
		nodes_give(&kinds[i]);
	for (;;) {
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, event, sizeof(event) - 1, 0, (struct sockaddr *)&from,
				     &from_len);
		if (n <= 0 || from_len != sizeof(from) || from.nl_pid != 0)
			continue;
		event[n] = '\0';
		if (strcmp(event_get(event, (size_t)n, "ACTION="), "add"))
			continue;
		for (size_t i = 0; i < N_KINDS; i++)
			if (!strcmp(event_get(event, (size_t)n, "SUBSYSTEM="), kinds[i].class))
				node_give(&kinds[i], event_get(event, (size_t)n, "DEVNAME="));
	}
}

void nodes_watch(void)
{
	const struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_EVENTS};

	if (access("/sys/bus/rpmsg", F_OK) && access("/sys/class/remoteproc", F_OK))
		return;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return;
	if (!bind(fd, (const struct sockaddr *)&self, sizeof(self)) && fork() == 0)
		child(fd);
	close(fd);
}
