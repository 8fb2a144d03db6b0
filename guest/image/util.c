/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the guest's init: files, the console, the kernel's command line. The command line is
 * read from /proc each time it is asked for: that happens a handful of times, and keeps this file
 * without state.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define CMDLINE_MAX 4096

void say(const char *fmt, ...)
{
	char line[256] = "linnet: ";
	size_t len = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	/* Room is left for the newline. */
	vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	len = strlen(line);
	line[len++] = '\n';
	/* There is nobody to tell if the console itself fails. */
	(void)write_all(STDERR_FILENO, line, len);
}

ssize_t file_read(const char *path, char *buf, size_t size)
{
	buf[0] = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t len = read(fd, buf, size - 1);
	int err = errno;
	close(fd);
	if (len < 0)
		return -err;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return len;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	int err = write_all(fd, text, strlen(text));
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

int file_load(const char *path, char **text)
{
	struct stat st;
	char *buf = NULL;
	int err = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		err = -errno;
		goto out;
	}
	size_t size = (size_t)st.st_size, have = 0;
	buf = malloc(size + 1);
	if (!buf) {
		err = -ENOMEM;
		goto out;
	}
	while (have < size) {
		ssize_t n = read(fd, buf + have, size - have);
		if (n < 0) {
			err = -errno;
			goto out;
		}
		if (n == 0)
			break;
		have += (size_t)n;
	}
	buf[have] = '\0';
	*text = buf;
	buf = NULL;
out:
	free(buf);
	close(fd);
	return err;
}

int write_all(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);
		if (n >= 0) {
			buf += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};
			if (poll(&p, 1, -1) > 0 && (p.revents & (POLLHUP | POLLERR)))
				return -EPIPE;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

bool cmdline_get(const char *key, char *value, size_t size)
{
	char text[CMDLINE_MAX];
	size_t key_len = strlen(key);
	bool found = false;
	char *state;

	value[0] = '\0';
	if (file_read("/proc/cmdline", text, sizeof(text)) < 0)
		return false;
	for (char *word = strtok_r(text, " \n", &state); word;
	     word = strtok_r(NULL, " \n", &state)) {
		if (strncmp(word, key, key_len) || word[key_len] != '=')
			continue;
		found = true;
		size_t len = strnlen(word + key_len + 1, size - 1);
		memcpy(value, word + key_len + 1, len);
		value[len] = '\0';
	}
	return found;
}

long cmdline_number(const char *key, long min, long max, long fallback)
{
	char text[24], *end;

	if (!cmdline_get(key, text, sizeof(text)))
		return fallback;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max)
		return fallback;
	return n;
}
