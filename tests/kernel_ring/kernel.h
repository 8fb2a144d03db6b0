/* SPDX-License-Identifier: MIT */
/*
 * What drivers/virtio/virtio_ring.c and the headers of virtio take from the rest of the kernel, for
 * a program in user space: build.sh puts this header in the place of all others that they include.
 *
 * "Physical" addresses are those of the guest memory that kring.c allocates from. There is no
 * concurrency on the driver's side, so that locks are nothing; barriers are those of a host with
 * many CPUs.
 */
#ifndef KERNEL_RING_KERNEL_H
#define KERNEL_RING_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- types ---- */

typedef uint8_t u8, __u8;
typedef uint16_t u16, __u16, __le16, __be16;
typedef uint32_t u32, __u32, __le32, __be32;
typedef uint64_t u64, __u64, __le64, __be64, dma_addr_t, phys_addr_t;
typedef int64_t s64;
typedef unsigned gfp_t;
typedef int irqreturn_t;
typedef int spinlock_t;

#define __bitwise
#define __force
#define __user

enum { IRQ_NONE, IRQ_HANDLED };
enum { GFP_KERNEL = 1, GFP_ATOMIC = 2, __GFP_HIGHMEM = 4, __GFP_NOWARN = 8, __GFP_ZERO = 16 };
enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };

struct device {
	struct device *parent;
};

struct module;
struct device_driver {
	const char *name;
};
struct completion {
	int done;
};
struct virtio_device_id {
	u32 device, vendor;
};
struct cpumask;
struct irq_affinity;

/* ---- the compiler ---- */

#define READ_ONCE(x)     (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define data_race(x)     (x)
#define likely(x)        __builtin_expect(!!(x), 1)
#define unlikely(x)      __builtin_expect(!!(x), 0)
#define barrier()        __asm__ __volatile__("" ::: "memory")
#define typecheck(t, x)  ((void)((t *)0 == (typeof(x) *)0), 1)

#define container_of(ptr, type, member)       ((type *)((char *)(ptr)-offsetof(type, member)))
#define container_of_const(ptr, type, member) container_of(ptr, type, member)
#define BIT_ULL(n)                            (1ull << (n))
#define BUILD_BUG_ON(x)                       BUG_ON(x)
#define fallthrough                           __attribute__((fallthrough))

#define EXPORT_SYMBOL_GPL(name)  extern typeof(name) name
#define MODULE_DESCRIPTION(text) extern int kernel_ring_module
#define MODULE_LICENSE(text)     extern int kernel_ring_module

/* ---- barriers, between CPUs: the device is another thread ---- */

#define mb()                      __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define virt_mb()                 __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define virt_rmb()                __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define virt_wmb()                __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb()                 virt_rmb()
#define dma_wmb()                 virt_wmb()
#define virt_store_mb(var, value) (void)__atomic_exchange_n(&(var), value, __ATOMIC_SEQ_CST)

/* ---- errors: those of the ring's code end the test ---- */

#define BUG()                                                                       \
	do {                                                                        \
		fprintf(stderr, "virtio_ring.c:%d: BUG in the driver\n", __LINE__); \
		abort();                                                            \
	} while (0)
#define BUG_ON(x)                \
	do {                     \
		if (unlikely(x)) \
			BUG();   \
	} while (0)
#define WARN_ON(x)                   \
	({                           \
		bool warn_ = (x);    \
		if (unlikely(warn_)) \
			BUG();       \
		warn_;               \
	})
#define WARN_ON_ONCE(x)         WARN_ON(x)
#define panic(...)              BUG()
#define dev_err(dev, ...)       ((void)(dev), (void)fprintf(stderr, __VA_ARGS__))
#define dev_warn(dev, ...)      ((void)(dev), (void)fprintf(stderr, __VA_ARGS__))
#define dev_warn_once(dev, ...) dev_warn(dev, __VA_ARGS__)
#define pr_debug(...)           ((void)0)
#define might_sleep()           ((void)0)
#define synchronize_rcu()       ((void)0)
#define kmsan_handle_dma(...)   ((void)0)
#define xen_domain()            false
#define ERR_PTR(e)              ((void *)(intptr_t)(e))

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline const char *dev_name(const struct device *dev)
{
	return "kernel_ring";
}

/* ---- lists and locks ---- */

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l->prev = l;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *l)
{
	entry->prev = l->prev;
	entry->next = l;
	l->prev->next = entry;
	l->prev = entry;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

#define list_for_each_entry(at, l, member)                                          \
	for (at = container_of((l)->next, typeof(*at), member); &at->member != (l); \
	     at = container_of(at->member.next, typeof(*at), member))

static inline void spin_lock(spinlock_t *lock)
{
}

static inline void spin_unlock(spinlock_t *lock)
{
}

/* ---- memory ---- */

#define PAGE_SIZE         4096ul
#define PAGE_ALIGN(x)     (((x) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
#define offset_in_page(p) ((uintptr_t)(p) & (PAGE_SIZE - 1))
#define DMA_MAPPING_ERROR UINT64_MAX

/* Where guest memory lies, and what gives it out: kring.c. */
extern uint8_t *kernel_ring_host;
extern uint64_t kernel_ring_gpa;
void *kernel_ring_alloc(size_t size);
void kernel_ring_free(void *p);
void *kernel_ring_alloc_pages(size_t size);
void kernel_ring_free_pages(void *p, size_t size);

static inline void *kmalloc(size_t size, gfp_t flags)
{
	return kernel_ring_alloc(size);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return kernel_ring_alloc(n * size);
}

static inline void kfree(const void *p)
{
	kernel_ring_free((void *)(uintptr_t)p);
}

static inline void *alloc_pages_exact(size_t size, gfp_t flags)
{
	void *p = kernel_ring_alloc_pages(size);

	return p && flags & __GFP_ZERO ? memset(p, 0, size) : p;
}

static inline void free_pages_exact(void *p, size_t size)
{
	kernel_ring_free_pages(p, size);
}

static inline phys_addr_t virt_to_phys(const void *p)
{
	return (uint64_t)((const uint8_t *)p - kernel_ring_host) + kernel_ring_gpa;
}

/* ---- DMA: the device sees guest memory as it is ---- */

/* A page is named by where it lies. */
#define virt_to_page(p) ((void *)((uintptr_t)(p) & ~(PAGE_SIZE - 1)))

struct scatterlist {
	void *page;
	unsigned offset, length;
	bool last;
	dma_addr_t dma_address;
};

static inline struct scatterlist *sg_next(struct scatterlist *sg)
{
	return sg->last ? NULL : sg + 1;
}

static inline void *sg_page(struct scatterlist *sg)
{
	return sg->page;
}

static inline dma_addr_t sg_phys(struct scatterlist *sg)
{
	return virt_to_phys(sg->page) + sg->offset;
}

#define sg_dma_address(sg) ((sg)->dma_address)

static inline void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *addr,
				       gfp_t flags)
{
	void *p = alloc_pages_exact(PAGE_ALIGN(size), flags | __GFP_ZERO);

	*addr = p ? virt_to_phys(p) : DMA_MAPPING_ERROR;
	return p;
}

static inline void dma_free_coherent(struct device *dev, size_t size, void *p, dma_addr_t addr)
{
	free_pages_exact(p, PAGE_ALIGN(size));
}

#define dma_map_page(dev, page, offset, size, dir)          (virt_to_phys(page) + (offset))
#define dma_map_single(dev, p, size, dir)                   virt_to_phys(p)
#define dma_map_single_attrs(dev, p, size, dir, attrs)      virt_to_phys(p)
#define dma_unmap_page(dev, addr, size, dir)                ((void)(addr))
#define dma_unmap_single(dev, addr, size, dir)              ((void)(addr))
#define dma_unmap_single_attrs(dev, addr, size, dir, attrs) ((void)(addr))
#define dma_mapping_error(dev, addr)                        ((addr) == DMA_MAPPING_ERROR)
#define dma_max_mapping_size(dev)                           SIZE_MAX
#define dma_need_sync(dev, addr)                            false
#define dma_sync_single_range_for_cpu(...)                  ((void)0)
#define dma_sync_single_range_for_device(...)               ((void)0)

/* ---- byte order: the guest's is little, and so is that of the hosts this runs on ---- */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a host of another byte order");
#define cpu_to_le16(x) ((__le16)(x))
#define cpu_to_le32(x) ((__le32)(x))
#define cpu_to_le64(x) ((__le64)(x))
#define le16_to_cpu(x) ((u16)(x))
#define le32_to_cpu(x) ((u32)(x))
#define le64_to_cpu(x) ((u64)(x))
#define cpu_to_be16(x) __builtin_bswap16(x)
#define cpu_to_be32(x) __builtin_bswap32(x)
#define cpu_to_be64(x) __builtin_bswap64(x)
#define be16_to_cpu(x) __builtin_bswap16(x)
#define be32_to_cpu(x) __builtin_bswap32(x)
#define be64_to_cpu(x) __builtin_bswap64(x)

#endif
