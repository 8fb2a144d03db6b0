/* SPDX-License-Identifier: MIT */
/*
 * How long to look for work before going to sleep. Pure: one thread at a time.
 *
 * A sleep costs a wake-up at its end, which is worth avoiding by looking for some time if work
 * comes soon, and a waste if it does not. So each pause teaches: one of no more than `max` could
 * have been spent looking, and the window grows to hold it, or shrinks by a quarter if it is far
 * too long; after a longer one there is none. Who has nothing to do for long thus sleeps at once.
 */
#ifndef BASE_POLL_WINDOW_H
#define BASE_POLL_WINDOW_H

#include <stdint.h>

/* Zeroed but for max_ns. */
struct poll_window {
	uint64_t max_ns; /* 0: never looks */
	uint64_t ns;     /* to look for, now */
};

#define POLL_WINDOW_FIRST_NS 4000u

/* Between two looks: lets the CPU's other thread go ahead. */
static inline void cpu_relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* A pause of paused_ns, looking and sleeping, was ended by work. */
static inline void poll_window_learn(struct poll_window *w, uint64_t paused_ns)
{
	uint64_t next = w->ns ? w->ns : POLL_WINDOW_FIRST_NS;

	if (paused_ns > w->max_ns) {
		w->ns = 0;
		return;
	}
	if (next / 4 > paused_ns && next > POLL_WINDOW_FIRST_NS)
		next -= next / 4;
	while (next < paused_ns)
		next *= 2;
	w->ns = next < w->max_ns ? next : w->max_ns;
}

#endif
