/* SPDX-License-Identifier: MIT */
/* Comparing with the points, one after the other: there are few, and who comes here is slow
 * already. */
#include "cpu/rv64/points.h"

#define PAGE_MASK 0xfffull

bool rv64_points_in_page(const struct rv64_points *p, uint64_t pc)
{
	for (unsigned i = 0; i < p->n_breaks; i++)
		if (!((p->brk[i].addr ^ pc) & ~PAGE_MASK))
			return true;
	return false;
}

bool rv64_points_at_offset(const struct rv64_points *p, unsigned offset)
{
	for (unsigned i = 0; i < p->n_breaks; i++)
		if ((p->brk[i].addr & PAGE_MASK) == offset)
			return true;
	return false;
}

static void note(struct rv64_hart *h, const struct cpu_point *point, uint64_t addr)
{
	h->event =
		(struct cpu_debug_event){.cause = CPU_DEBUG_POINT, .point = *point, .addr = addr};
	/* Relaxed: a message of the hart to itself. */
	atomic_fetch_or_explicit(&h->attention, RV64_ATTN_DEBUG, memory_order_relaxed);
}

bool rv64_points_meet(struct rv64_hart *h, uint64_t pc)
{
	const struct rv64_points *p = h->points;

	for (unsigned i = 0; p && i < p->n_breaks; i++) {
		if (p->brk[i].addr == pc) {
			note(h, &p->brk[i], pc);
			return true;
		}
	}
	return false;
}

/* [a, a + n) and [b, b + m), which may reach the end of the address space. */
static bool overlap(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
	return a - b < m || b - a < n;
}

bool rv64_watch_in_page_slow(const struct rv64_points *p, uint64_t va)
{
	for (unsigned i = 0; i < p->n_watches; i++)
		if (overlap(va & ~PAGE_MASK, PAGE_MASK + 1, p->watch[i].addr, p->watch[i].len))
			return true;
	return false;
}

static bool watches(enum cpu_point_kind kind, enum rv64_access access)
{
	switch (kind) {
	case CPU_POINT_WRITE: return access == RV64_STORE;
	case CPU_POINT_READ: return access == RV64_LOAD;
	case CPU_POINT_ACCESS: return true;
	case CPU_POINT_BREAK: break;
	}
	return false;
}

bool rv64_watch_meet_slow(struct rv64_hart *h, uint64_t va, unsigned size, enum rv64_access access)
{
	const struct rv64_points *p = h->points;

	for (unsigned i = 0; i < p->n_watches; i++) {
		const struct cpu_point *w = &p->watch[i];

		if (watches(w->kind, access) && overlap(va, size, w->addr, w->len)) {
			note(h, w, va);
			return true;
		}
	}
	return false;
}
