/* SPDX-License-Identifier: MIT */
/*
 * The endpoints are those of src/rpmsg, over the device's two queues. What cannot be sent at once
 * is kept until queue 0 has buffers again: how many announcements are made, and the one message
 * that is held while its echo waits, behind which queue 1 stands still.
 */
#include "dev/rpmsg_echo.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bits.h"
#include "dev/rpmsg_queues.h"
#include "rpmsg/rpmsg.h"
#include "virtio/vdev.h"

#define QUEUE_SIZE 256u

#define SLOW    3u /* the channel that is; it answers after: */
#define SLOW_NS 1000000u

static const char *const channels[] = {"rpmsg-raw", "rpmsg-tty", "rpmsg-client-sample",
				       "linnet-slow"};

#define N_CHANNELS (sizeof(channels) / sizeof(channels[0]))

struct rpmsg_echo;

struct echo_channel {
	struct rpmsg_echo *echo;
	bool slow;
	struct rpmsg_ept ept;
};

struct rpmsg_echo {
	struct vdev vdev;
	struct rpmsg_queues queues;
	struct rpmsg rpmsg;
	struct loop *loop;
	struct loop_timer timer;
	struct echo_channel channel[N_CHANNELS];
	unsigned n_announced;
	struct {
		void *payload; /* held; NULL: none */
		uint32_t len, to;
		uint16_t flags;
		uint32_t from;
		bool early; /* the timer is not due */
	} waiting;          /* an echo that found no buffer, or is slow */
};

static struct rpmsg_echo *echo_of(struct vdev *dev)
{
	return container_of(dev, struct rpmsg_echo, vdev);
}

/* ---- the application ---- */

static int echo_received(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct echo_channel *c = priv;
	struct rpmsg_echo *echo = c->echo;
	uint16_t flags = rpmsg_rx_flags(payload);

	if (!c->slow && rpmsg_send_from(&echo->rpmsg, c->ept.addr, src, flags, payload, len, 0) !=
				RPMSG_ERR_NO_BUFF)
		return RPMSG_RELEASE;
	echo->waiting.payload = payload;
	echo->waiting.len = len;
	echo->waiting.to = src;
	echo->waiting.from = c->ept.addr;
	echo->waiting.flags = flags;
	echo->waiting.early = c->slow;
	if (c->slow)
		loop_timer_arm(echo->loop, &echo->timer, loop_now(echo->loop) + SLOW_NS);
	return RPMSG_HOLD;
}

static void echo_link(void *arg, bool up)
{
	struct rpmsg_echo *echo = arg;

	if (!up && echo->waiting.payload) {
		rpmsg_release_rx_buffer(&echo->rpmsg, echo->waiting.payload);
		echo->waiting.payload = NULL;
		echo->waiting.early = false;
		loop_timer_cancel(&echo->timer);
	}
	echo->n_announced = 0;
}

static void echo_announce(struct rpmsg_echo *echo)
{
	if (!(vdev_features(&echo->vdev) & RPMSG_VIRTIO_F_NS) || !echo->rpmsg.epoch)
		return;
	while (echo->n_announced < N_CHANNELS) {
		const struct rpmsg_ept *ept = &echo->channel[echo->n_announced].ept;

		if (rpmsg_ns_announce(&echo->rpmsg, ept, channels[echo->n_announced],
				      RPMSG_NS_CREATE))
			return;
		echo->n_announced++;
	}
}

/* What waits for buffers of queue 0. */
static void echo_go_on(struct rpmsg_echo *echo)
{
	void *payload = echo->waiting.payload;

	echo_announce(echo);
	if (!payload ||
	    rpmsg_send_from(&echo->rpmsg, echo->waiting.from, echo->waiting.to, echo->waiting.flags,
			    payload, echo->waiting.len, 0) == RPMSG_ERR_NO_BUFF)
		return;
	echo->waiting.payload = NULL;
	rpmsg_release_rx_buffer(&echo->rpmsg, payload);
}

static void echo_due(struct loop_timer *t)
{
	struct rpmsg_echo *echo = t->arg;

	echo->waiting.early = false;
	echo_go_on(echo);
}

/* ---- the device ---- */

static enum vdev_taken echo_take(struct vdev_queue *q)
{
	struct rpmsg_echo *echo = echo_of(q->dev);

	if (!rpmsg_queues_can_take(&echo->queues))
		return VDEV_STALLED;
	return rpmsg_poll_one(&echo->rpmsg) ? VDEV_TAKEN : VDEV_NONE;
}

static void echo_queue_kick(struct vdev_queue *q)
{
	struct rpmsg_echo *echo = echo_of(q->dev);

	if (q->index == RPMSG_RING_RX) {
		vdev_drain(q, echo_take);
		return;
	}
	rpmsg_queues_kicked(&echo->queues);
	rpmsg_poll_link(&echo->rpmsg);
	echo_go_on(echo);
}

static int echo_queue_start(struct vdev_queue *q)
{
	if (q->index == RPMSG_RING_TX)
		rpmsg_queues_started(&echo_of(q->dev)->queues);
	return 0;
}

static void echo_queue_stop(struct vdev_queue *q)
{
	struct rpmsg_echo *echo = echo_of(q->dev);

	loop_timer_cancel(&echo->timer);
	echo->waiting.early = false;
	vdev_queue_stopped(q);
}

static void echo_free(struct vdev *dev)
{
	struct rpmsg_echo *echo = echo_of(dev);

	vdev_fini(dev);
	rpmsg_queues_fini(&echo->queues);
	free(echo);
}

static const struct vdev_ops echo_ops = {
	.name = "rpmsg",
	.device_id = VIRTIO_ID_RPMSG,
	.queue_start = echo_queue_start,
	.queue_stop = echo_queue_stop,
	.queue_kick = echo_queue_kick,
	.free = echo_free,
};

int rpmsg_echo_new(struct loop *loop, struct vdev **out)
{
	struct rpmsg_echo *echo = calloc(1, sizeof(*echo));
	const struct rpmsg_env env = {.arg = echo, .link = echo_link};

	if (!echo)
		return -ENOMEM;
	echo->loop = loop;
	echo->timer = (struct loop_timer){.fn = echo_due, .arg = echo};
	if (rpmsg_queues_init(&echo->queues, &echo->vdev))
		goto fail;
	if (vdev_init(&echo->vdev, &echo_ops, RPMSG_VIRTIO_F_NS, 2, 0))
		goto fail_queues;
	for (unsigned i = 0; i < 2; i++)
		vdev_queue_config(&echo->vdev, i, QUEUE_SIZE, loop);
	rpmsg_remote_init(&echo->rpmsg, &echo->queues.carrier, &env);
	for (unsigned i = 0; i < N_CHANNELS; i++) {
		echo->channel[i].echo = echo;
		echo->channel[i].slow = i == SLOW;
		rpmsg_create_ept(&echo->rpmsg, RPMSG_ADDR_ANY, echo_received, &echo->channel[i],
				 &echo->channel[i].ept);
	}
	*out = &echo->vdev;
	return 0;
fail_queues:
	rpmsg_queues_fini(&echo->queues);
fail:
	free(echo);
	return -ENOMEM;
}
