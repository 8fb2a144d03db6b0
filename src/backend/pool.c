/* SPDX-License-Identifier: MIT */
/*
 * One mutex guards the queue of jobs and the lists of ended ones. A worker takes it once for each
 * job: to hand back the last one and to fetch the next. The client's loop is posted to while the
 * mutex is held, so that a client that takes the mutex in pool_client_fini() knows that no worker
 * can still touch it.
 */
#include "backend/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t work; /* jobs, or the end */
	struct pool_job *first, **last;
	unsigned idle;
	bool ending;
	unsigned max_threads;
	unsigned n_threads;
	pthread_t threads[];
};

int pool_new(unsigned max_threads, struct pool **out)
{
	struct pool *p = calloc(1, sizeof(*p) + max_threads * sizeof(p->threads[0]));

	if (!p)
		return -ENOMEM;
	(void)pthread_mutex_init(&p->mutex, NULL);
	(void)pthread_cond_init(&p->work, NULL);
	p->last = &p->first;
	p->max_threads = max_threads;
	*out = p;
	return 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->ending = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}

/* With the mutex held. */
static void hand_back(struct pool_job *j)
{
	struct pool_client *c = j->client;
	bool first = !c->ended;

	j->next = c->ended;
	c->ended = j;
	if (first)
		loop_post(c->loop, &c->task);
}

/* The next job, or NULL at the end. With the mutex held. */
static struct pool_job *fetch(struct pool *p)
{
	struct pool_job *j;

	p->idle++;
	while (!p->first && !p->ending)
		pthread_cond_wait(&p->work, &p->mutex);
	p->idle--;
	j = p->first;
	if (j) {
		p->first = j->next;
		if (!p->first)
			p->last = &p->first;
	}
	return j;
}

static void *worker(void *arg)
{
	struct pool *p = arg;
	struct pool_job *j;

	pthread_mutex_lock(&p->mutex);
	while ((j = fetch(p))) {
		pthread_mutex_unlock(&p->mutex);
		j->work(j);
		pthread_mutex_lock(&p->mutex);
		hand_back(j);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static struct pool_job *reversed(struct pool_job *j)
{
	struct pool_job *list = NULL, *next;

	for (; j; j = next) {
		next = j->next;
		j->next = list;
		list = j;
	}
	return list;
}

static void tell_ended(struct loop_task *t)
{
	struct pool_client *c = t->arg;
	struct pool_job *unsent = reversed(c->unsent);
	struct pool_job *ended, *next;

	c->unsent = NULL;
	pthread_mutex_lock(&c->pool->mutex);
	ended = reversed(c->ended);
	c->ended = NULL;
	pthread_mutex_unlock(&c->pool->mutex);
	for (; ended; ended = next) {
		next = ended->next;
		ended->done(ended);
	}
	for (; unsent; unsent = next) {
		next = unsent->next;
		unsent->work(unsent);
		unsent->done(unsent);
	}
}

void pool_client_init(struct pool_client *c, struct pool *p, struct loop *loop)
{
	*c = (struct pool_client){.pool = p, .loop = loop};
	c->task.fn = tell_ended;
	c->task.arg = c;
}

void pool_client_fini(struct pool_client *c)
{
	pthread_mutex_lock(&c->pool->mutex);
	assert(!c->ended && !c->unsent);
	pthread_mutex_unlock(&c->pool->mutex);
	loop_task_cancel(c->loop, &c->task);
}

/* Another thread when all are busy. Whether there is any. With the mutex held. */
static bool have_thread(struct pool *p)
{
	if (!p->idle && p->n_threads < p->max_threads &&
	    !pthread_create(&p->threads[p->n_threads], NULL, worker, p))
		p->n_threads++;
	return p->n_threads > 0;
}

void pool_submit(struct pool_client *c, struct pool_job *j)
{
	struct pool *p = c->pool;
	bool queued;

	j->client = c;
	j->next = NULL;
	pthread_mutex_lock(&p->mutex);
	queued = have_thread(p);
	if (queued) {
		*p->last = j;
		p->last = &j->next;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->mutex);
	if (queued)
		return;
	j->next = c->unsent;
	c->unsent = j;
	loop_post(c->loop, &c->task);
}
