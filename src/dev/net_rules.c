/* SPDX-License-Identifier: MIT */
/*
 * Publications are numbered. A follower copies what it finds and remembers its number; whoever
 * published waits until all have its number. A follower that is late finds the last publication
 * and has followed those before it, too.
 */
#include "dev/net_rules.h"

#include <errno.h>
#include <stdlib.h>

static void follow(struct net_follower *f)
{
	struct net_board *b = f->board;
	uint64_t number;

	pthread_mutex_lock(&b->lock);
	f->rules = b->rules;
	number = b->number;
	pthread_mutex_unlock(&b->lock);
	f->apply(f);
	/* Release: who sees the number also finds what was applied. */
	atomic_store_explicit(&f->number, number, memory_order_release);
}

static void follow_task(struct loop_task *t)
{
	struct net_follower *f = t->arg;
	struct net_board *b = f->board;

	follow(f);
	pthread_mutex_lock(&b->lock);
	if (b->told)
		loop_post(b->loop, b->told);
	pthread_mutex_unlock(&b->lock);
}

int net_board_init(struct net_board *b, unsigned n)
{
	b->follower = calloc(n, sizeof(*b->follower));
	if (!b->follower)
		return -ENOMEM;
	(void)pthread_mutex_init(&b->lock, NULL);
	b->n = n;
	for (unsigned i = 0; i < n; i++) {
		struct net_follower *f = &b->follower[i];

		f->board = b;
		f->follow = (struct loop_task){.fn = follow_task, .arg = f};
	}
	return 0;
}

void net_board_fini(struct net_board *b)
{
	if (!b->follower)
		return;
	for (unsigned i = 0; i < b->n; i++)
		if (b->follower[i].loop)
			loop_task_cancel(b->follower[i].loop, &b->follower[i].follow);
	pthread_mutex_destroy(&b->lock);
	free(b->follower);
}

void net_board_publish(struct net_board *b, const struct net_rules *rules, struct loop *loop,
		       struct loop_task *told)
{
	pthread_mutex_lock(&b->lock);
	b->rules = *rules;
	b->number++;
	b->loop = loop;
	b->told = told;
	pthread_mutex_unlock(&b->lock);
	for (unsigned i = 0; i < b->n; i++) {
		struct net_follower *f = &b->follower[i];

		if (loop_is_mine(f->loop))
			follow(f);
		else
			loop_post(f->loop, &f->follow);
	}
}

bool net_board_settled(const struct net_board *b)
{
	for (unsigned i = 0; i < b->n; i++)
		if (atomic_load_explicit(&b->follower[i].number, memory_order_acquire) != b->number)
			return false;
	return true;
}
