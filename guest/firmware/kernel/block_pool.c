/* SPDX-License-Identifier: MIT */
/* Pools of blocks. A pointer stands before each block: of a free one to the next free one, of one
 * in use to its pool. */
#include "rt.h"

#define POINTER sizeof(void *)

UINT tx_block_pool_create(TX_BLOCK_POOL *p, CHAR *name, ULONG block_size, VOID *start, ULONG size)
{
	ULONG step = (block_size + POINTER - 1) / POINTER * POINTER + POINTER;

	if (!p)
		return TX_POOL_ERROR;
	if (!start)
		return TX_PTR_ERROR;
	if (!block_size || step < block_size || size < step)
		return TX_SIZE_ERROR;
	if (!rt_may_create())
		return TX_CALLER_ERROR;
	if (!rt_object_add(p, RT_POOL, name))
		return TX_POOL_ERROR;
	rt_waiters_init(&p->waiters);
	p->available = p->total = size / step;
	p->free = NULL;
	for (ULONG i = p->total; i-- > 0;) {
		void **block = (void **)((UCHAR *)start + i * step);

		*block = p->free;
		p->free = block;
	}
	return TX_SUCCESS;
}

UINT tx_block_pool_delete(TX_BLOCK_POOL *p)
{
	ULONG lock;

	if (!rt_is(p, RT_POOL))
		return TX_POOL_ERROR;
	if (!rt_in_thread())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	rt_object_remove(p);
	rt_wake_all(&p->waiters);
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_block_allocate(TX_BLOCK_POOL *p, VOID **block, ULONG wait)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(p, RT_POOL))
		return TX_POOL_ERROR;
	if (!block)
		return TX_PTR_ERROR;
	if (!rt_may_wait(wait))
		return TX_WAIT_ERROR;
	lock = rt_lock();
	if (p->available) {
		void **first = p->free;

		p->free = *first;
		p->available--;
		*first = p;
		*block = first + 1;
	} else if (wait == TX_NO_WAIT) {
		status = TX_NO_MEMORY;
	} else {
		rt.current->data = block;
		status = rt_wait(&p->waiters, TX_BLOCK_MEMORY, wait, TX_NO_MEMORY);
	}
	rt_unlock(lock);
	return status;
}

UINT tx_block_release(VOID *block)
{
	void **head = (void **)block - 1;
	TX_BLOCK_POOL *p;
	TX_THREAD *t;
	ULONG lock;

	if (!block || !rt_is(*head, RT_POOL))
		return TX_PTR_ERROR;
	p = *head;
	lock = rt_lock();
	t = rt_first_waiter(&p->waiters);
	if (t) {
		*(void **)t->data = block;
		rt_wake(t, TX_SUCCESS);
	} else {
		*head = p->free;
		p->free = head;
		p->available++;
	}
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_block_pool_prioritize(TX_BLOCK_POOL *p)
{
	ULONG lock;

	if (!rt_is(p, RT_POOL))
		return TX_POOL_ERROR;
	lock = rt_lock();
	rt_prioritize(&p->waiters);
	rt_unlock(lock);
	return TX_SUCCESS;
}

UINT tx_block_pool_info_get(TX_BLOCK_POOL *p, CHAR **name, ULONG *available, ULONG *total,
			    TX_THREAD **first, ULONG *n_waiting, TX_BLOCK_POOL **next)
{
	ULONG lock;

	if (!rt_is(p, RT_POOL))
		return TX_POOL_ERROR;
	lock = rt_lock();
	RT_TELL(name, p->object.name);
	RT_TELL(available, p->available);
	RT_TELL(total, p->total);
	RT_TELL(next, rt_object_next(p));
	rt_waiters_info(&p->waiters, first, n_waiting);
	rt_unlock(lock);
	return TX_SUCCESS;
}
