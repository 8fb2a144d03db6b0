/* SPDX-License-Identifier: MIT */
/*
 * A line is put together in one buffer and written with one call, so that lines of several threads
 * and processes never mix. It ends in a bare newline: the terminal keeps its output processing on
 * even in raw mode (base/sig.h), so no carriage return is needed.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "linnet: ";
static const char more_dropped[] = " (no more of these will be shown)";

__attribute__((format(printf, 1, 0))) static void log_line(const char *fmt, va_list ap, bool last)
{
	char line[1024];
	const size_t room = sizeof(line) - sizeof(more_dropped) - 1;
	size_t len = sizeof(prefix) - 1;
	int n;

	memcpy(line, prefix, len);
	n = vsnprintf(line + len, room - len, fmt, ap);
	if (n < 0)
		return;
	len += (size_t)n < room - len ? (size_t)n : room - len - 1;
	if (last) {
		memcpy(line + len, more_dropped, sizeof(more_dropped) - 1);
		len += sizeof(more_dropped) - 1;
	}
	line[len++] = '\n';
	/* Nobody is left to be told when standard error itself fails. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap, false);
	va_end(ap);
}

void log_warn_limited(struct log_limit *limit, unsigned max, const char *fmt, ...)
{
	va_list ap;
	unsigned nth;

	/* The first look keeps the count from wrapping round; relaxed, for it orders nothing. */
	if (atomic_load_explicit(&limit->count, memory_order_relaxed) >= max)
		return;
	nth = atomic_fetch_add_explicit(&limit->count, 1, memory_order_relaxed);
	if (nth >= max)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap, nth == max - 1);
	va_end(ap);
}
