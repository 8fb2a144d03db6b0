/* SPDX-License-Identifier: GPL-2.0 */
/* The test programs end at the first thing that is not as it should be, and say which. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("%s:%d: not so: %s (errno %d: %s)\n", __FILE__, __LINE__, \
			       #condition, errno, strerror(errno));                      \
			exit(1);                                                         \
		}                                                                        \
	} while (0)

/* The call fails, with this error. */
#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

/* An address of nothing, which the compiler does not see. */
static inline void *nowhere(void)
{
	void *volatile p = (void *)8;

	return p;
}

#endif
