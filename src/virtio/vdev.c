/* SPDX-License-Identifier: MIT */
/*
 * The device core: what is between a carrier and a device.
 *
 * Starting and stopping a queue is a command word that home sets and a task on the queue's loop
 * takes. A stop that overtakes a start replaces it, and the task then finds nothing to stop and
 * reports at once; so there is one report for each stop, in whatever order things run. The setup
 * and the ring are written by home before the command while the queue has no use for them.
 */
#include "virtio/vdev.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/bits.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/trace.h"
#include "virtio/coalesce.h"
#include "virtio/ring.h"

enum { CMD_NONE, CMD_START, CMD_STOP };

#define LOG_MAX 8 /* lines about one device's guest errors */

static void control_task(struct loop_task *t);
static void kick_task(struct loop_task *t);
static void flush_task(struct loop_task *t);
static void stopped_task(struct loop_task *t);
static void count_kick(struct vdev_queue *q)
{
	counter_add_shared(&q->stats.kicks, 1);
	trace(q->dev->trace, TRACE_KICK, q->dev->trace_name, q->index, 0);
}

static void kick_event(struct loop_fd *w, uint32_t events);

/* ---- what is counted ---- */

#define QUEUE_ROW(member) \
	.group = "virtio_queue", .offset = offsetof(struct vdev_queue_stats, member)
#define DEVICE_ROW(member) .group = "virtio_device", .offset = offsetof(struct vdev_stats, member)

const struct stats_row vdev_queue_rows[] = {
	{QUEUE_ROW(kicks), .name = "kicks", .help = "Notifications by the driver"},
	{QUEUE_ROW(interrupts), .name = "interrupts", .help = "Interrupts for used chains"},
	{QUEUE_ROW(ring.chains), .name = "chains", .help = "Chains of descriptors completed"},
	{QUEUE_ROW(ring.read), .name = "read", .unit = STATS_BYTES,
	 .help = "Bytes that the device was given to read"},
	{QUEUE_ROW(ring.written), .name = "written", .unit = STATS_BYTES,
	 .help = "Bytes that the device has written"},
	{0},
};

const struct stats_row vdev_rows[] = {
	{DEVICE_ROW(broken), .name = "broken",
	 .help = "Times that the driver broke the rules and the device had to be reset"},
	{DEVICE_ROW(errors), .name = "errors", .help = "Requests that failed"},
	{0},
};

/* ---- making and freeing ---- */

int vdev_init(struct vdev *dev, const struct vdev_ops *ops, uint64_t features, unsigned n_queues,
	      unsigned config_len)
{
	assert(config_len <= VDEV_CONFIG_MAX);
	memset(dev, 0, sizeof(*dev));
	dev->queues = calloc(n_queues, sizeof(*dev->queues));
	if (!dev->queues)
		return -ENOMEM;
	dev->ops = ops;
	dev->offered = features | VIRTQ_FEATURES;
	dev->n_queues = n_queues;
	dev->config_len = config_len;
	for (unsigned i = 0; i < n_queues; i++) {
		struct vdev_queue *q = &dev->queues[i];

		q->dev = dev;
		q->index = i;
		q->control = (struct loop_task){.fn = control_task, .arg = q};
		q->kick = (struct loop_task){.fn = kick_task, .arg = q};
		q->flush = (struct loop_task){.fn = flush_task, .arg = q};
		q->stopped = (struct loop_task){.fn = stopped_task, .arg = q};
		q->kick_watch = (struct loop_fd){.fn = kick_event, .arg = q};
	}
	return 0;
}

void vdev_offer_ring(struct vdev *dev, uint64_t features)
{
	dev->offered &= ~VIRTQ_FEATURES_ALL;
	dev->offered |= (features & VIRTQ_FEATURES_ALL) | VIRTIO_F_VERSION_1;
}

void vdev_limit_rings(struct vdev *dev, uint32_t max)
{
	for (unsigned i = 0; i < dev->n_queues; i++)
		if (dev->queues[i].size_max > max)
			dev->queues[i].size_max = max;
}

void vdev_fini(struct vdev *dev)
{
	if (dev->faults)
		fault_device_act(dev->faults, NULL, NULL);
	for (unsigned i = 0; i < dev->n_queues; i++) {
		struct vdev_queue *q = &dev->queues[i];

		assert(!q->running);
		loop_task_cancel(q->loop, &q->control);
		loop_task_cancel(q->loop, &q->kick);
		loop_task_cancel(q->loop, &q->flush);
		if (dev->home)
			loop_task_cancel(dev->home, &q->stopped);
		free(q->waiting);
	}
	free(dev->queues);
	dev->queues = NULL;
}

void vdev_free(struct vdev *dev)
{
	if (dev)
		dev->ops->free(dev);
}

void vdev_queue_config(struct vdev *dev, unsigned index, uint32_t size_max, struct loop *loop)
{
	assert(size_max && size_max <= VIRTQ_SIZE_MAX);
	dev->queues[index].size_max = size_max;
	dev->queues[index].loop = loop;
}

void vdev_attach(struct vdev *dev, const struct vdev_port_ops *port, void *port_arg,
		 struct loop *home, const struct gmem *mem)
{
	dev->port = port;
	dev->port_arg = port_arg;
	dev->home = home;
	dev->mem = mem;
}

/* ---- a queue's loop ---- */

static int queue_watch(struct vdev_queue *q)
{
	if (q->setup.kick_fd < 0)
		return 0;
	q->kick_watch.fd = q->setup.kick_fd;
	q->kick_watch.events = EPOLLIN;
	return loop_fd_add(q->loop, &q->kick_watch);
}

static void queue_begin(struct vdev_queue *q)
{
	if (q->dev->ops->queue_start(q)) {
		vdev_broken(q->dev, "a queue cannot be started");
		return;
	}
	q->running = true;
	if (queue_watch(q))
		vdev_broken(q->dev, "a queue's kicks cannot be watched");
	else
		loop_post(q->loop, &q->kick);
}

static void queue_end(struct vdev_queue *q)
{
	if (!q->running) {
		loop_post(q->dev->home, &q->stopped);
		return;
	}
	loop_fd_del(&q->kick_watch);
	q->stopping = true;
	q->dev->ops->queue_stop(q);
}

static void control_task(struct loop_task *t)
{
	struct vdev_queue *q = t->arg;

	switch (atomic_exchange(&q->command, CMD_NONE)) {
	case CMD_START: queue_begin(q); break;
	case CMD_STOP: queue_end(q); break;
	default: break;
	}
}

bool vdev_queue_live(const struct vdev_queue *q)
{
	return q->running && !q->stopping &&
	       !atomic_load_explicit(&q->dev->is_broken, memory_order_relaxed);
}

static void kick_task(struct loop_task *t)
{
	struct vdev_queue *q = t->arg;

	if (vdev_queue_live(q))
		q->dev->ops->queue_kick(q);
}

static void kick_event(struct loop_fd *w, uint32_t events)
{
	struct vdev_queue *q = w->arg;

	eventfd_clear(w->fd);
	count_kick(q);
	kick_task(&q->kick);
}

/* Whether the device serves the request that was just popped. */
static bool fault_spares(struct vdev *dev)
{
	struct fault_hit hit;

	if (fault_ask(dev->fault_gone, &hit))
		vdev_gone(dev);
	else if (fault_ask(dev->fault_broken, &hit))
		vdev_broken(dev, "a fault on purpose");
	else
		return true;
	return false;
}

int vdev_pop(struct vdev_queue *q, struct virtq_chain *c)
{
	int r = virtq_pop(&q->ring, c);

	if (unlikely(r < 0))
		vdev_broken(q->dev, "the driver broke the rules of the ring");
	if (unlikely(q->dev->faults) && r > 0 && !fault_spares(q->dev)) {
		virtq_unpop(&q->ring, c);
		return -EIO;
	}
	return r;
}

/* An interrupt that the driver wants. */
static void queue_interrupt(struct vdev_queue *q)
{
	struct fault_hit hit;

	if (unlikely(fault_ask(q->dev->fault_irq, &hit)))
		return; /* it is lost */
	counter_add(&q->stats.interrupts, 1);
	trace(q->dev->trace, TRACE_INTERRUPT, q->dev->trace_name, q->index,
	      counter_read(&q->stats.ring.chains));
	if (q->setup.call_fd >= 0)
		eventfd_raise(q->setup.call_fd);
	else
		q->dev->port->interrupt(q->dev->port_arg, q->index);
}

void vdev_flush(struct vdev_queue *q)
{
	if (unlikely(vdev_is_gone(q->dev)))
		return;
	virtq_publish(&q->ring);
	if (unlikely(q->coalesce.max_ns) && coalesce_holds(q))
		return;
	if (virtq_wants_interrupt(&q->ring))
		queue_interrupt(q);
}

void vdev_drain(struct vdev_queue *q, enum vdev_taken (*take)(struct vdev_queue *q))
{
	uint32_t budget = virtq_size(&q->ring);
	enum vdev_taken r = VDEV_TAKEN;

	virtq_disable_kicks(&q->ring);
	while (budget && r != VDEV_STALLED && vdev_queue_live(q)) {
		r = take(q);
		if (r == VDEV_TAKEN)
			budget--;
		else if (r == VDEV_NONE && !virtq_enable_kicks(&q->ring))
			break;
	}
	if (!budget)
		vdev_go_on(q);
	vdev_flush(q);
}

static void flush_task(struct loop_task *t)
{
	struct vdev_queue *q = t->arg;

	q->flush_posted = false;
	/* Not after the end of a queue: vdev_queue_stopped() has done it. */
	if (q->running)
		vdev_flush(q);
}

void vdev_flush_soon(struct vdev_queue *q)
{
	/* For each packet: much cheaper than to post again, which takes a locked instruction. */
	if (q->flush_posted)
		return;
	q->flush_posted = true;
	loop_post(q->loop, &q->flush);
}

void vdev_queue_stopped(struct vdev_queue *q)
{
	assert(q->stopping && !virtq_in_flight(&q->ring));
	coalesce_end(q);
	vdev_flush(q);
	q->stopping = false;
	q->running = false;
	loop_post(q->dev->home, &q->stopped);
}

/* ---- home ---- */

static void set_features(struct vdev *dev, uint64_t features)
{
	atomic_store_explicit(&dev->features, features, memory_order_relaxed);
	if (dev->ops->features_set)
		dev->ops->features_set(dev, features);
}

int vdev_set_features(struct vdev *dev, uint64_t features)
{
	if (features & ~dev->offered || !(features & VIRTIO_F_VERSION_1))
		return -EINVAL;
	set_features(dev, features);
	return 0;
}

uint64_t vdev_features(const struct vdev *dev)
{
	return atomic_load_explicit(&dev->features, memory_order_relaxed);
}

uint32_t vdev_queue_size_max(const struct vdev *dev, unsigned index)
{
	uint32_t max;

	if (index >= dev->n_queues)
		return 0;
	max = dev->queues[index].size_max;
	if (vdev_features(dev) & VIRTIO_F_RING_PACKED)
		return max;
	return 1u << (31 - __builtin_clz(max));
}

/* By the two indices that everybody sees (2.7.6, 2.7.8): the ring itself is its loop's. */
static int32_t posted(const struct vdev *dev, const struct virtq_setup *ring)
{
	const uint8_t *avail = gmem_map(dev->mem, ring->driver, 4);
	const uint8_t *used = gmem_map(dev->mem, ring->device, 4);

	if (ring->features & VIRTIO_F_RING_PACKED || !avail || !used)
		return -1;
	return (uint16_t)(ring_load16(avail + 2, __ATOMIC_RELAXED) -
			  ring_load16(used + 2, __ATOMIC_RELAXED));
}

struct vdev_queue_state vdev_queue_look(const struct vdev *dev, unsigned index)
{
	const struct vdev_queue *q = &dev->queues[index];

	if (!q->started || q->stopped_cb || vdev_is_broken(dev))
		return (struct vdev_queue_state){0};
	return (struct vdev_queue_state){.ready = true,
					 .size = virtq_size(&q->ring),
					 .in_flight = virtq_in_flight(&q->ring),
					 .posted = posted(dev, &q->setup.ring)};
}

/* What a ring takes for IN_ORDER lives as long as the queue is started. */
static int waiting_new(struct vdev_queue *q, struct virtq_setup *ring)
{
	ring->waiting = NULL;
	if (!(ring->features & VIRTIO_F_IN_ORDER))
		return 0;
	q->waiting = calloc(ring->size, sizeof(*q->waiting));
	ring->waiting = q->waiting;
	return q->waiting ? 0 : -ENOMEM;
}

static void waiting_free(struct vdev_queue *q)
{
	free(q->waiting);
	q->waiting = NULL;
}

int vdev_queue_start(struct vdev *dev, unsigned index, const struct vdev_queue_setup *setup)
{
	struct virtq_setup ring = setup->ring;
	struct vdev_queue *q;
	int r;

	if (index >= dev->n_queues)
		return -EINVAL;
	q = &dev->queues[index];
	if (q->started || dev->reset_cb)
		return -EBUSY;
	if (!ring.size || ring.size > q->size_max)
		return -EINVAL;
	ring.features = vdev_features(dev);
	ring.stats = &q->stats.ring;
	r = waiting_new(q, &ring);
	if (!r)
		r = virtq_init(&q->ring, dev->mem, &ring);
	if (r) {
		waiting_free(q);
		return r;
	}
	q->setup = *setup;
	q->setup.ring = ring;
	q->started = true;
	dev->n_started++;
	atomic_store(&q->command, CMD_START);
	loop_post(q->loop, &q->control);
	return 0;
}

static void queue_stop(struct vdev_queue *q, void (*cb)(void *arg), void *arg)
{
	q->stopped_cb = cb;
	q->stopped_arg = arg;
	atomic_store(&q->command, CMD_STOP);
	loop_post(q->loop, &q->control);
}

int vdev_queue_stop(struct vdev *dev, unsigned index, void (*cb)(void *arg), void *arg)
{
	struct vdev_queue *q;

	if (index >= dev->n_queues)
		return -EINVAL;
	q = &dev->queues[index];
	if (!q->started || q->stopped_cb || dev->reset_cb)
		return -EINVAL;
	queue_stop(q, cb, arg);
	return 0;
}

int vdev_queue_reset(struct vdev *dev, unsigned index, void (*cb)(void *arg), void *arg)
{
	struct vdev_queue *q;

	if (index >= dev->n_queues || !(vdev_features(dev) & VIRTIO_F_RING_RESET))
		return -EINVAL;
	q = &dev->queues[index];
	if (q->stopped_cb || dev->reset_cb)
		return -EBUSY;
	if (q->started)
		queue_stop(q, cb, arg);
	else
		cb(arg);
	return 0;
}

static void reset_finish(struct vdev *dev)
{
	void (*cb)(void *arg) = dev->reset_cb;

	dev->reset_cb = NULL;
	set_features(dev, 0);
	atomic_store(&dev->is_broken, vdev_is_gone(dev));
	cb(dev->reset_arg);
}

static void stopped_task(struct loop_task *t)
{
	struct vdev_queue *q = t->arg;
	struct vdev *dev = q->dev;
	void (*cb)(void *arg) = q->stopped_cb;

	q->stopped_cb = NULL;
	q->started = false;
	waiting_free(q);
	dev->n_started--;
	cb(q->stopped_arg);
	if (dev->reset_cb && !dev->n_started)
		reset_finish(dev);
}

static void reset_queue_stopped(void *arg)
{
}

void vdev_reset(struct vdev *dev, void (*cb)(void *arg), void *arg)
{
	assert(!dev->reset_cb);
	dev->reset_cb = cb;
	dev->reset_arg = arg;
	for (unsigned i = 0; i < dev->n_queues; i++) {
		struct vdev_queue *q = &dev->queues[i];

		if (q->started && !q->stopped_cb)
			queue_stop(q, reset_queue_stopped, NULL);
	}
	if (!dev->n_started)
		reset_finish(dev);
}

/* On home: what a rule of the clock brings about. */
static void fault_act(void *arg, enum fault_op op)
{
	struct vdev *dev = arg;

	if (op == FAULT_GONE)
		vdev_gone(dev);
	else if (op == FAULT_BROKEN)
		vdev_broken(dev, "a fault on purpose");
	else if (!vdev_is_gone(dev))
		dev->port->interrupt(dev->port_arg, 0);
}

void vdev_set_faults(struct vdev *dev, struct fault_device *faults)
{
	dev->faults = faults;
	dev->fault_irq = fault_point(faults, FAULT_IRQ);
	dev->fault_gone = fault_point(faults, FAULT_GONE);
	dev->fault_broken = fault_point(faults, FAULT_BROKEN);
	if (faults)
		fault_device_act(faults, fault_act, dev);
}

void vdev_set_trace(struct vdev *dev, struct trace *trace, const char *name)
{
	dev->trace = trace;
	dev->trace_name = name;
}

/* ---- any thread ---- */

void vdev_kick(struct vdev *dev, unsigned index)
{
	if (index >= dev->n_queues)
		return;
	count_kick(&dev->queues[index]);
	vdev_go_on(&dev->queues[index]);
}

void vdev_notify(struct vdev *dev, uint32_t word)
{
	bool data = vdev_features(dev) & VIRTIO_F_NOTIFICATION_DATA;

	vdev_kick(dev, data ? word & VIRTIO_NOTIFY_QUEUE : word);
}

void vdev_go_on(struct vdev_queue *q)
{
	/* The task's own flag makes a burst of kicks one wake-up. */
	loop_post(q->loop, &q->kick);
}

void vdev_count_error(struct vdev *dev)
{
	counter_add_shared(&dev->stats.errors, 1);
}

bool vdev_is_broken(const struct vdev *dev)
{
	return atomic_load(&dev->is_broken);
}

void vdev_broken(struct vdev *dev, const char *why)
{
	if (!atomic_exchange(&dev->is_broken, true))
		vdev_degraded(dev, why);
}

const char *vdev_why(const struct vdev *dev)
{
	return atomic_load(&dev->why);
}

void vdev_degraded(struct vdev *dev, const char *why)
{
	atomic_store(&dev->why, why);
	counter_add_shared(&dev->stats.broken, 1);
	log_warn_limited(&dev->log, LOG_MAX, "virtio %s: %s; the device needs a reset",
			 dev->ops->name, why);
	dev->port->broken(dev->port_arg);
}

void vdev_gone(struct vdev *dev)
{
	if (atomic_exchange(&dev->is_gone, true))
		return;
	atomic_store(&dev->is_broken, true);
	log_warn_limited(&dev->log, LOG_MAX, "virtio %s: the device is gone", dev->ops->name);
	if (dev->port->gone)
		dev->port->gone(dev->port_arg);
}
