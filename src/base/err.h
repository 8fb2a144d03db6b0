/* SPDX-License-Identifier: MIT */
/*
 * The message of a start-up error: which option, which value, what to do about it.
 *
 * A function that can fail for reasons a user can mend takes a `struct err *` and returns
 * err_set(e, -EXXX, "..."). The message starts in lower case, names the option and the value, and
 * ends with the cure; it has no newline. The caller owns the struct; NULL is allowed and drops the
 * text. One thread at a time.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char text[512];
	/* For whoever has to say where a value came from: the part of the text under parsing that
	 * the message is about, set by the parsers of opt.h; NULL from all others. */
	const char *at;
};

/* Formats the message into e (when not NULL) and returns `code` (0 or -errno) unchanged. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
