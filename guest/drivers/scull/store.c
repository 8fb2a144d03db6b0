// SPDX-License-Identifier: GPL-2.0
/*
 * A store keeps its bytes in quanta, and pointers to so many of them (the "qset") in sets. An
 * xarray finds the set by its number, so that a far position costs no more than a near one. A
 * quantum is allocated when something in it is written, and zeroed, since the rest of it can be
 * read.
 *
 * A quantum of whole pages is made of single pages that can be mapped: a mapping takes a
 * reference to the page. Its memory outlives the store's use of it only so long as such a
 * reference does, and a store that is mapped is not emptied.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <linnet/ioctl.h>

#include "store.h"

#define SCULL_GFP (GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN)

void scull_store_init(struct scull_store *store, const struct scull_shape *shape, u64 limit)
{
	mutex_init(&store->io);
	mutex_init(&store->lock);
	xa_init(&store->sets);
	store->shape = *shape;
	store->next = *shape;
	store->limit = limit;
	store->size = 0;
	store->quanta_bytes = 0;
	store->set_bytes = 0;
	store->mappings = 0;
}

static bool whole_pages(u32 quantum)
{
	return quantum % PAGE_SIZE == 0;
}

static void *quantum_alloc(u32 quantum)
{
	if (!whole_pages(quantum))
		return kvmalloc(quantum, SCULL_GFP);
	if (quantum == PAGE_SIZE)
		return (void *)__get_free_page(SCULL_GFP);
	return __vmalloc(quantum, SCULL_GFP);
}

static void quantum_free(void *data, u32 quantum)
{
	if (quantum == PAGE_SIZE)
		free_page((unsigned long)data);
	else
		kvfree(data);
}

static struct page *quantum_page(void *data, u32 offset)
{
	if (is_vmalloc_addr(data))
		return vmalloc_to_page(data + offset);
	return virt_to_page(data + offset);
}

/* Frees all that is stored. */
static void release_all(struct scull_store *store)
{
	struct scull_set *set;
	unsigned long index;

	xa_for_each(&store->sets, index, set) {
		for (u32 i = 0; i < store->shape.n[SCULL_QSET] && set->n; i++) {
			if (!set->quanta[i])
				continue;
			quantum_free(set->quanta[i], store->shape.n[SCULL_QUANTUM]);
			set->n--;
		}
		kvfree(set);
		cond_resched();
	}
	xa_destroy(&store->sets);
	store->size = 0;
	store->quanta_bytes = 0;
	store->set_bytes = 0;
}

void scull_store_fini(struct scull_store *store)
{
	release_all(store);
	mutex_destroy(&store->lock);
	mutex_destroy(&store->io);
}

int scull_store_clear(struct scull_store *store)
{
	int ret = -EBUSY;

	if (mutex_lock_interruptible(&store->io))
		return -ERESTARTSYS;
	mutex_lock(&store->lock);
	if (!store->mappings) {
		release_all(store);
		store->shape = store->next;
		ret = 0;
	}
	mutex_unlock(&store->lock);
	mutex_unlock(&store->io);
	return ret;
}

struct scull_place scull_store_place(const struct scull_store *store, u64 pos)
{
	u32 quantum = store->shape.n[SCULL_QUANTUM], qset = store->shape.n[SCULL_QSET];
	struct scull_place place;
	u32 in_set;
	u64 n;

	n = div_u64_rem(pos, quantum, &place.offset);
	place.set = div_u64_rem(n, qset, &in_set);
	place.quantum = in_set;
	place.left = quantum - place.offset;
	return place;
}

/* Whether so much more memory is allowed. */
static bool within_limit(const struct scull_store *store, u64 more)
{
	return store->quanta_bytes + store->set_bytes + more <= store->limit;
}

static struct scull_set *make_set(struct scull_store *store, unsigned long index)
{
	struct scull_set *set;
	size_t bytes = struct_size(set, quanta, store->shape.n[SCULL_QSET]);
	int ret;

	if (!within_limit(store, bytes))
		return ERR_PTR(-ENOSPC);
	set = kvmalloc(bytes, SCULL_GFP);
	if (!set)
		return ERR_PTR(-ENOMEM);
	ret = xa_err(xa_store(&store->sets, index, set, GFP_KERNEL_ACCOUNT));
	if (ret) {
		kvfree(set);
		return ERR_PTR(ret);
	}
	store->set_bytes += bytes;
	return set;
}

/* The quantum at a place, made if it is not there. A set without quanta may be left when there
 * is no memory for one: the next write uses it.
 */
static void *make_quantum(struct scull_store *store, const struct scull_place *place)
{
	struct scull_set *set = xa_load(&store->sets, place->set);
	u32 quantum = store->shape.n[SCULL_QUANTUM];
	void *data;

	if (!set)
		set = make_set(store, place->set);
	if (IS_ERR(set))
		return ERR_CAST(set);
	data = set->quanta[place->quantum];
	if (data)
		return data;
	if (!within_limit(store, quantum))
		return ERR_PTR(-ENOSPC);
	data = quantum_alloc(quantum);
	if (!data)
		return ERR_PTR(-ENOMEM);
	set->quanta[place->quantum] = data;
	set->n++;
	store->quanta_bytes += quantum;
	return data;
}

static void *find_quantum(struct scull_store *store, const struct scull_place *place)
{
	struct scull_set *set = xa_load(&store->sets, place->set);

	return set ? set->quanta[place->quantum] : NULL;
}

ssize_t scull_store_read(struct scull_store *store, loff_t *pos, struct iov_iter *to)
{
	struct scull_place place;
	ssize_t done = 0;
	size_t n, copied;
	void *data;

	if (mutex_lock_interruptible(&store->io))
		return -ERESTARTSYS;
	iov_iter_truncate(to, (u64)*pos < store->size ? store->size - *pos : 0);
	while (iov_iter_count(to)) {
		place = scull_store_place(store, *pos);
		mutex_lock(&store->lock);
		data = find_quantum(store, &place);
		mutex_unlock(&store->lock);
		/* It stays: only clearing frees it, which wants the io lock. */
		n = min_t(size_t, place.left, iov_iter_count(to));
		copied = data ? copy_to_iter(data + place.offset, n, to) : iov_iter_zero(n, to);
		done += copied;
		*pos += copied;
		if (copied < n) {
			done = done ?: -EFAULT;
			break;
		}
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	mutex_unlock(&store->io);
	return done;
}

/* Copies as much as one quantum takes. */
static ssize_t write_quantum(struct scull_store *store, loff_t *pos, struct iov_iter *from)
{
	struct scull_place place = scull_store_place(store, *pos);
	size_t n = min_t(size_t, place.left, iov_iter_count(from));
	size_t copied;
	void *data;

	mutex_lock(&store->lock);
	data = make_quantum(store, &place);
	mutex_unlock(&store->lock);
	if (IS_ERR(data))
		return PTR_ERR(data);
	copied = copy_from_iter(data + place.offset, n, from);
	*pos += copied;
	mutex_lock(&store->lock);
	if (copied && (u64)*pos > store->size)
		store->size = *pos;
	mutex_unlock(&store->lock);
	return copied ?: -EFAULT;
}

ssize_t scull_store_write(struct scull_store *store, loff_t *pos, struct iov_iter *from,
			  bool append)
{
	ssize_t done = 0, n;

	if (mutex_lock_interruptible(&store->io))
		return -ERESTARTSYS;
	if (append)
		*pos = store->size;
	while (iov_iter_count(from)) {
		n = write_quantum(store, pos, from);
		if (n < 0) {
			done = done ?: n;
			break;
		}
		done += n;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	mutex_unlock(&store->io);
	return done;
}

int scull_store_map(struct scull_store *store)
{
	int ret = -EINVAL;

	mutex_lock(&store->lock);
	if (whole_pages(store->shape.n[SCULL_QUANTUM])) {
		store->mappings++;
		ret = 0;
	}
	mutex_unlock(&store->lock);
	return ret;
}

void scull_store_map_again(struct scull_store *store)
{
	mutex_lock(&store->lock);
	store->mappings++;
	mutex_unlock(&store->lock);
}

void scull_store_unmap(struct scull_store *store)
{
	mutex_lock(&store->lock);
	store->mappings--;
	mutex_unlock(&store->lock);
}

struct page *scull_store_page(struct scull_store *store, u64 pos)
{
	struct page *page = ERR_PTR(-EFAULT);
	struct scull_place place;
	void *data;

	mutex_lock(&store->lock);
	if (pos < store->size) {
		place = scull_store_place(store, pos);
		data = make_quantum(store, &place);
		page = IS_ERR(data) ? ERR_CAST(data) : quantum_page(data, place.offset);
		if (!IS_ERR(page))
			get_page(page);
	}
	mutex_unlock(&store->lock);
	return page;
}

bool scull_shape_allows(enum scull_dimension d, unsigned long value)
{
	if (d == SCULL_QUANTUM)
		return value >= SCULL_QUANTUM_MIN && value <= SCULL_QUANTUM_MAX;
	return value >= 1 && value <= SCULL_QSET_MAX;
}

int scull_store_set_next(struct scull_store *store, enum scull_dimension d, unsigned long value,
			 u32 *old)
{
	if (!scull_shape_allows(d, value))
		return -EINVAL;
	mutex_lock(&store->lock);
	if (old)
		*old = store->next.n[d];
	store->next.n[d] = value;
	mutex_unlock(&store->lock);
	return 0;
}

u32 scull_store_get_next(struct scull_store *store, enum scull_dimension d)
{
	u32 value;

	mutex_lock(&store->lock);
	value = store->next.n[d];
	mutex_unlock(&store->lock);
	return value;
}

void scull_store_usage(struct scull_store *store, struct scull_usage *usage)
{
	mutex_lock(&store->lock);
	*usage = (struct scull_usage){
		.size = store->size,
		.allocated = store->quanta_bytes,
		.quantum = store->shape.n[SCULL_QUANTUM],
		.qset = store->shape.n[SCULL_QSET],
	};
	mutex_unlock(&store->lock);
}
