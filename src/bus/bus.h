/* SPDX-License-Identifier: MIT */
/*
 * Address decoding: who answers for a guest physical address that is not RAM.
 *
 * A range has up to two sets of handlers:
 * - `direct` ones run on the caller's thread (a vCPU), with atomics or a short leaf lock, and call
 *   nothing out under it. A direct handler may return BUS_POST: "this access is for the loop".
 * - `posted` ones run on the range's loop while the caller waits. A posted handler may return
 *   BUS_PENDING, keep the access, and finish it later on the same loop with bus_complete().
 * A range without direct handlers is POSTED as a whole; one without posted handlers is DIRECT.
 *
 * Accesses are 1, 2, 4 or 8 bytes and never cross a range; values are in the low bits, little
 * endian. An access nobody claims is -ENXIO, a return value that the CPU turns into a fault.
 *
 * bus_read() and bus_write() may be called from any thread that is not inside a callback of the
 * range's loop. When the loop's owner itself calls (a machine whose harts and loop take turns on
 * one thread), a posted handler is called at once, and what it left pending is waited for by
 * turning the loop. Ranges may be added, moved and removed while others access the bus (copy on
 * write); bus_remove() returns when no handler of the range runs any more, but for the one that
 * calls it. What a device still holds as BUS_PENDING it completes itself. Adding and removing
 * belong to the control thread, and never happen inside a direct handler.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct bus;
struct bus_access;

enum bus_result {
	BUS_OK,
	BUS_POST,    /* from a direct handler: repeat this access on the loop */
	BUS_PENDING, /* from a posted handler: bus_complete() will follow */
	BUS_ERROR,   /* the access faults, as if nobody had claimed it */
};

struct bus_direct_ops {
	/* offset is relative to the range; *value is 0 on entry and zero-extended on return. */
	enum bus_result (*read)(void *dev, uint64_t offset, unsigned size, uint64_t *value);
	enum bus_result (*write)(void *dev, uint64_t offset, unsigned size, uint64_t value);
};

/* One access on its way through the loop; lives in the caller's frame until it completes. */
struct bus_access {
	uint64_t offset;
	uint64_t value; /* read: the handler fills it in; write: what is written */
	unsigned size;
	bool is_write;
};

struct bus_posted_ops {
	/* BUS_OK, BUS_PENDING or BUS_ERROR. */
	enum bus_result (*access)(void *dev, struct bus_access *a);
};

struct bus_range {
	uint64_t base;
	uint64_t size;
	const char *name; /* for messages; the caller keeps it alive */
	void *dev;
	const struct bus_direct_ops *direct; /* or NULL */
	const struct bus_posted_ops *posted; /* or NULL */
	struct loop *loop;                   /* with posted */
};

int bus_new(struct bus **out);
/* No access may be under way. NULL is allowed. */
void bus_free(struct bus *bus);

/* What nobody claims on `bus` is asked of `parent` from now on, whose addresses are the same: for a
 * core with parts of its own beside those that it shares. While nothing accesses it; parent lives
 * longer. */
void bus_set_parent(struct bus *bus, struct bus *parent);

/* Copies *r. 0; -EEXIST when it overlaps a range; -EINVAL when it is empty or wraps; -ENOMEM. */
int bus_add(struct bus *bus, const struct bus_range *r);
/* Removes the range that starts at base. 0, -ENOENT or -ENOMEM. */
int bus_remove(struct bus *bus, uint64_t base);

/* 0, or -ENXIO when nobody claims all the bytes or the handler says BUS_ERROR. */
int bus_read(struct bus *bus, uint64_t addr, unsigned size, uint64_t *value);
int bus_write(struct bus *bus, uint64_t addr, unsigned size, uint64_t value);

/* Finishes a BUS_PENDING access, on its loop's thread, exactly once; result is BUS_OK or
 * BUS_ERROR. The access is gone when this returns. */
void bus_complete(struct bus_access *a, enum bus_result result);

#endif
