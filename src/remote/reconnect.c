/* SPDX-License-Identifier: MIT */
/*
 * The thread has a connection, a result and a mutex to itself: the mutex is about its socket alone,
 * which reconnect_free() shuts down so that the thread waits for nothing any more. What else it
 * writes the loop reads after it was joined.
 */
#include "remote/reconnect.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"

#define STEP_NS 1000000000ull

struct reconnect {
	struct reconnect_config cfg;
	struct loop *loop;
	struct loop_timer timer; /* the next try */
	struct loop_task task;   /* a try has ended */
	pthread_t thread;
	bool trying; /* there is a thread */

	pthread_mutex_t lock;
	int fd;       /* of the try under way, under the lock */
	bool give_up; /* the same */

	/* The thread's, and after it the loop's. */
	int result;
	struct err err;
	struct handshake peer;
	uint8_t config[VU_CONFIG_MAX];
	char said[sizeof(((struct err *)0)->text)]; /* the loop's: what failed last */
};

/* Makes the socket known to who may give up. False: that has happened. */
static bool publish(struct reconnect *r, int fd)
{
	bool go_on;

	pthread_mutex_lock(&r->lock);
	go_on = !r->give_up;
	r->fd = fd;
	pthread_mutex_unlock(&r->lock);
	return go_on;
}

static int try_once(struct reconnect *r)
{
	struct vu_conn conn;
	int fd, ret = r->cfg.remote->reconnect(r->cfg.remote->arg, &fd, &r->err);

	if (ret)
		return ret;
	if (!publish(r, fd))
		return -ECANCELED;
	vu_conn_init(&conn, fd);
	return handshake(&conn, r->cfg.kind, r->cfg.remote, r->cfg.rings, r->cfg.n_queues, &r->peer,
			 r->config, &r->err);
}

static void *thread_main(void *arg)
{
	struct reconnect *r = arg;

	r->result = try_once(r);
	loop_post(r->loop, &r->task);
	return NULL;
}

static void again(struct reconnect *r)
{
	loop_timer_arm(r->loop, &r->timer, loop_now(r->loop) + STEP_NS);
}

static void on_timer(struct loop_timer *t)
{
	struct reconnect *r = t->arg;

	memset(r->config, 0, sizeof(r->config));
	r->trying = !pthread_create(&r->thread, NULL, thread_main, r);
	if (!r->trying)
		again(r);
}

/* Said once, until it is something else. */
static void say(struct reconnect *r)
{
	if (!strcmp(r->said, r->err.text))
		return;
	memcpy(r->said, r->err.text, sizeof(r->said));
	log_warn("%s; trying again", r->said);
}

static void on_result(struct loop_task *t)
{
	struct reconnect *r = t->arg;
	int fd;

	(void)pthread_join(r->thread, NULL);
	r->trying = false;
	fd = r->fd;
	r->fd = -1;
	if (r->result) {
		fd_close(&fd);
		say(r);
		again(r);
	} else if (r->cfg.back(r->cfg.arg, fd, &r->peer, r->config)) {
		r->said[0] = '\0';
	} else {
		again(r);
	}
}

int reconnect_new(const struct reconnect_config *cfg, struct reconnect **out)
{
	struct reconnect *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	if (pthread_mutex_init(&r->lock, NULL)) {
		free(r);
		return -ENOMEM;
	}
	r->cfg = *cfg;
	r->loop = cfg->remote->loop;
	r->fd = -1;
	r->timer = (struct loop_timer){.fn = on_timer, .arg = r};
	r->task = (struct loop_task){.fn = on_result, .arg = r};
	*out = r;
	return 0;
}

void reconnect_begin(struct reconnect *r)
{
	again(r);
}

void reconnect_free(struct reconnect *r)
{
	if (!r)
		return;
	loop_timer_cancel(&r->timer);
	pthread_mutex_lock(&r->lock);
	r->give_up = true;
	if (r->fd >= 0)
		(void)shutdown(r->fd, SHUT_RDWR);
	pthread_mutex_unlock(&r->lock);
	if (r->trying)
		(void)pthread_join(r->thread, NULL);
	loop_task_cancel(r->loop, &r->task);
	fd_close(&r->fd);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}
