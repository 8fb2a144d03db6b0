// SPDX-License-Identifier: GPL-2.0
/*
 * irqlab: a transfer by DMA, and an interrupt at its end.
 *
 * A buffer belongs to the device from dma_map_single() until dma_unmap_single(), so whoever gives
 * up waiting has to stop the device before unmapping. This one can only be reset as a whole.
 *
 * That it was woken is no reason to believe that its transfer has ended: a bottom half may still
 * have been on its way for the one before. What the device says is.
 */
#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irqlab.h"

static int irqlab_transfer(struct irqlab *lab, dma_addr_t src, dma_addr_t dst, size_t len,
			   u32 delay_ns)
{
	/* A second more than the device's own time. */
	long left = HZ + nsecs_to_jiffies(delay_ns);
	u32 result;

	spin_lock_irq(&lab->lock); /* a reset comes before or after */
	reinit_completion(&lab->dma_done);
	writeq(src, lab->regs + IRQLAB_SRC);
	writeq(dst, lab->regs + IRQLAB_DST);
	writel(len, lab->regs + IRQLAB_LEN);
	writel(delay_ns, lab->regs + IRQLAB_DELAY);
	writel(IRQLAB_DMA_COPY, lab->regs + IRQLAB_DMA);
	spin_unlock_irq(&lab->lock);
	do {
		left = wait_for_completion_interruptible_timeout(&lab->dma_done, left);
		result = readl(lab->regs + IRQLAB_RESULT);
	} while (left > 0 && result == IRQLAB_RESULT_BUSY);
	if (left <= 0) {
		irqlab_reset(lab);
		return left ? left : -ETIMEDOUT;
	}
	if (result == IRQLAB_RESULT_NONE)
		return -ECANCELED;
	return result == IRQLAB_RESULT_OK ? 0 : -EIO;
}

/* Between buffers that are the device's meanwhile. */
static int irqlab_copy(struct irqlab *lab, void *from, void *to, size_t len, u32 delay_ns)
{
	dma_addr_t src, dst;
	int ret;

	src = dma_map_single(lab->dev, from, len, DMA_TO_DEVICE);
	if (dma_mapping_error(lab->dev, src))
		return -ENOMEM;
	dst = dma_map_single(lab->dev, to, len, DMA_FROM_DEVICE);
	if (dma_mapping_error(lab->dev, dst)) {
		ret = -ENOMEM;
		goto unmap_src;
	}
	ret = irqlab_transfer(lab, src, dst, len, delay_ns);
	dma_unmap_single(lab->dev, dst, len, DMA_FROM_DEVICE);
unmap_src:
	dma_unmap_single(lab->dev, src, len, DMA_TO_DEVICE);
	return ret;
}

int irqlab_dma(struct irqlab *lab, size_t len, u32 delay_ns)
{
	void *from, *to;
	int ret;

	if (!len || len > IRQLAB_DMA_MAX)
		return -EINVAL;
	from = kmalloc(len, GFP_KERNEL);
	to = kzalloc(len, GFP_KERNEL);
	if (!from || !to) {
		ret = -ENOMEM;
		goto free;
	}
	get_random_bytes(from, len);
	ret = mutex_lock_interruptible(&lab->dma_mutex);
	if (ret)
		goto free;
	ret = irqlab_copy(lab, from, to, len, delay_ns);
	mutex_unlock(&lab->dma_mutex);
	if (!ret && memcmp(from, to, len))
		ret = -EBADMSG;
free:
	kfree(to);
	kfree(from);
	return ret;
}
