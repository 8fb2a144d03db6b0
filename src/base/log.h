/* SPDX-License-Identifier: MIT */
/*
 * Messages of a running machine, one line each, to standard error as "linnet: ...".
 *
 * For what the user has to know and nothing else; a hot path never logs. What a guest can cause
 * repeatedly goes through a limit. Any thread; a line is written with one system call.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>

void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* At most `max` lines ever through one limit; the last one says that more are dropped. Zeroed is
 * ready with max lines given by the call. */
struct log_limit {
	atomic_uint count;
};

void log_warn_limited(struct log_limit *limit, unsigned max, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
