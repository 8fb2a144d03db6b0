/* SPDX-License-Identifier: MIT */
/*
 * The child is only there to turn an event into a signal, since init's loops know signals already.
 * The event device is opened by init before it goes on: a press is kept there from then on.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "button.h"
#include "modules.h"
#include "util.h"

/* Loads evdev, which every input device asks for. False: there is no input device. */
static bool load_events(struct modules *mods)
{
	char path[300], alias[512];
	DIR *dir = opendir("/sys/class/input");
	bool found = false;

	if (!dir)
		return false;
	for (struct dirent *d; !found && (d = readdir(dir));) {
		snprintf(path, sizeof(path), "/sys/class/input/%s/modalias", d->d_name);
		if (file_read(path, alias, sizeof(alias)) <= 0)
			continue;
		modules_load(mods, alias);
		found = true;
	}
	closedir(dir);
	return found;
}

static bool has_power_key(int fd)
{
	unsigned char keys[KEY_MAX / 8 + 1] = {0};

	return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(keys)), keys) >= 0 &&
	       keys[KEY_POWER / 8] & (1 << KEY_POWER % 8);
}

static int button_open(void)
{
	char path[300];
	DIR *dir = opendir("/dev/input");
	int fd = -1;

	if (!dir)
		return -1;
	for (struct dirent *d; fd < 0 && (d = readdir(dir));) {
		if (strncmp(d->d_name, "event", 5))
			continue;
		snprintf(path, sizeof(path), "/dev/input/%s", d->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && !has_power_key(fd)) {
			close(fd);
			fd = -1;
		}
	}
	closedir(dir);
	return fd;
}

static _Noreturn void child(int fd)
{
	struct input_event event;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	while (read(fd, &event, sizeof(event)) == (ssize_t)sizeof(event))
		if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1)
			kill(1, SIGUSR2);
	_exit(0);
}

void button_watch(struct modules *mods)
{
	int fd;

	if (!load_events(mods))
		return;
	fd = button_open();
	if (fd < 0)
		return;
	if (fork() == 0)
		child(fd);
	close(fd);
}
