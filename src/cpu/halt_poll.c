/* SPDX-License-Identifier: MIT */
/*
 * A wait that the hart's own timer ends, or a long one, closes the window: an idle guest's ticks
 * find it closed, and so sleep at once. A short wait opens it again.
 *
 * A failure to find anything may have many reasons that cannot be told apart: who was to answer
 * waits for this CPU; the host has given it to somebody else; the exchange is over. Resting for
 * 1, 2, 4 to 256 short waits makes all of them cheap, and a hart that looks in vain most of the
 * time hardly looks.
 */
#include "cpu/halt_poll.h"

#include "base/bits.h"
#include "base/fd.h"

#define LOOKS 32 /* at the word, between two at the clock */

void halt_wait_init(struct halt_wait *w)
{
	*w = (struct halt_wait){.window.max_ns = HALT_POLL_MAX_NS};
}

uint64_t halt_wait_begin(struct halt_wait *w)
{
	if (!w->window.ns || !w->rest)
		return w->window.ns;
	w->rest--;
	return 0;
}

void halt_wait_looked(struct halt_wait *w, bool found)
{
	if (found)
		w->rests /= 2;
	else if (!w->rests)
		w->rests = 1;
	else if (w->rests < HALT_POLL_MAX_REST)
		w->rests *= 2;
	w->rest = found ? 0 : w->rests;
}

void halt_wait_end(struct halt_wait *w, uint64_t waited_ns, bool woken)
{
	poll_window_learn(&w->window, woken ? waited_ns : UINT64_MAX);
}

void halt_poll_init(struct halt_poll *p)
{
	*p = (struct halt_poll){.room = host_cpus() - 1};
}

static bool look(const _Atomic uint32_t *word, uint32_t bits, uint64_t until)
{
	do {
		for (unsigned i = 0; i < LOOKS; i++) {
			if (atomic_load_explicit(word, memory_order_acquire) & bits)
				return true;
			cpu_relax();
		}
	} while (host_now_ns() < until);
	return false;
}

bool halt_poll(struct halt_poll *p, struct halt_wait *w, const _Atomic uint32_t *word,
	       uint32_t bits, uint64_t from, uint64_t until)
{
	uint64_t ns = halt_wait_begin(w);
	bool found = false;

	if (!p || !ns)
		return false;
	if (atomic_fetch_add(&p->looking, 1) < p->room) {
		found = look(word, bits, min_u64(until, from + ns));
		halt_wait_looked(w, found);
	}
	atomic_fetch_sub(&p->looking, 1);
	return found;
}
