/* SPDX-License-Identifier: MIT */
/*
 * SBI's performance monitoring unit (extension "PMU", SBI 2.0 chapter 11): it lends the hart's
 * counters to a supervisor, which cannot choose by itself what they count.
 *
 * Nothing is kept here: a counter is lent while its event selector is not 0, and stopped while its
 * bit of mcountinhibit is set. cycle and instret have one event each and are lent to whoever asks
 * for it. Raw events are the hart's own numbers (docs/machine-virt.md).
 *
 * Not offered: firmware counters, overflow interrupts, and counting in some privileges only.
 */
#include "boot/sbi_call.h"

#include "base/bits.h"

#define N_COUNTERS (3 + SBI_PMU_COUNTERS) /* cycle, time, instret, hpmcounter3 ... */

#define CSR_MHPMEVENT     0x320u /* and the counter, from 3 on */
#define CSR_MCOUNTER      0xb00u
#define CSR_COUNTER       0xc00u
#define CSR_MCOUNTINHIBIT 0x320u

/* Flags of the calls. */
#define MATCH_SKIP  BIT(0)
#define MATCH_CLEAR BIT(1)
#define MATCH_START BIT(2)
#define START_VALUE BIT(0)
#define STOP_RESET  BIT(0)

/* event_idx: the type in bits 19..16, the code below. */
enum { EVENT_HARDWARE, EVENT_CACHE, EVENT_RAW };
#define HARDWARE_CYCLES       1u
#define HARDWARE_INSTRUCTIONS 2u
#define CACHE_DTLB_READ_MISS  (3u << 3 | 0u << 1 | 1u)
#define CACHE_DTLB_WRITE_MISS (3u << 3 | 1u << 1 | 1u)
#define CACHE_ITLB_READ_MISS  (4u << 3 | 0u << 1 | 1u)

struct pmu {
	const struct sbi *sbi;
	unsigned hart;
};

static uint64_t get(const struct pmu *p, unsigned csr)
{
	return p->sbi->ops->csr_read(p->sbi->arg, p->hart, csr);
}

static void put(const struct pmu *p, unsigned csr, uint64_t value)
{
	p->sbi->ops->csr_write(p->sbi->arg, p->hart, csr, value);
}

static bool is_fixed(unsigned counter)
{
	return counter == 0 || counter == 2;
}

static bool exists(uint64_t counter)
{
	return counter < N_COUNTERS && counter != 1;
}

/* The set (base, mask) of an argument pair; false when a counter in it does not exist. */
static bool counter_set(uint64_t base, uint64_t mask, uint64_t *out)
{
	const uint64_t all = (BIT(N_COUNTERS) - 1) & ~BIT(1);

	if (base == UINT64_MAX) /* as elsewhere in SBI: all of them */
		mask = all;
	else if (base >= N_COUNTERS || mask >> (64 - base - 1) >> 1)
		return false;
	else
		mask <<= base;
	*out = mask & all;
	return !(mask & ~(all | BIT(1)));
}

/* What mhpmevent must be for it; 0: no such event among Zihpm's. *fixed: the counter that always
 * counts it, or -1. */
static unsigned selector_of(uint64_t event_idx, uint64_t data, int *fixed)
{
	const unsigned code = event_idx & 0xffff;

	*fixed = -1;
	switch (event_idx >> 16) {
	case EVENT_HARDWARE:
		if (code == HARDWARE_CYCLES)
			*fixed = 0;
		else if (code == HARDWARE_INSTRUCTIONS)
			*fixed = 2;
		return 0;
	case EVENT_CACHE:
		switch (code) {
		case CACHE_ITLB_READ_MISS: return SBI_PMU_WALK;
		case CACHE_DTLB_READ_MISS: return SBI_PMU_WALK_LOAD;
		case CACHE_DTLB_WRITE_MISS: return SBI_PMU_WALK_STORE;
		default: return 0;
		}
	case EVENT_RAW: return data <= SBI_PMU_EVENT_MAX ? (unsigned)data : 0;
	default: return 0;
	}
}

static bool is_stopped(const struct pmu *p, unsigned counter)
{
	return get(p, CSR_MCOUNTINHIBIT) & BIT(counter);
}

static void set_stopped(const struct pmu *p, unsigned counter, bool stopped)
{
	uint64_t inhibit = get(p, CSR_MCOUNTINHIBIT);

	put(p, CSR_MCOUNTINHIBIT, stopped ? inhibit | BIT(counter) : inhibit & ~BIT(counter));
}

/* Function 1: the CSR in bits 11..0, the width less one in 17..12. */
static struct sbi_ret counter_info(uint64_t counter)
{
	if (!exists(counter))
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	return sbi_success((CSR_COUNTER + counter) | 63u << 12);
}

/* The first counter of the set that can be lent for the event, or -1. */
static int find_counter(const struct pmu *p, uint64_t set, uint64_t flags, unsigned selector,
			int fixed)
{
	if (flags & MATCH_SKIP)
		return set ? __builtin_ctzll(set) : -1;
	if (fixed >= 0)
		return set >> fixed & 1 ? fixed : -1;
	for (unsigned i = 3; selector && i < N_COUNTERS; i++)
		if ((set & BIT(i)) && !get(p, CSR_MHPMEVENT + i))
			return (int)i;
	return -1;
}

static struct sbi_ret match(const struct pmu *p, const uint64_t a[6])
{
	uint64_t set, flags = a[2];
	unsigned selector;
	int counter, fixed;

	if (!counter_set(a[0], a[1], &set))
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	selector = selector_of(a[3], a[4], &fixed);
	counter = find_counter(p, set, flags, selector, fixed);
	if (counter < 0)
		return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	if (!(flags & MATCH_SKIP)) {
		set_stopped(p, (unsigned)counter, true);
		if (!is_fixed((unsigned)counter))
			put(p, CSR_MHPMEVENT + (unsigned)counter, selector);
	}
	if (flags & MATCH_CLEAR)
		put(p, CSR_MCOUNTER + (unsigned)counter, 0);
	if (flags & MATCH_START)
		set_stopped(p, (unsigned)counter, false);
	return sbi_success((uint64_t)counter);
}

static struct sbi_ret start(const struct pmu *p, const uint64_t a[6])
{
	enum sbi_error e = SBI_SUCCESS;
	uint64_t set;

	if (!counter_set(a[0], a[1], &set))
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	for (unsigned i = 0; i < N_COUNTERS; i++) {
		if (!(set & BIT(i)))
			continue;
		if (!is_stopped(p, i))
			e = SBI_ERR_ALREADY_STARTED;
		if (a[2] & START_VALUE)
			put(p, CSR_MCOUNTER + i, a[3]);
		set_stopped(p, i, false);
	}
	return sbi_failure(e);
}

static struct sbi_ret stop(const struct pmu *p, const uint64_t a[6])
{
	enum sbi_error e = SBI_SUCCESS;
	uint64_t set;

	if (!counter_set(a[0], a[1], &set))
		return sbi_failure(SBI_ERR_INVALID_PARAM);
	for (unsigned i = 0; i < N_COUNTERS; i++) {
		if (!(set & BIT(i)))
			continue;
		if (is_stopped(p, i))
			e = SBI_ERR_ALREADY_STOPPED;
		set_stopped(p, i, true);
		if ((a[2] & STOP_RESET) && !is_fixed(i))
			put(p, CSR_MHPMEVENT + i, 0);
	}
	return sbi_failure(e);
}

struct sbi_ret sbi_call_pmu(const struct sbi *sbi, unsigned hart, uint64_t fid, const uint64_t a[6])
{
	const struct pmu p = {.sbi = sbi, .hart = hart};

	switch (fid) {
	case 0: return sbi_success(N_COUNTERS);
	case 1: return counter_info(a[0]);
	case 2: return match(&p, a);
	case 3: return start(&p, a);
	case 4: return stop(&p, a);
	default: return sbi_failure(SBI_ERR_NOT_SUPPORTED);
	}
}
