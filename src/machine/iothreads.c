/* SPDX-License-Identifier: MIT */
/*
 * A thread is nothing but loop_run(). It ends by loop_stop(), which the main thread calls when all
 * queues have reported that they are stopped: then nothing is left for it to do, and joining it is
 * no waiting for work.
 */
#include "machine/iothreads.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"

int iothreads_init(struct iothreads *t, unsigned n, uint64_t poll_ns)
{
	int ret = 0;

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(t->thread[i].name, sizeof(t->thread[i].name), "iothread%u", i);
		ret = loop_new(&t->thread[i].loop);
		if (ret)
			break;
		loop_set_poll(t->thread[i].loop, poll_ns);
		t->n++;
	}
	return ret;
}

void iothreads_fini(struct iothreads *t)
{
	for (unsigned i = 0; i < t->n; i++)
		loop_free(t->thread[i].loop);
	*t = (struct iothreads){0};
}

static struct loop *next_loop(struct iothreads *t)
{
	unsigned i = t->next < t->n ? t->next : 0;

	t->next = i + 1;
	return t->thread[i].loop;
}

void iothreads_place(struct iothreads *t, struct loop *home, unsigned which, bool together,
		     struct loop **out, unsigned n)
{
	bool turns = t->n && which >= t->n;
	struct loop *one = home;

	if (turns)
		one = next_loop(t);
	else if (t->n)
		one = t->thread[which].loop;
	for (unsigned i = 0; i < n; i++)
		out[i] = turns && !together && i ? next_loop(t) : one;
}

static void *thread_main(void *arg)
{
	struct iothread *t = arg;
	int ret = loop_run(t->loop);

	if (ret)
		log_warn("%s: the event loop failed: %s", t->name, strerror(-ret));
	return NULL;
}

/* Signals belong to the main thread: a new one inherits the mask that is set around this. */
int iothreads_start(struct iothreads *t, struct err *e)
{
	sigset_t all, before;
	int code = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < t->n && !code; i++) {
		struct iothread *io = &t->thread[i];

		code = pthread_create(&io->thread, NULL, thread_main, io);
		io->started = !code;
		if (io->started)
			(void)pthread_setname_np(io->thread, io->name);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code ? err_set(e, -code, "--iothreads %u: no thread: %s", t->n, strerror(code)) : 0;
}

void iothreads_stop(struct iothreads *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct iothread *io = &t->thread[i];

		if (!io->started)
			continue;
		loop_stop(io->loop);
		pthread_join(io->thread, NULL);
		io->started = false;
		loop_adopt(io->loop);
	}
}

uint64_t iothreads_cpu_ns(const struct iothreads *t, unsigned i)
{
	struct timespec ts;
	clockid_t clock;

	if (!t->thread[i].started || pthread_getcpuclockid(t->thread[i].thread, &clock) ||
	    clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
