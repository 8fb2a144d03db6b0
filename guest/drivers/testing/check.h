/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the drivers' test programs, which end at the first thing that is not as it should be, and say
 * which.
 */
#ifndef TESTING_CHECK_H
#define TESTING_CHECK_H

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* An address of nothing, which the compiler does not see. */
static inline void *nowhere(void)
{
	void *volatile p = (void *)8;

	return p;
}

/* A number below `below`; the same ones in each run from the same *state. */
static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

/* Root becomes an ordinary user, for good. */
static inline void become(uid_t user)
{
	CHECK(!setgroups(0, NULL) && !setresgid(user, user, user) && !setresuid(user, user, user));
}

#endif
