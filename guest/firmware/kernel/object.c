/* SPDX-License-Identifier: MIT */
/* Each kind of object has a ring, in order of creation. An object's id says what it is, and is
 * cleared with its end. */
#include "rt.h"

#define ID 0x52544f00ul

static struct rt_link rings[RT_KINDS];

bool rt_is(const void *object, enum rt_kind kind)
{
	return object && ((const struct rt_object *)object)->id == ID + kind;
}

static bool is_there(const struct rt_link *ring, const struct rt_object *o)
{
	for (const struct rt_link *l = ring->next; l != ring; l = l->next)
		if (l == &o->link)
			return true;
	return false;
}

bool rt_object_add(void *object, enum rt_kind kind, CHAR *name)
{
	struct rt_object *o = object;
	struct rt_link *ring = &rings[kind];
	bool added;
	ULONG lock = rt_lock();

	if (!ring->next)
		rt_ring_init(ring);
	added = o && !is_there(ring, o);
	if (added) {
		o->id = ID + kind;
		o->name = name;
		rt_ring_add(ring, &o->link);
	}
	rt_unlock(lock);
	return added;
}

void rt_object_remove(void *object)
{
	struct rt_object *o = object;

	o->id = 0;
	rt_ring_remove(&o->link);
}

void *rt_object_next(void *object)
{
	struct rt_object *o = object;
	struct rt_link *ring = &rings[o->id - ID], *next = o->link.next;

	return RT_OF(struct rt_object, link, next == ring ? ring->next : next);
}
