/* SPDX-License-Identifier: MIT */
/*
 * Compiled by build.sh, together with the kernel's source: see kring.h.
 *
 * Guest memory is given out in pieces of powers of two, from a list of free ones for each. A piece
 * of kmalloc() has its class in the 16 bytes before it; whole pages have none.
 */
#include "kernel.h"

#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "kring.h"

#define CLASSES   24u
#define HEAD_SIZE 16u

struct piece {
	struct piece *next;
};

uint8_t *kernel_ring_host;
uint64_t kernel_ring_gpa;

/* The ring that is open. */
static struct {
	struct kring_config config;
	uint64_t used; /* bytes of memory that were given out ever */
	struct piece *free_small[CLASSES], *free_pages[CLASSES];
	struct device parent;
	struct virtio_device dev;
	struct virtqueue *vq;
	void (*recycle)(void *arg, void *token);
} ring;

/* ---- memory ---- */

static unsigned class_of(size_t size)
{
	return size <= 32 ? 5 : 64 - (unsigned)__builtin_clzl(size - 1);
}

static void *take(struct piece **list, unsigned class, uint64_t align)
{
	struct piece *p = list[class];

	if (p) {
		list[class] = p->next;
		return p;
	}
	ring.used = (ring.used + align - 1) & ~(align - 1);
	if (class >= CLASSES || ring.config.len - ring.used < 1ull << class)
		return NULL;
	ring.used += 1ull << class;
	return ring.config.host + ring.used - (1ull << class);
}

static void give(struct piece **list, unsigned class, void *p)
{
	struct piece *piece = p;

	piece->next = list[class];
	list[class] = piece;
}

void *kernel_ring_alloc(size_t size)
{
	unsigned class = class_of(size + HEAD_SIZE);
	uint8_t *p = take(ring.free_small, class, HEAD_SIZE);

	if (!p)
		return NULL;
	*(unsigned *)p = class;
	return p + HEAD_SIZE;
}

void kernel_ring_free(void *p)
{
	uint8_t *piece = p;

	if (!p)
		return;
	piece -= HEAD_SIZE;
	give(ring.free_small, *(unsigned *)piece, piece);
}

void *kernel_ring_alloc_pages(size_t size)
{
	return take(ring.free_pages, class_of(size), PAGE_SIZE);
}

void kernel_ring_free_pages(void *p, size_t size)
{
	give(ring.free_pages, class_of(size), p);
}

/* ---- what the ring asks of its carrier ---- */

static bool notify(struct virtqueue *vq)
{
	ring.config.notify(ring.config.arg, vring_notification_data(vq));
	return true;
}

static void used(struct virtqueue *vq)
{
}

static int disable_vq_and_reset(struct virtqueue *vq)
{
	ring.config.stop(ring.config.arg);
	vq->reset = true;
	return 0;
}

static int enable_vq_after_reset(struct virtqueue *vq)
{
	vq->reset = false;
	ring.config.start(ring.config.arg);
	return 0;
}

static const struct virtio_config_ops config_ops = {
	.disable_vq_and_reset = disable_vq_and_reset,
	.enable_vq_after_reset = enable_vq_after_reset,
};

/* ---- struct kring_ops ---- */

static int kring_open(const struct kring_config *config)
{
	memset(&ring, 0, sizeof(ring));
	ring.config = *config;
	kernel_ring_host = config->host;
	kernel_ring_gpa = config->gpa;
	ring.dev.dev.parent = &ring.parent;
	ring.dev.features = config->features;
	ring.dev.config = &config_ops;
	INIT_LIST_HEAD(&ring.dev.vqs);
	ring.vq = vring_create_virtqueue(0, config->size, PAGE_SIZE, &ring.dev, true, false, false,
					 notify, used, "test");
	if (ring.vq)
		ring.vq->num_max = config->size;
	return ring.vq ? 0 : -ENOMEM;
}

static void kring_close(void)
{
	vring_del_virtqueue(ring.vq);
}

static void where(uint64_t *desc, uint64_t *driver, uint64_t *device, uint32_t *size)
{
	*desc = virtqueue_get_desc_addr(ring.vq);
	*driver = virtqueue_get_avail_addr(ring.vq);
	*device = virtqueue_get_used_addr(ring.vq);
	*size = virtqueue_get_vring_size(ring.vq);
}

static int add(const struct kring_part *part, unsigned n_out, unsigned n_in, void *token)
{
	struct scatterlist sg[KRING_PARTS], *list[2];
	unsigned n = n_out + n_in;

	for (unsigned i = 0; i < n; i++)
		sg[i] = (struct scatterlist){
			.page = (void *)((uintptr_t)part[i].p & ~(PAGE_SIZE - 1)),
			.offset = (unsigned)offset_in_page(part[i].p),
			.length = part[i].len,
			.last = i + 1 == n_out || i + 1 == n,
		};
	list[0] = sg;
	list[n_out != 0] = sg + n_out;
	return virtqueue_add_sgs(ring.vq, list, n_out != 0, n_in != 0, token, GFP_ATOMIC);
}

static void kick(void)
{
	virtqueue_kick(ring.vq);
}

static void *get(unsigned *len)
{
	return virtqueue_get_buf(ring.vq, len);
}

static bool interrupt(void)
{
	return vring_interrupt(0, ring.vq) == IRQ_HANDLED;
}

static void disable_interrupts(void)
{
	virtqueue_disable_cb(ring.vq);
}

static bool enable_interrupts(void)
{
	return virtqueue_enable_cb(ring.vq);
}

static bool enable_interrupts_delayed(void)
{
	return virtqueue_enable_cb_delayed(ring.vq);
}

static void recycle(struct virtqueue *vq, void *token)
{
	ring.recycle(ring.config.arg, token);
}

static int resize(uint32_t size, void (*recycle_cb)(void *arg, void *token))
{
	ring.recycle = recycle_cb;
	return virtqueue_resize(ring.vq, size, recycle, NULL);
}

static bool is_broken(void)
{
	return virtqueue_is_broken(ring.vq);
}

__attribute__((visibility("default"))) const struct kring_ops kring = {
	.open = kring_open,
	.close = kring_close,
	.where = where,
	.add = add,
	.kick = kick,
	.get = get,
	.interrupt = interrupt,
	.disable_interrupts = disable_interrupts,
	.enable_interrupts = enable_interrupts,
	.enable_interrupts_delayed = enable_interrupts_delayed,
	.resize = resize,
	.is_broken = is_broken,
};
