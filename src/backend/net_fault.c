/* SPDX-License-Identifier: MIT */
/*
 * A frame that a rule has hit is copied, changed, and sent on at once or from a line.
 *
 * Receiving has one more place to wait: a frame of ours that the user has no room for stays in
 * `ready`, and what comes after it from below is refused until that list is empty, so that only a
 * delay changes the order of frames. A frame from below that passed the rules and was refused by
 * the user comes again; `passed` remembers that it is not to be asked about twice.
 */
#include "backend/net_fault.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/net.h"
#include "base/bits.h"
#include "base/fault.h"
#include "base/fault_line.h"
#include "base/iov.h"

#define WAITING_MAX (4u << 20) /* bytes in each direction */

struct fault_net {
	struct net net;
	struct net *inner;
	struct faults *set;
	struct fault_point *tx, *rx;
};

struct fault_queue {
	struct net_queue queue;
	struct net_queue *below;
	struct loop *loop, *tx_loop;
	const struct net_user_ops *user_ops;
	void *user;
	struct fault_line tx, rx;
	size_t tx_waiting, rx_waiting; /* bytes of frames of ours */
	struct frame *ready;           /* received; the user had no room */
	size_t header;                 /* in front of each frame */
	bool wanted, passed;
	struct loop_task deliver;
};

struct frame {
	struct fault_waiting waiting;
	struct frame *next; /* in `ready` */
	struct fault_queue *q;
	size_t *account; /* one of the queue's two */
	size_t len, charge;
	uint8_t data[];
};

static struct fault_queue *queue_of(struct net_queue *nq)
{
	return container_of(nq, struct fault_queue, queue);
}

static struct fault_net *net_of(const struct fault_queue *q)
{
	return container_of(q->queue.net, struct fault_net, net);
}

/* A copy as the hit wants it, or NULL: it is lost. */
static struct frame *frame_new(struct fault_queue *q, size_t *account, const struct iovec *iov,
			       unsigned n, const struct fault_hit *hit)
{
	size_t len = iov_len(iov, n);
	struct frame *f;

	if (hit->what & FAULT_DROP || len <= q->header || *account + len > WAITING_MAX)
		return NULL;
	f = malloc(sizeof(*f) + len);
	if (!f)
		return NULL;
	f->next = NULL;
	f->q = q;
	f->account = account;
	f->len = len;
	f->charge = len;
	*account += len;
	iov_to_buf(iov, n, 0, f->data, len);
	if (hit->what & FAULT_SHORT)
		f->len = q->header + (len - q->header + 1) / 2;
	if (hit->what & FAULT_CORRUPT)
		fault_corrupt(f->data + q->header, f->len - q->header, hit->random);
	return f;
}

static void frame_free(struct frame *f)
{
	*f->account -= f->charge;
	free(f);
}

static void frame_drop(struct fault_waiting *w)
{
	frame_free(container_of(w, struct frame, waiting));
}

/* ---- sending ---- */

/* What the network below does not take is lost, as it would be without us. */
static void tx_now(struct fault_waiting *w)
{
	struct frame *f = container_of(w, struct frame, waiting);
	const struct iovec iov = {.iov_base = f->data, .iov_len = f->len};

	(void)f->q->below->ops->send(f->q->below, &iov, 1);
	frame_free(f);
}

static int fault_send(struct net_queue *nq, const struct iovec *iov, unsigned n)
{
	struct fault_queue *q = queue_of(nq);
	struct fault_hit hit;
	struct frame *f;

	if (!fault_ask(net_of(q)->tx, &hit))
		return q->below->ops->send(q->below, iov, n);
	f = frame_new(q, &q->tx_waiting, iov, n, &hit);
	if (!f)
		return 0;
	f->waiting.fn = tx_now;
	if (hit.what & FAULT_DELAY)
		fault_line_add(&q->tx, &f->waiting, loop_now(q->tx_loop) + hit.delay_ns, hit.epoch);
	else
		tx_now(&f->waiting);
	return 0;
}

/* ---- receiving ---- */

/* Gives the user what is ready. */
static void deliver(struct fault_queue *q)
{
	while (q->wanted && q->ready) {
		struct frame *f = q->ready;
		const struct iovec iov = {.iov_base = f->data, .iov_len = f->len};

		q->wanted = q->user_ops->recv(q->user, &iov, 1);
		if (!q->wanted)
			break;
		q->ready = f->next;
		frame_free(f);
	}
	q->below->ops->want_recv(q->below, q->wanted && !q->ready);
}

static void deliver_task(struct loop_task *t)
{
	deliver(t->arg);
}

static void make_ready(struct frame *f)
{
	struct frame **end = &f->q->ready;

	while (*end)
		end = &(*end)->next;
	*end = f;
}

static void rx_now(struct fault_waiting *w)
{
	struct frame *f = container_of(w, struct frame, waiting);

	make_ready(f);
	deliver(f->q);
}

static bool below_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct fault_queue *q = user;
	struct fault_hit hit;
	struct frame *f;

	if (q->ready)
		return false;
	if (q->passed || !fault_ask(net_of(q)->rx, &hit)) {
		q->wanted = q->user_ops->recv(q->user, iov, n);
		q->passed = !q->wanted;
		return q->wanted;
	}
	f = frame_new(q, &q->rx_waiting, iov, n, &hit);
	if (!f)
		return true;
	f->waiting.fn = rx_now;
	/* Without a delay too by way of the line: what comes next has to wait for this one. */
	if (hit.what & FAULT_DELAY) {
		fault_line_add(&q->rx, &f->waiting, loop_now(q->loop) + hit.delay_ns, hit.epoch);
		return true;
	}
	make_ready(f);
	loop_post(q->loop, &q->deliver);
	return true;
}

static const struct net_user_ops below_ops = {.recv = below_recv};

static void fault_want_recv(struct net_queue *nq, bool want)
{
	struct fault_queue *q = queue_of(nq);

	q->wanted = want;
	if (want && q->ready)
		loop_post(q->loop, &q->deliver);
	else
		q->below->ops->want_recv(q->below, want);
}

/* ---- the queue ---- */

static void drop_received(struct fault_queue *q)
{
	fault_line_drop(&q->rx, frame_drop);
	while (q->ready) {
		struct frame *f = q->ready;

		q->ready = f->next;
		frame_free(f);
	}
}

/* What waits for the user was meant for another agreement; what waits to be sent is of the old form
 * only if headers come or go, which they do not while another loop sends. */
static void fault_set_offloads(struct net_queue *nq, unsigned offloads)
{
	struct fault_queue *q = queue_of(nq);

	size_t header = offloads ? sizeof(struct net_header) : 0;

	if (q->header != header) {
		fault_line_drop(&q->tx, frame_drop);
		q->header = header;
	}
	q->passed = false;
	drop_received(q);
	q->below->ops->set_offloads(q->below, offloads);
}

static void fault_set_active(struct net_queue *nq, bool active)
{
	struct fault_queue *q = queue_of(nq);

	if (q->below->ops->set_active)
		q->below->ops->set_active(q->below, active);
}

static void fault_send_from(struct net_queue *nq, struct loop *loop)
{
	struct fault_queue *q = queue_of(nq);

	fault_line_fini(&q->tx);
	fault_line_init(&q->tx, net_of(q)->set, loop);
	q->tx_loop = loop;
	if (q->below->ops->send_from)
		q->below->ops->send_from(q->below, loop);
}

static void fault_close(struct net_queue *nq)
{
	struct fault_queue *q = queue_of(nq);

	q->below->ops->close(q->below);
	loop_task_cancel(q->loop, &q->deliver);
	fault_line_drop(&q->tx, frame_drop);
	drop_received(q);
	fault_line_fini(&q->tx);
	fault_line_fini(&q->rx);
	free(q);
}

static const struct net_queue_ops queue_ops = {
	.send = fault_send,
	.want_recv = fault_want_recv,
	.set_offloads = fault_set_offloads,
	.set_active = fault_set_active,
	.send_from = fault_send_from,
	.close = fault_close,
};

static int fault_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			    void *user, struct net_queue **out)
{
	struct fault_net *fn = container_of(net, struct fault_net, net);
	struct fault_queue *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return -ENOMEM;
	q->queue = (struct net_queue){.ops = &queue_ops, .net = net};
	q->loop = q->tx_loop = loop;
	q->user_ops = ops;
	q->user = user;
	q->deliver.fn = deliver_task;
	q->deliver.arg = q;
	ret = fn->inner->ops->open_queue(fn->inner, loop, &below_ops, q, &q->below);
	if (ret) {
		free(q);
		return ret;
	}
	fault_line_init(&q->tx, fn->set, loop);
	fault_line_init(&q->rx, fn->set, loop);
	*out = &q->queue;
	return 0;
}

static void fault_free(struct net *net)
{
	free(container_of(net, struct fault_net, net));
}

static const struct net_ops fault_net_ops = {
	.open_queue = fault_open_queue,
	.free = fault_free,
};

int net_fault_new(struct net *inner, struct fault_device *device, struct net **out)
{
	struct fault_net *fn = calloc(1, sizeof(*fn));

	if (!fn)
		return -ENOMEM;
	fn->net = *inner;
	fn->net.ops = &fault_net_ops;
	fn->inner = inner;
	fn->set = fault_device_set(device);
	fn->tx = fault_point(device, FAULT_TX);
	fn->rx = fault_point(device, FAULT_RX);
	*out = &fn->net;
	return 0;
}
