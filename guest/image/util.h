/* SPDX-License-Identifier: MIT */
/*
 * Small helpers of the guest's init. All of them may be called at any time after /proc is mounted;
 * the process has one thread.
 */
#ifndef LINNET_GUEST_UTIL_H
#define LINNET_GUEST_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Prints "linnet: " and the message as one line on init's standard error, which is the console. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Reads at most @size - 1 bytes of a file into @buf and ends them with NUL; a trailing newline is
 * dropped. Returns the length, or -errno with an empty @buf.
 */
ssize_t file_read(const char *path, char *buf, size_t size);

/* Writes @text to a file, which is made or emptied first. 0 or -errno. */
int file_write(const char *path, const char *text);

/*
 * Reads a whole file of any size. On success *@text is NUL-ended and the caller frees it.
 * 0 or -errno.
 */
int file_load(const char *path, char **text);

/* Writes all of @len bytes to a descriptor that may be non-blocking. 0 or -errno. */
int write_all(int fd, const char *buf, size_t len);

/*
 * Looks up "KEY=VALUE" on the kernel's command line; the last one counts. Returns true and copies
 * the value (cut to @size - 1 bytes) if it is there; else leaves @value empty.
 */
bool cmdline_get(const char *key, char *value, size_t size);

/* As cmdline_get for a decimal number in @min to @max; else @fallback. */
long cmdline_number(const char *key, long min, long max, long fallback);

#endif
