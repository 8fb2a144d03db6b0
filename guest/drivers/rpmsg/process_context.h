/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before the kernel's virtio_rpmsg_bus.c, which takes mutexes when it is told of messages:
 * it was written for remoteproc, whose notifications come in a thread. Those of virtio-mmio and
 * virtio-pci come in interrupts, where a mutex that is taken means a kernel that hangs.
 *
 * So the callback of the first queue, "input", is put between the two: in a thread it goes on at
 * once, in an interrupt it turns the queue's interrupts off and leaves the rest to a work item,
 * which turns them on again when the queue is empty. The second queue's callback only wakes
 * sleepers.
 */
#ifndef LINNET_RPMSG_PROCESS_CONTEXT_H
#define LINNET_RPMSG_PROCESS_CONTEXT_H

#include <linux/device.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/workqueue.h>

struct linnet_input {
	struct work_struct work;
	struct virtqueue *vq;
	vq_callback_t *callback; /* virtio_rpmsg_bus' own */
};

/* It would complain if it were called for nothing. */
static inline void linnet_input_work(struct work_struct *work)
{
	struct linnet_input *in = container_of(work, struct linnet_input, work);

	while (!virtqueue_enable_cb(in->vq)) {
		virtqueue_disable_cb(in->vq);
		in->callback(in->vq);
	}
}

/* It goes with the driver's other resources. */
static inline void linnet_input_release(struct device *dev, void *res)
{
}

/* The queue's own pointer is the transport's, the device's the driver's. */
static inline struct linnet_input *linnet_input_of(struct virtio_device *vdev)
{
	return devres_find(&vdev->dev, linnet_input_release, NULL, NULL);
}

static inline void linnet_input_callback(struct virtqueue *vq)
{
	struct linnet_input *in = linnet_input_of(vq->vdev);

	if (in_task() && !irqs_disabled()) {
		in->callback(vq);
		return;
	}
	virtqueue_disable_cb(vq);
	queue_work(system_highpri_wq, &in->work);
}

static inline int linnet_find_vqs(struct virtio_device *vdev, unsigned int n,
				  struct virtqueue *vqs[], struct virtqueue_info info[],
				  struct irq_affinity *desc)
{
	struct linnet_input *in = devres_alloc(linnet_input_release, sizeof(*in), GFP_KERNEL);
	int err;

	if (!in)
		return -ENOMEM;
	INIT_WORK(&in->work, linnet_input_work);
	in->callback = info[0].callback;
	info[0].callback = linnet_input_callback;
	devres_add(&vdev->dev, in);
	err = virtio_find_vqs(vdev, n, vqs, info, desc);
	/* No interrupt comes before the device is made ready. */
	if (!err)
		in->vq = vqs[0];
	return err;
}

/* As the driver is removed: no work is left, and no interrupt can bring another. */
static inline void linnet_reset_device(struct virtio_device *vdev)
{
	virtio_reset_device(vdev);
	cancel_work_sync(&linnet_input_of(vdev)->work);
}

/* It has one of its own. */
#undef pr_fmt

#define virtio_find_vqs     linnet_find_vqs
#define virtio_reset_device linnet_reset_device

#endif
