// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio device of a firmware (7, RPMsg), for the kernel's virtio_rpmsg_bus: rings in memory
 * that both cores see, status and features in the resource table, and the mailbox to kick with. A
 * kick for ring n is the command n, both ways.
 *
 * Messages of the mailbox come in a thread, which rpmsg's callbacks need, since they sleep. When
 * all channels of the mailbox are full a kick is sent later: it is worth as much then.
 */
#include <linux/bitops.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "rproc.h"

struct duo_vdev {
	struct virtio_device vdev;
	struct duo_rproc *r;
	struct fw_rsc_vdev *table; /* in the core's memory */
	struct virtqueue *vq[DUO_N_VRINGS];
};

static struct duo_vdev *duo_vdev_of(struct virtio_device *vdev)
{
	return container_of(vdev, struct duo_vdev, vdev);
}

/* ---- kicks ---- */

static void kick(struct duo_rproc *r, unsigned int ring)
{
	const struct duo_cmdqu message = {.cmd_id = ring, .param = ring << 16};

	if (!duo_mailbox_send(r->mailbox, &message))
		return;
	set_bit(ring, &r->kicks);
	schedule_delayed_work(&r->kick, 1);
}

void duo_vdev_kick_work(struct work_struct *work)
{
	struct duo_rproc *r = container_of(to_delayed_work(work), struct duo_rproc, kick);

	for (unsigned int i = 0; i < DUO_N_VRINGS; i++)
		if (test_and_clear_bit(i, &r->kicks))
			kick(r, i);
}

static bool duo_notify(struct virtqueue *vq)
{
	kick(duo_vdev_of(vq->vdev)->r, vq->index);
	return true;
}

static void kicked(void *data, const struct duo_cmdqu *message)
{
	struct duo_vdev *d = data;

	if (d->vq[message->cmd_id])
		vring_interrupt(0, d->vq[message->cmd_id]);
}

/* ---- the device's operations ---- */

static void duo_del_vqs(struct virtio_device *vdev)
{
	struct duo_vdev *d = duo_vdev_of(vdev);

	for (unsigned int i = 0; i < DUO_N_VRINGS; i++)
		if (d->vq[i])
			duo_mailbox_unregister(d->r->mailbox, i);
	for (unsigned int i = 0; i < DUO_N_VRINGS; i++) {
		if (d->vq[i])
			vring_del_virtqueue(d->vq[i]);
		d->vq[i] = NULL;
	}
}

static int find_vq(struct duo_vdev *d, unsigned int i, const struct virtqueue_info *info)
{
	const struct duo_vring *v = &d->r->res.vring[i];
	unsigned int size = vring_size(v->num, v->align);
	void *pages = duo_memory_at(&d->r->vrings, v->da, size);
	struct virtqueue *vq;
	int ret;

	memset(pages, 0, size);
	vq = vring_new_virtqueue(i, v->num, v->align, &d->vdev, false, info->ctx, pages, duo_notify,
				 info->callback, info->name);
	if (!vq)
		return -ENOMEM;
	d->vq[i] = vq;
	ret = duo_mailbox_register(d->r->mailbox, i, kicked, d);
	if (ret) {
		vring_del_virtqueue(vq);
		d->vq[i] = NULL;
	}
	return ret;
}

static int duo_find_vqs(struct virtio_device *vdev, unsigned int n, struct virtqueue *vqs[],
			struct virtqueue_info info[], struct irq_affinity *affinity)
{
	struct duo_vdev *d = duo_vdev_of(vdev);
	int ret = n > DUO_N_VRINGS ? -ENOENT : 0;

	for (unsigned int i = 0; !ret && i < n; i++) {
		vqs[i] = NULL;
		if (!info[i].name)
			continue;
		ret = find_vq(d, i, &info[i]);
		vqs[i] = d->vq[i];
	}
	if (ret)
		duo_del_vqs(vdev);
	return ret;
}

static u8 duo_get_status(struct virtio_device *vdev)
{
	return READ_ONCE(duo_vdev_of(vdev)->table->status);
}

static void duo_set_status(struct virtio_device *vdev, u8 status)
{
	WRITE_ONCE(duo_vdev_of(vdev)->table->status, status);
}

static void duo_reset(struct virtio_device *vdev)
{
	duo_set_status(vdev, 0);
}

static u64 duo_get_features(struct virtio_device *vdev)
{
	return duo_vdev_of(vdev)->r->res.features;
}

static int duo_finalize_features(struct virtio_device *vdev)
{
	vring_transport_features(vdev);
	WRITE_ONCE(duo_vdev_of(vdev)->table->gfeatures, lower_32_bits(vdev->features));
	return 0;
}

/* NULL: not all of it is in the configuration. */
static void *config_at(struct virtio_device *vdev, unsigned int offset, unsigned int len)
{
	struct duo_rproc *r = duo_vdev_of(vdev)->r;
	const struct duo_resources *res = &r->res;

	if (offset > res->config_len || len > res->config_len - offset)
		return NULL;
	return duo_memory_at(&r->rtos, res->table_da, res->table_size) + res->config_at + offset;
}

static void duo_get(struct virtio_device *vdev, unsigned int offset, void *buf, unsigned int len)
{
	const void *from = config_at(vdev, offset, len);

	if (from)
		memcpy(buf, from, len);
	else
		memset(buf, 0, len);
}

static void duo_set(struct virtio_device *vdev, unsigned int offset, const void *buf,
		    unsigned int len)
{
	void *to = config_at(vdev, offset, len);

	if (to)
		memcpy(to, buf, len);
}

static const char *duo_bus_name(struct virtio_device *vdev)
{
	return dev_name(duo_vdev_of(vdev)->r->dev);
}

static const struct virtio_config_ops duo_config_ops = {
	.get = duo_get,
	.set = duo_set,
	.get_status = duo_get_status,
	.set_status = duo_set_status,
	.reset = duo_reset,
	.find_vqs = duo_find_vqs,
	.del_vqs = duo_del_vqs,
	.get_features = duo_get_features,
	.finalize_features = duo_finalize_features,
	.bus_name = duo_bus_name,
};

/* ---- coming and going ---- */

static void release(struct device *dev)
{
	kfree(duo_vdev_of(dev_to_virtio(dev)));
}

int duo_vdev_add(struct duo_rproc *r)
{
	const struct duo_resources *res = &r->res;
	struct duo_vdev *d;
	int ret;

	if (!res->vdev_at)
		return 0;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->r = r;
	d->table = duo_memory_at(&r->rtos, res->table_da, res->table_size) + res->vdev_at;
	d->vdev.id.device = VIRTIO_ID_RPMSG;
	d->vdev.config = &duo_config_ops;
	d->vdev.dev.parent = r->dev;
	d->vdev.dev.release = release;
	ret = register_virtio_device(&d->vdev);
	if (ret) {
		put_device(&d->vdev.dev);
		return ret;
	}
	r->vdev = d;
	return 0;
}

void duo_vdev_remove(struct duo_rproc *r)
{
	if (!r->vdev)
		return;
	unregister_virtio_device(&r->vdev->vdev);
	r->vdev = NULL;
	cancel_delayed_work_sync(&r->kick);
	r->kicks = 0;
}
