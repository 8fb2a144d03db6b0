/* SPDX-License-Identifier: MIT */
/*
 * Address decoding over a sorted table that is replaced as a whole, never changed.
 *
 * Readers. A reader adds itself to one of two counters, loads the table, uses it and the ranges in
 * it, and takes itself off. After publishing a new table the writer moves new readers to the other
 * counter and waits for the first to reach zero, twice: a reader that was slow between choosing its
 * counter and raising it is caught by the second round. Then nobody can hold the old table. A
 * reader stays inside only for the search and a direct handler, both short.
 *
 * Posted accesses. The record lies in the caller's frame with a task in it. The loop looks the
 * address up again before it calls the handler, so a range that was removed in between is simply
 * gone, and a caller that waits holds up no bus_remove(). While its handler runs, the range is held
 * by a count of its own, not as a reader: the handler itself may add and remove ranges (a PCI
 * bridge whose window moves), which waits for readers.
 */
#include "bus/bus.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/loop.h"

struct entry {
	struct bus_range r;
	atomic_uint refs; /* one of the table's, one for each posted handler that is running */
};

struct slot {
	uint64_t base;
	struct entry *entry;
};

struct table {
	unsigned n;
	struct slot slot[]; /* by rising base */
};

struct reader_count {
	_Alignas(64) atomic_uint n; /* a cache line each: every vCPU writes to it */
};

struct bus {
	struct table *_Atomic table;
	atomic_uint phase; /* its lowest bit says which counter new readers use */
	struct reader_count readers[2];
	struct bus *parent; /* or NULL */
};

/* An access that went to the loop. */
struct posted {
	struct bus_access a;
	struct bus *bus;
	uint64_t addr;
	struct loop *loop;
	struct loop_task task;
	sem_t sem; /* raised at the end; unused when the caller turns the loop itself */
	bool own_loop;
	bool done; /* with own_loop */
	enum bus_result result;
};

static unsigned reader_enter(struct bus *bus)
{
	unsigned i = atomic_load_explicit(&bus->phase, memory_order_relaxed) & 1;

	/* Ordered before the load of the table that follows; see synchronize(). */
	atomic_fetch_add_explicit(&bus->readers[i].n, 1, memory_order_seq_cst);
	return i;
}

static void reader_leave(struct bus *bus, unsigned i)
{
	/* Release: the writer frees only after everything that was done inside. */
	atomic_fetch_sub_explicit(&bus->readers[i].n, 1, memory_order_release);
}

/* What a writer waits for is short, and writers are rare: looking again is enough. */
static void pause_a_little(void)
{
	const struct timespec ts = {.tv_nsec = 20000};

	nanosleep(&ts, NULL);
}

/* Returns when nobody uses a table that was replaced before the call. */
static void synchronize(struct bus *bus)
{
	for (unsigned round = 0; round < 2; round++) {
		unsigned i = atomic_fetch_add(&bus->phase, 1) & 1;

		while (atomic_load(&bus->readers[i].n))
			pause_a_little();
	}
}

static void replace_table(struct bus *bus, struct table *t)
{
	struct table *old = atomic_exchange(&bus->table, t);

	synchronize(bus);
	free(old);
}

/* The number of slots whose base is at most addr; the last of them is the only candidate. */
static unsigned table_rank(const struct table *t, uint64_t addr)
{
	unsigned lo = 0, hi = t->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (t->slot[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Inside a reader's section. */
static struct entry *find(struct bus *bus, uint64_t addr, unsigned size)
{
	const struct table *t = atomic_load(&bus->table);
	unsigned rank = table_rank(t, addr);
	struct entry *e;

	if (!rank)
		return NULL;
	e = t->slot[rank - 1].entry;
	if (e->r.size < size || addr - e->r.base > e->r.size - size)
		return NULL;
	return e;
}

static struct table *table_new(unsigned n)
{
	struct table *t = malloc(sizeof(*t) + n * sizeof(t->slot[0]));

	if (t)
		t->n = n;
	return t;
}

int bus_new(struct bus **out)
{
	struct bus *bus = aligned_alloc(_Alignof(struct bus), sizeof(*bus));
	struct table *t = table_new(0);

	if (!bus || !t) {
		free(bus);
		free(t);
		return -ENOMEM;
	}
	atomic_init(&bus->table, t);
	atomic_init(&bus->phase, 0);
	atomic_init(&bus->readers[0].n, 0);
	atomic_init(&bus->readers[1].n, 0);
	bus->parent = NULL;
	*out = bus;
	return 0;
}

void bus_free(struct bus *bus)
{
	struct table *t;

	if (!bus)
		return;
	t = atomic_load(&bus->table);
	for (unsigned i = 0; i < t->n; i++)
		free(t->slot[i].entry);
	free(t);
	free(bus);
}

int bus_add(struct bus *bus, const struct bus_range *r)
{
	const struct table *old = atomic_load(&bus->table);
	unsigned at = table_rank(old, r->base);
	struct entry *e;
	struct table *t;

	if (!r->size || r->base + (r->size - 1) < r->base)
		return -EINVAL;
	if (at > 0 && r->base - old->slot[at - 1].base < old->slot[at - 1].entry->r.size)
		return -EEXIST;
	if (at < old->n && old->slot[at].base - r->base < r->size)
		return -EEXIST;
	e = malloc(sizeof(*e));
	t = table_new(old->n + 1);
	if (!e || !t) {
		free(e);
		free(t);
		return -ENOMEM;
	}
	e->r = *r;
	atomic_init(&e->refs, 1);
	memcpy(t->slot, old->slot, at * sizeof(t->slot[0]));
	t->slot[at] = (struct slot){.base = r->base, .entry = e};
	memcpy(&t->slot[at + 1], &old->slot[at], (old->n - at) * sizeof(t->slot[0]));
	replace_table(bus, t);
	return 0;
}

static void entry_put(struct entry *e)
{
	if (atomic_fetch_sub(&e->refs, 1) == 1)
		free(e);
}

int bus_remove(struct bus *bus, uint64_t base)
{
	const struct table *old = atomic_load(&bus->table);
	unsigned rank = table_rank(old, base);
	struct entry *e;
	struct table *t;

	if (!rank || old->slot[rank - 1].base != base)
		return -ENOENT;
	e = old->slot[rank - 1].entry;
	t = table_new(old->n - 1);
	if (!t)
		return -ENOMEM;
	memcpy(t->slot, old->slot, (rank - 1) * sizeof(t->slot[0]));
	memcpy(&t->slot[rank - 1], &old->slot[rank], (old->n - rank) * sizeof(t->slot[0]));
	replace_table(bus, t);

	/* On the range's own loop no handler runs but perhaps the one that called us. */
	while (e->r.loop && !loop_is_mine(e->r.loop) && atomic_load(&e->refs) > 1)
		pause_a_little();
	entry_put(e);
	return 0;
}

static void posted_finish(struct posted *p, enum bus_result result)
{
	p->result = result;
	if (p->own_loop)
		p->done = true;
	else
		sem_post(&p->sem); /* p is gone from here on */
}

void bus_complete(struct bus_access *a, enum bus_result result)
{
	posted_finish(container_of(a, struct posted, a), result);
}

/* On the loop. */
static void posted_run(struct posted *p)
{
	unsigned reader = reader_enter(p->bus);
	struct entry *e = find(p->bus, p->addr, p->a.size);
	enum bus_result result;

	if (e && (!e->r.posted || e->r.loop != p->loop))
		e = NULL; /* another range by now */
	if (e)
		atomic_fetch_add(&e->refs, 1);
	reader_leave(p->bus, reader);
	if (!e) {
		posted_finish(p, BUS_ERROR);
		return;
	}
	p->a.offset = p->addr - e->r.base;
	result = e->r.posted->access(e->r.dev, &p->a);
	entry_put(e);
	assert(result != BUS_POST);
	if (result != BUS_PENDING)
		posted_finish(p, result);
}

static void posted_task(struct loop_task *t)
{
	posted_run(t->arg);
}

static enum bus_result post(struct posted *p)
{
	p->own_loop = loop_is_mine(p->loop);
	if (p->own_loop) {
		posted_run(p);
		while (!p->done) /* the record must not go away before it is completed */
			(void)loop_turn(p->loop, -1);
		return p->result;
	}
	sem_init(&p->sem, 0, 0);
	p->task.fn = posted_task;
	p->task.arg = p;
	loop_post(p->loop, &p->task);
	while (sem_wait(&p->sem)) /* EINTR */
		continue;
	sem_destroy(&p->sem);
	return p->result;
}

static enum bus_result call_direct(const struct entry *e, struct bus_access *a)
{
	const struct bus_direct_ops *ops = e->r.direct;

	if (ops && a->is_write && ops->write)
		return ops->write(e->r.dev, a->offset, a->size, a->value);
	if (ops && !a->is_write && ops->read)
		return ops->read(e->r.dev, a->offset, a->size, &a->value);
	return BUS_POST;
}

void bus_set_parent(struct bus *bus, struct bus *parent)
{
	bus->parent = parent;
}

static int access(struct bus *bus, uint64_t addr, struct bus_access *a)
{
	enum bus_result result = BUS_ERROR;
	struct loop *loop = NULL;
	unsigned reader = reader_enter(bus);
	const struct entry *e = find(bus, addr, a->size);

	if (e) {
		a->offset = addr - e->r.base;
		result = call_direct(e, a);
		if (result == BUS_POST && e->r.posted)
			loop = e->r.loop;
	}
	reader_leave(bus, reader);
	if (!e && bus->parent)
		return access(bus->parent, addr, a);
	if (loop) {
		struct posted p = {.a = *a, .bus = bus, .addr = addr, .loop = loop};

		result = post(&p);
		a->value = p.a.value;
	}
	return result == BUS_OK ? 0 : -ENXIO;
}

static uint64_t size_mask(unsigned size)
{
	assert(size <= 8 && is_power_of_two(size));
	return ~0ull >> (64 - 8 * size);
}

int bus_read(struct bus *bus, uint64_t addr, unsigned size, uint64_t *value)
{
	struct bus_access a = {.size = size};
	uint64_t mask = size_mask(size);
	int err = access(bus, addr, &a);

	*value = err ? 0 : a.value & mask;
	return err;
}

int bus_write(struct bus *bus, uint64_t addr, unsigned size, uint64_t value)
{
	struct bus_access a = {.size = size, .is_write = true, .value = value & size_mask(size)};

	return access(bus, addr, &a);
}
