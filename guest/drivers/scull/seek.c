// SPDX-License-Identifier: GPL-2.0
/* SEEK_DATA and SEEK_HOLE: quantum by quantum through a set, and over sets that are not there at
 * once, so that a hole of exabytes is passed in one step.
 */
#include "store.h"

/* The first quantum of a set from `from` on that is there, or not; `qset` when there is none. */
static u32 seek_in_set(const struct scull_set *set, u32 from, u32 qset, bool data)
{
	if (!set)
		return data ? qset : from;
	while (from < qset && !!set->quanta[from] != data)
		from++;
	return from;
}

/* As scull_store_seek(), with the lock held, and the size when nothing was found. */
static u64 seek_locked(struct scull_store *store, u64 pos, bool data)
{
	u32 quantum = store->shape.n[SCULL_QUANTUM], qset = store->shape.n[SCULL_QSET];
	u64 set_bytes = (u64)quantum * qset;
	struct scull_place place = scull_store_place(store, pos);
	struct scull_set *set;
	unsigned long index;
	u64 found;
	u32 q;

	for (index = place.set; index <= (store->size - 1) / set_bytes; index++) {
		set = data ? xa_find(&store->sets, &index, ULONG_MAX, XA_PRESENT)
			   : xa_load(&store->sets, index);
		if (data && !set)
			break;
		q = seek_in_set(set, index == place.set ? place.quantum : 0, qset, data);
		if (q == qset)
			continue;
		found = index * set_bytes + (u64)q * quantum;
		return min(max(found, pos), store->size);
	}
	return store->size;
}

loff_t scull_store_seek(struct scull_store *store, loff_t pos, bool data)
{
	u64 found;

	mutex_lock(&store->lock);
	if (pos < 0 || (u64)pos >= store->size) {
		mutex_unlock(&store->lock);
		return -ENXIO;
	}
	found = seek_locked(store, pos, data);
	if (data && found == store->size)
		found = (u64)-ENXIO;
	mutex_unlock(&store->lock);
	return (loff_t)found;
}
