/* SPDX-License-Identifier: MIT */
/*
 * The driver asks by config space what the device is: it writes `select` and `subsel`, and reads
 * `size` and that many bytes of `u`. Each write publishes the answer before the store completes.
 *
 * Events go out through queue 0, one in each of the buffers that the driver has posted there; what
 * finds none waits in `pending`. A press is all of its events or nothing. Queue 1 is for what a
 * driver tells the device (LEDs): there is nothing to do about it but to give the buffers back.
 */
#include "dev/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/iov.h"
#include "virtio/vdev.h"

/* 5.8.2 */
#define EVENTS     0u
#define STATUS     1u
#define QUEUE_SIZE 64u
#define PARTS      8u

/* 5.8.4 */
#define CONFIG_SELECT 0u
#define CONFIG_SUBSEL 1u
#define CONFIG_SIZE   2u
#define CONFIG_U      8u
#define CONFIG_LEN    136u

#define CFG_ID_NAME   0x01u
#define CFG_ID_DEVIDS 0x03u
#define CFG_EV_BITS   0x11u

/* 5.8.6: le16 type, le16 code, le32 value; types are Linux's. */
#define EVENT_SIZE  8u
#define EV_SYN      0u
#define EV_KEY      1u
#define BUS_VIRTUAL 6u

#define PENDING_MAX 16u

struct event {
	uint16_t type, code;
	uint32_t value;
};

struct input {
	struct vdev vdev;
	uint8_t select, subsel; /* home */
	struct virtq_chain chain;
	struct event pending[PENDING_MAX];
	unsigned n_pending;
};

static struct input *input_of(struct vdev *dev)
{
	return container_of(dev, struct input, vdev);
}

/* ---- config space ---- */

/* The answer to (select, subsel) in u; its length. */
static unsigned describe(const struct input *in, uint8_t *u)
{
	static const char name[] = "Linnet power button";

	switch (in->select) {
	case CFG_ID_NAME: memcpy(u, name, sizeof(name) - 1); return sizeof(name) - 1;
	case CFG_ID_DEVIDS: /* bus, vendor, product, version */
		le16_store(u, BUS_VIRTUAL);
		return 8;
	case CFG_EV_BITS:
		if (in->subsel != EV_KEY)
			return 0;
		u[INPUT_KEY_POWER / 8] = 1u << INPUT_KEY_POWER % 8;
		return INPUT_KEY_POWER / 8 + 1;
	default: return 0;
	}
}

static void publish_config(struct input *in)
{
	uint8_t config[CONFIG_LEN] = {0};

	config[CONFIG_SELECT] = in->select;
	config[CONFIG_SUBSEL] = in->subsel;
	config[CONFIG_SIZE] = (uint8_t)describe(in, config + CONFIG_U);
	vdev_config_set(&in->vdev, 0, config, sizeof(config));
}

static void input_config_written(struct vdev *dev, unsigned offset, unsigned size, uint64_t value)
{
	struct input *in = input_of(dev);

	for (unsigned i = 0; i < size; i++, value >>= 8) {
		if (offset + i == CONFIG_SELECT)
			in->select = (uint8_t)value;
		else if (offset + i == CONFIG_SUBSEL)
			in->subsel = (uint8_t)value;
	}
	publish_config(in);
}

/* ---- events ---- */

static enum vdev_taken send_event(struct vdev_queue *q)
{
	struct input *in = input_of(q->dev);
	const struct event *ev = in->pending;
	uint8_t bytes[EVENT_SIZE];

	if (!in->n_pending || vdev_pop(q, &in->chain) <= 0)
		return VDEV_NONE;
	if (in->chain.write_len < EVENT_SIZE) {
		virtq_unpop(&q->ring, &in->chain);
		vdev_broken(q->dev, "a buffer without room for an event");
		return VDEV_NONE;
	}
	le16_store(bytes, ev->type);
	le16_store(bytes + 2, ev->code);
	le32_store(bytes + 4, ev->value);
	iov_from_buf(virtq_chain_writable(&in->chain), in->chain.n_write, 0, bytes, EVENT_SIZE);
	virtq_push(&q->ring, &in->chain, EVENT_SIZE);
	in->n_pending--;
	memmove(in->pending, in->pending + 1, in->n_pending * sizeof(*ev));
	return VDEV_TAKEN;
}

/* Buffers that come while nothing is pending are of no interest: no kicks then. */
static void send_events(struct vdev_queue *q)
{
	struct input *in = input_of(q->dev);
	bool more = true;

	virtq_disable_kicks(&q->ring);
	while (more && vdev_queue_live(q) && in->n_pending)
		more = send_event(q) == VDEV_TAKEN || virtq_enable_kicks(&q->ring);
	vdev_flush(q);
}

static enum vdev_taken take_status(struct vdev_queue *q)
{
	struct input *in = input_of(q->dev);

	if (vdev_pop(q, &in->chain) <= 0)
		return VDEV_NONE;
	virtq_push(&q->ring, &in->chain, 0);
	return VDEV_TAKEN;
}

int input_press(struct vdev *dev)
{
	struct input *in = input_of(dev);
	static const struct event press[] = {
		{EV_KEY, INPUT_KEY_POWER, 1},
		{EV_SYN, 0, 0},
		{EV_KEY, INPUT_KEY_POWER, 0},
		{EV_SYN, 0, 0},
	};

	if (!vdev_queue_live(&dev->queues[EVENTS]))
		return -EAGAIN;
	if (in->n_pending > PENDING_MAX - ARRAY_SIZE(press))
		return -EBUSY;
	memcpy(in->pending + in->n_pending, press, sizeof(press));
	in->n_pending += ARRAY_SIZE(press);
	vdev_go_on(&dev->queues[EVENTS]);
	return 0;
}

/* ---- the queues ---- */

static int input_queue_start(struct vdev_queue *q)
{
	return 0;
}

static void input_queue_stop(struct vdev_queue *q)
{
	/* A driver that comes later shall not power off by what was meant for this one. */
	if (q->index == EVENTS)
		input_of(q->dev)->n_pending = 0;
	vdev_queue_stopped(q);
}

static void input_queue_kick(struct vdev_queue *q)
{
	if (q->index == EVENTS)
		send_events(q);
	else
		vdev_drain(q, take_status);
}

static void input_free(struct vdev *dev)
{
	struct input *in = input_of(dev);

	vdev_fini(dev);
	virtq_chain_fini(&in->chain);
	free(in);
}

static const struct vdev_ops input_ops = {
	.name = "input",
	.device_id = VIRTIO_ID_INPUT,
	.queue_start = input_queue_start,
	.queue_stop = input_queue_stop,
	.queue_kick = input_queue_kick,
	.config_written = input_config_written,
	.free = input_free,
};

int input_power_button_new(struct loop *loop, struct vdev **out)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return -ENOMEM;
	if (virtq_chain_init(&in->chain, PARTS))
		goto fail;
	if (vdev_init(&in->vdev, &input_ops, 0, 2, CONFIG_LEN))
		goto fail;
	vdev_queue_config(&in->vdev, EVENTS, QUEUE_SIZE, loop);
	vdev_queue_config(&in->vdev, STATUS, QUEUE_SIZE, loop);
	publish_config(in);
	*out = &in->vdev;
	return 0;
fail:
	virtq_chain_fini(&in->chain);
	free(in);
	return -ENOMEM;
}
