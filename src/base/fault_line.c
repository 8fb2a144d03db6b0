/* SPDX-License-Identifier: MIT */
/* A list by time and a timer for its first entry. Each callback takes one entry out and arms the
 * timer for the next before it calls, since the call may end the line. */
#include "base/fault_line.h"

#include <assert.h>

#include "base/bits.h"

static void arm(struct fault_line *l)
{
	if (l->first)
		loop_timer_arm(l->loop, &l->timer, l->first->due_ns);
	else
		loop_timer_cancel(&l->timer);
}

static void take_first(struct fault_line *l)
{
	l->first = l->first->next;
	if (!l->first)
		l->last = NULL;
}

static void line_due(struct loop_timer *t)
{
	struct fault_line *l = t->arg;
	struct fault_waiting *w = l->first;

	take_first(l);
	arm(l);
	w->fn(w);
}

static void line_hurry(struct loop_task *t)
{
	struct fault_line *l = t->arg;
	uint64_t now = loop_now(l->loop);

	for (struct fault_waiting *w = l->first; w; w = w->next)
		w->due_ns = min_u64(w->due_ns, now);
	arm(l);
}

void fault_line_init(struct fault_line *l, struct faults *set, struct loop *loop)
{
	*l = (struct fault_line){.set = set, .loop = loop};
	l->timer.fn = line_due;
	l->timer.arg = l;
	l->hurry.fn = line_hurry;
	l->hurry.arg = l;
	faults_line_join(set, l);
}

void fault_line_fini(struct fault_line *l)
{
	assert(!l->first);
	faults_line_leave(l->set, l);
	loop_task_cancel(l->loop, &l->hurry);
	loop_timer_cancel(&l->timer);
}

void fault_line_drop(struct fault_line *l, void (*drop)(struct fault_waiting *w))
{
	while (l->first) {
		struct fault_waiting *w = l->first;

		take_first(l);
		drop(w);
	}
	arm(l);
}

void fault_line_add(struct fault_line *l, struct fault_waiting *w, uint64_t due_ns, unsigned epoch)
{
	struct fault_waiting **p = &l->first;

	if (epoch != faults_epoch(l->set))
		due_ns = min_u64(due_ns, loop_now(l->loop));
	/* The usual case, since most delays are equal. */
	if (l->last && l->last->due_ns <= due_ns)
		p = &l->last->next;
	while (*p && (*p)->due_ns <= due_ns)
		p = &(*p)->next;
	w->due_ns = due_ns;
	w->next = *p;
	*p = w;
	if (!w->next)
		l->last = w;
	arm(l);
}
