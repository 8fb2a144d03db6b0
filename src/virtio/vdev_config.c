/* SPDX-License-Identifier: MIT */
/*
 * Config space is a sequence lock: the counter is odd while a writer is at work, which also keeps a
 * second writer out. A reader that saw the same even number before and after has a consistent
 * snapshot. Bytes are stored with release order, so that none can be seen before the odd number,
 * and loaded with acquire order, so that the second look at the counter comes after all of them.
 */
#include <assert.h>

#include "virtio/vdev.h"

void vdev_config_set(struct vdev *dev, unsigned offset, const void *buf, unsigned len)
{
	const uint8_t *p = buf;
	unsigned seq;

	assert(offset <= dev->config_len && len <= dev->config_len - offset);
	do {
		seq = atomic_load_explicit(&dev->config_seq, memory_order_relaxed) & ~1u;
	} while (!atomic_compare_exchange_weak_explicit(
		&dev->config_seq, &seq, seq + 1, memory_order_acquire, memory_order_relaxed));
	for (unsigned i = 0; i < len; i++)
		atomic_store_explicit(&dev->config[offset + i], p[i], memory_order_release);
	atomic_store_explicit(&dev->config_seq, seq + 2, memory_order_release);
}

void vdev_config_changed(struct vdev *dev)
{
	if (!vdev_is_gone(dev))
		dev->port->config_changed(dev->port_arg);
}

bool vdev_config_read(const struct vdev *dev, unsigned offset, unsigned size, uint64_t *value)
{
	unsigned seq = atomic_load_explicit(&dev->config_seq, memory_order_acquire);
	uint64_t v = 0;

	if (seq & 1)
		return false;
	for (unsigned i = 0; i < size && offset + i < dev->config_len; i++)
		v |= (uint64_t)atomic_load_explicit(&dev->config[offset + i], memory_order_acquire)
		     << 8 * i;
	*value = v;
	return atomic_load_explicit(&dev->config_seq, memory_order_relaxed) == seq;
}

uint32_t vdev_config_generation(const struct vdev *dev)
{
	return atomic_load_explicit(&dev->config_seq, memory_order_acquire) >> 1;
}

void vdev_config_write(struct vdev *dev, unsigned offset, unsigned size, uint64_t value)
{
	if (!dev->ops->config_written || offset > dev->config_len ||
	    size > dev->config_len - offset)
		return;
	dev->ops->config_written(dev, offset, size, value);
}
