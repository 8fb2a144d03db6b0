/* SPDX-License-Identifier: MIT */
/*
 * What a machine tells about itself while it runs: its devices, what they and the harts have
 * counted. A board only makes its devices known; everything else is the same for all.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/net.h"
#include "base/bits.h"
#include "base/fault.h"
#include "base/stats.h"
#include "dev/balloon.h"
#include "dev/input.h"
#include "dev/net.h"
#include "hw/uart8250.h"
#include "machine/board.h"
#include "machine/diagnose.h"
#include "remote/remote.h"
#include "transport/carrier.h"
#include "virtio/vdev.h"

/* A device is called as the option that makes it: --disk makes a blk. */
static const char *name_of(const struct vdev *dev)
{
	return dev->ops->device_id == VIRTIO_ID_BLOCK ? "disk" : dev->ops->name;
}

void machine_device_add(struct machine *m, unsigned slot, struct vdev *dev, struct carrier *carrier)
{
	struct machine_device *d = &m->device[m->n_devices];
	unsigned n = 0;

	if (m->n_devices == MACHINE_MAX_DEVICES)
		return;
	for (unsigned i = 0; i < m->n_devices; i++)
		n += m->device[i].dev->ops->device_id == dev->ops->device_id;
	snprintf(d->name, sizeof(d->name), "%.8s%u", name_of(dev), n);
	d->slot = slot;
	d->dev = dev;
	d->carrier = carrier;
	vdev_set_faults(dev, faults_device(m->cfg.faults, d->name));
	vdev_set_trace(dev, m->cfg.trace, d->name);
	m->n_devices++;
}

unsigned machine_devices(const struct machine *m, struct machine_device_info *out, unsigned max)
{
	unsigned n = m->n_devices < max ? m->n_devices : max;

	for (unsigned i = 0; i < n; i++) {
		const struct machine_device *d = &m->device[i];

		out[i] = (struct machine_device_info){
			.name = d->name,
			.kind = d->dev->ops->name,
			.slot = d->slot,
			.n_queues = d->dev->n_queues,
			.status = carrier_status(d->carrier),
			.features = vdev_features(d->dev),
			.broken = vdev_is_broken(d->dev),
		};
	}
	return n;
}

static int hart_stats(const struct machine *m, unsigned hart, struct stats_list *out)
{
	static const struct stats_row rows[] = {
		{.group = "hart", .name = "instructions", .help = "Instructions retired"},
		{.group = "hart",
		 .name = "cpu",
		 .unit = STATS_NS,
		 .help = "Time that the host spent on the hart"},
	};
	struct stats_labels labels = {.queue = STATS_NONE, .hart = (int)hart};
	int ret = stats_add(out, &rows[0], labels, m->cfg.engine->retired(m->vm->cpu[hart]));

	return ret ? ret : stats_add(out, &rows[1], labels, vcpus_cpu_ns(&m->vcpus, hart));
}

static int iothread_stats(const struct machine *m, unsigned i, struct stats_list *out)
{
	static const struct stats_row row = {.group = "iothread",
					     .name = "cpu",
					     .unit = STATS_NS,
					     .help = "Time that the host spent on the I/O thread"};
	struct stats_labels labels = {
		.device = m->io.thread[i].name, .queue = STATS_NONE, .hart = STATS_NONE};

	return stats_add(out, &row, labels, iothreads_cpu_ns(&m->io, i));
}

static int device_stats(const struct machine_device *d, struct stats_list *out)
{
	struct stats_labels labels = {.device = d->name, .queue = STATS_NONE, .hart = STATS_NONE};
	int ret = stats_add_table(out, vdev_rows, labels, &d->dev->stats);

	for (unsigned i = 0; i < d->dev->n_queues && !ret; i++) {
		labels.queue = (int)i;
		ret = stats_add_table(out, vdev_queue_rows, labels, &d->dev->queues[i].stats);
	}
	return ret;
}

/* What its network counts, under the name of the card. */
static int net_stats(const struct machine *m, unsigned index, struct stats_list *out)
{
	const struct net *net = m->cfg.net[index].net;
	struct stats_labels labels = {.queue = STATS_NONE, .hart = STATS_NONE};
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_devices; i++)
		if (m->device[i].dev->ops->device_id == VIRTIO_ID_NET && n++ == index)
			labels.device = m->device[i].name;
	if (!net->stats_rows || !labels.device)
		return 0;
	return stats_add_table(out, net->stats_rows, labels, net->stats);
}

static int machine_time_stats(const struct machine *m, struct stats_list *out)
{
	static const struct stats_row row = {.group = "machine",
					     .name = "time",
					     .unit = STATS_NS,
					     .help = "Time of the guest since power-on"};
	struct stats_labels none = {.queue = STATS_NONE, .hart = STATS_NONE};

	return stats_add(out, &row, none, machine_time_ns(m));
}

int machine_stats(const struct machine *m, struct stats_list *out)
{
	struct stats_labels uart = {.device = "uart0", .queue = STATS_NONE, .hart = STATS_NONE};
	struct stats_labels none = {.queue = STATS_NONE, .hart = STATS_NONE};
	int ret = machine_time_stats(m, out);

	for (unsigned i = 0; i < m->cfg.smp && !ret; i++)
		ret = hart_stats(m, i, out);
	for (unsigned i = 0; i < m->io.n && !ret; i++)
		ret = iothread_stats(m, i, out);
	for (unsigned i = 0; i < m->n_devices && !ret; i++)
		ret = device_stats(&m->device[i], out);
	if (!ret && m->balloon)
		ret = stats_add_table(out, balloon_rows, none, balloon_stats(m->balloon));
	for (unsigned i = 0; i < m->cfg.n_nets && !ret; i++)
		ret = net_stats(m, i, out);
	if (!ret && m->n_uarts)
		ret = stats_add_table(out, uart8250_rows, uart, uart8250_stats(m->uart[0]));
	return ret;
}

uint64_t machine_time_ns(const struct machine *m)
{
	return clock_ticks(&m->clock) * m->clock.ns_per_tick;
}

int machine_press_power(struct machine *m)
{
	if (!m->power_button)
		return -ENODEV;
	return input_press(m->power_button);
}

int machine_set_link(struct machine *m, const char *name, bool up)
{
	for (unsigned i = 0; i < m->n_devices; i++) {
		struct vdev *dev = m->device[i].dev;

		if (dev->ops->device_id != VIRTIO_ID_NET || strcmp(m->device[i].name, name) != 0)
			continue;
		if (remote_is(dev))
			remote_set_link(dev, up);
		else
			netdev_set_link(dev, up);
		return 0;
	}
	return -ENODEV;
}

int machine_balloon(struct machine *m, uint64_t bytes)
{
	if (!m->balloon)
		return -ENODEV;
	if (bytes > m->cfg.mem)
		return -EINVAL;
	balloon_resize(m->balloon, bytes);
	return vdev_queue_live(&m->balloon->queues[0]) ? 0 : -EAGAIN;
}

void machine_balloon_refresh(struct machine *m)
{
	if (m->balloon)
		balloon_refresh(m->balloon);
}

const char *machine_look_at(const struct machine *m, unsigned i, struct diagnose_device *out)
{
	const struct machine_device *d = &m->device[i];

	if (i >= m->n_devices)
		return NULL;
	*out = (struct diagnose_device){
		.device_id = d->dev->ops->device_id,
		.status = carrier_status(d->carrier),
		.features = vdev_features(d->dev),
		.gone = vdev_is_gone(d->dev),
		.why = vdev_why(d->dev),
		.n_queues = (unsigned)min_u64(d->dev->n_queues, DIAGNOSE_QUEUES)};
	for (unsigned n = 0; n < out->n_queues; n++) {
		const struct vdev_queue *q = &d->dev->queues[n];
		struct vdev_queue_state state = vdev_queue_look(d->dev, n);
		struct diagnose_queue *to = &out->queue[n];

		to->kicks = counter_read(&q->stats.kicks);
		to->interrupts = counter_read(&q->stats.interrupts);
		to->chains = counter_read(&q->stats.ring.chains);
		to->ready = state.ready;
		to->size = state.size;
		to->in_flight = state.in_flight;
		to->posted = state.posted;
	}
	return d->name;
}
