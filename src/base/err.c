/* SPDX-License-Identifier: MIT */
/* One formatted message per struct err; a later one replaces an earlier one, and what does not fit
 * is cut off. */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	if (vsnprintf(e->text, sizeof(e->text), fmt, ap) < 0)
		e->text[0] = '\0';
	va_end(ap);
	e->at = NULL;
	return code;
}
