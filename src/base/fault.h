/* SPDX-License-Identifier: MIT */
/*
 * Faults on purpose: which operation of which device goes wrong, when, and how. This is the part
 * that knows rules, chance and counts; what a fault does is done where the operation passes by.
 *
 *	rules:	"disk0:write,every=3,error"   faults_add()
 *	                |
 *	        device "disk0" of kind "disk", with a point for each of its operations
 *	                |
 *	layers:	if (fault_ask(point, &hit)) ...	a back end's wrapper, the device core, a device
 *
 * A machine without faults has NULL points, and one without rules for a point pays an atomic load
 * for it. Everything is decided in the order in which operations come: a rule has its own sequence
 * of random numbers, from its seed, and moves it by one for each operation that it looks at. The
 * same operations thus meet the same faults.
 *
 * Threads: fault_ask() may be called on any thread, the rest on the thread of the loop that was
 * given to faults_new(). Rules may come and go while operations pass.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bits.h"

struct err;
struct loop;
struct faults;
struct fault_device;

enum fault_op {
	FAULT_READ,
	FAULT_WRITE,
	FAULT_FLUSH,
	FAULT_TX, /* from the guest's side: what it sends */
	FAULT_RX,
	FAULT_IRQ,
	FAULT_GONE,   /* asked at each request of the device */
	FAULT_BROKEN, /* as FAULT_GONE */
	FAULT_N_OPS,
};

/* What happens, as bits. */
enum fault_what {
	FAULT_ERROR = 1 << 0,
	FAULT_DELAY = 1 << 1,
	FAULT_SHORT = 1 << 2,
	FAULT_DROP = 1 << 3,
	FAULT_CORRUPT = 1 << 4,
	FAULT_LOST = 1 << 5,
	FAULT_SPURIOUS = 1 << 6,
	FAULT_HAPPENS = 1 << 7, /* the operation is the fault: gone, broken */
};

/* A kind of device: what can go wrong in each operation, as bits; 0: it has no such operation. */
struct fault_kind {
	const char *name; /* "disk" */
	unsigned what[FAULT_N_OPS];
	bool has_sectors; /* reads and writes are asked about with fault_ask_at() */
};

/* A place where operations pass by. */
struct fault_point {
	atomic_bool armed; /* some rule wants to be asked */
	struct fault_device *device;
};

/* What is to be done to one operation. */
struct fault_hit {
	unsigned what;     /* enum fault_what; several when several rules agree */
	uint64_t delay_ns; /* with FAULT_DELAY */
	uint64_t random;   /* with FAULT_CORRUPT: chooses the byte */
	unsigned epoch;    /* when it was decided, for fault_line_add() */
};

/* How a rule has fared. */
struct fault_report {
	const char *text; /* as it was given */
	uint64_t asked;   /* operations (or moments) that it looked at */
	uint64_t taken;   /* faults */
};

/* ---- who makes the machine ---- */

/* The loop's clock is that of all times. 0 or -ENOMEM. */
int faults_new(struct loop *loop, struct faults **out);
/* No point may be asked any more, no line (fault_line.h) be left. NULL is allowed. */
void faults_free(struct faults *f);

/* A device with points for what its kind can do, until faults_free(). kind is borrowed, the name
 * ("disk0", at most 15 bytes) copied. 0 or -ENOMEM. */
int faults_device_new(struct faults *f, const struct fault_kind *kind, const char *name,
		      struct fault_device **out);
/* NULL: no such device; or f is NULL, for machines without. */
struct fault_device *faults_device(struct faults *f, const char *name);

/* The machine is on: times count from now, and rules apply. Counts stay over a power cycle. */
void faults_power_on(struct faults *f);
/* Rules apply no more, and what they delayed goes on at once: nobody need wait at the end. */
void faults_power_off(struct faults *f);

/* ---- who takes orders from a user ---- */

/*
 * Adds a rule, "DEVICE:OPERATION[,WHEN]...,WHAT" (docs/faults.md). Its times count from now, or
 * from power-on if that is to come. `label` is what a message starts with, such as "--fault ".
 * 0; -EINVAL with a message, -ENOMEM.
 */
int faults_add(struct faults *f, const char *label, const char *text, struct err *e);
/* Forgets all rules; what they delayed goes on at once. */
void faults_clear(struct faults *f);
/* Calls fn for each rule in the order in which they were added; fn may not call back. */
void faults_list(struct faults *f, void (*fn)(void *arg, const struct fault_report *r), void *arg);
/* fn is called, on any thread, for each fault that is taken; it may not call back. NULL: none. */
void faults_trace(struct faults *f, void (*fn)(void *arg, const struct fault_report *r), void *arg);

/* A table of what the n kinds can do, and of the words for when. Any thread. */
void faults_print_help(FILE *to, const struct fault_kind *const *kinds, unsigned n);

/* ---- where operations pass by ---- */

/* The point of an operation; NULL when the device is NULL or has no such operation. */
struct fault_point *fault_point(struct fault_device *d, enum fault_op op);
/* The set that d belongs to. */
struct faults *fault_device_set(const struct fault_device *d);
/* act(arg, op) is called on the loop when the time has come for a fault that no operation brings
 * about: FAULT_IRQ (a spurious one), FAULT_GONE, FAULT_BROKEN. NULL: not any more. */
void fault_device_act(struct fault_device *d, void (*act)(void *arg, enum fault_op op), void *arg);

/* Of the next two. */
bool fault_ask_armed(struct fault_point *p, uint64_t first, uint64_t last, struct fault_hit *hit);

/* Any thread: an operation on the sectors first .. last passes. True: *hit says what is to happen
 * to it. */
static inline bool fault_ask_at(struct fault_point *p, uint64_t first, uint64_t last,
				struct fault_hit *hit)
{
	if (likely(!p || !atomic_load_explicit(&p->armed, memory_order_relaxed)))
		return false;
	return fault_ask_armed(p, first, last, hit);
}

/* The same for one without sectors. */
static inline bool fault_ask(struct fault_point *p, struct fault_hit *hit)
{
	return fault_ask_at(p, 0, UINT64_MAX, hit);
}

/* Changes one of the len (not 0) bytes at p, chosen by `random`. */
static inline void fault_corrupt(uint8_t *p, uint64_t len, uint64_t random)
{
	p[(random >> 8) % len] ^= (uint8_t)(random % 255 + 1);
}

#endif
