/* SPDX-License-Identifier: MIT */
/* The memory balloon: pages really go, whatever a driver names, and its queue of figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "dev/balloon.h"
#include "lib/driver.h"
#include "mem/gmem.h"

#define F_STATS     BIT(1)
#define F_REPORTING BIT(5)
#define INFLATE     0u
#define DEFLATE     1u
#define STATS       2u
#define PFN(gpa)    ((uint32_t)((gpa) >> 12))

struct world {
	struct driver d;
	struct vdev *dev;
	uint64_t list;  /* guest address of what requests name */
	uint64_t pages; /* ... of pages to be given away */
};

static void bring_up(struct world *w, uint64_t features)
{
	w->d.next_gpa = DRIVER_RAM;
	assert_true(driver_negotiate(&w->d, features));
	for (unsigned i = 0; i < 5; i++)
		driver_queue(&w->d, i, 16, false);
	driver_ok(&w->d);
	driver_settle(&w->d);
	w->list = driver_alloc(&w->d, 0x4000);
	w->pages = DRIVER_RAM + 0x100000;
}

static int setup(void **state)
{
	static struct world w;
	struct balloon_config cfg;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	cfg = (struct balloon_config){.loop = w.d.loop, .mem = w.d.mem};
	assert_int_equal(balloon_new(&cfg, &w.dev), 0);
	driver_plug(&w.d, w.dev);
	bring_up(&w, F_STATS | F_REPORTING);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_fini(&w->d);
	return 0;
}

static uint8_t *page(struct world *w, unsigned i)
{
	return driver_ptr(&w->d, w->pages + 4096ull * i, 4096);
}

static void fill(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memset(page(w, i), 0xaa, 4096);
}

static uint64_t value(const struct counter *c)
{
	return counter_read(c);
}

static void name_pages(struct world *w, unsigned queue, const uint32_t *pfn, unsigned n)
{
	const struct guest_part part = {.gpa = w->list, .len = 4 * n};

	for (unsigned i = 0; i < n; i++)
		le32_store((uint8_t *)driver_ptr(&w->d, w->list, 0x4000) + 4 * i, pfn[i]);
	assert_int_equal(driver_wait(&w->d, queue, driver_submit(&w->d, queue, &part, 1)), 0);
}

static void test_inflate(void **state)
{
	struct world *w = *state;
	const struct balloon_stats *s = balloon_stats(w->dev);
	uint32_t first = PFN(w->pages);
	/* Rising, falling, alone, twice. */
	const uint32_t pfns[] = {first,     first + 1, first + 2, first + 7,
				 first + 6, first + 5, first + 9, first + 9};

	fill(w, 12);
	name_pages(w, INFLATE, pfns, 8);
	for (unsigned i = 0; i < 12; i++) {
		bool gone = i <= 2 || (i >= 5 && i <= 7) || i == 9;

		assert_int_equal(page(w, i)[0], gone ? 0 : 0xaa);
		assert_int_equal(page(w, i)[4095], gone ? 0 : 0xaa);
	}
	assert_int_equal(value(&s->inflated), 8 * 4096);
	name_pages(w, DEFLATE, pfns, 2);
	assert_int_equal(value(&s->deflated), 2 * 4096);
	assert_int_equal(value(&w->dev->stats.errors), 0);
}

/* Pages that are no RAM, or wrap around, do nothing but count. */
static void test_no_pages(void **state)
{
	struct world *w = *state;
	const uint32_t pfns[] = {
		0, 1, UINT32_MAX, 0, PFN(DRIVER_RAM) - 1, PFN(DRIVER_RAM + DRIVER_RAM_SZ)};

	fill(w, 1);
	name_pages(w, INFLATE, pfns, 6);
	assert_int_equal(page(w, 0)[0], 0xaa);
	assert_true(value(&w->dev->stats.errors) > 0);
	assert_int_equal(value(&balloon_stats(w->dev)->inflated), 0);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET, 0);
}

static void test_too_many(void **state)
{
	struct world *w = *state;
	const struct guest_part part = {.gpa = w->list, .len = 4097};

	(void)driver_submit(&w->d, INFLATE, &part, 1);
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	bring_up(w, 0);
	name_pages(w, INFLATE, NULL, 0);
}

static void report(struct world *w, unsigned queue)
{
	const struct guest_part part[] = {
		{.gpa = w->pages, .len = 4096, .write = true},
		{.gpa = w->pages + 3 * 4096, .len = 2 * 4096, .write = true}};

	fill(w, 6);
	assert_int_equal(driver_wait(&w->d, queue, driver_submit(&w->d, queue, part, 2)), 0);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(page(w, i)[100], i == 1 || i == 2 || i == 5 ? 0xaa : 0);
}

/* Each number that a driver may have for the queue. */
static void test_reports(void **state)
{
	struct world *w = *state;

	report(w, 3);
	report(w, 4);
	bring_up(w, F_REPORTING);
	report(w, 2);
	assert_int_equal(value(&balloon_stats(w->dev)->reported), 3 * 3 * 4096);
}

static int post_stats(struct world *w, uint64_t free)
{
	const struct guest_part part = {.gpa = w->list, .len = 35};
	uint8_t *b = driver_ptr(&w->d, w->list, 64);

	le16_store(b, 4); /* free memory */
	le64_store(b + 2, free);
	le16_store(b + 10, 0xffff); /* no tag */
	le64_store(b + 12, 1);
	le16_store(b + 20, 10);
	le64_store(b + 22, 5);
	return driver_submit(&w->d, STATS, &part, 1);
}

static void test_stats(void **state)
{
	struct world *w = *state;
	const struct balloon_stats *s = balloon_stats(w->dev);
	uint32_t id, len;
	int head;

	balloon_refresh(w->dev); /* nothing is there yet */
	head = post_stats(w, 1000);
	driver_settle(&w->d);
	assert_int_equal(value(&s->free), 1000);
	assert_int_equal(value(&s->oom_kills), 5);
	/* It stays with the device until somebody asks. */
	assert_false(guest_ring_reap(&w->d.ring[STATS], &id, &len));
	balloon_refresh(w->dev);
	assert_int_equal(driver_wait(&w->d, STATS, head), 0);
	balloon_refresh(w->dev);
	(void)post_stats(w, 2000);
	driver_settle(&w->d);
	assert_int_equal(value(&s->free), 2000);
	/* A reset with a buffer that is kept. */
	driver_reset(&w->d);
	balloon_refresh(w->dev);
	bring_up(w, F_STATS);
	(void)post_stats(w, 3000);
	driver_settle(&w->d);
	assert_int_equal(value(&s->free), 3000);
}

static void test_config(void **state)
{
	struct world *w = *state;

	balloon_resize(w->dev, 64 << 20);
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(driver_config(&w->d, 0, 4), 64 << 8);
	driver_config_write(&w->d, 0, 4, 7);
	assert_int_equal(driver_config(&w->d, 0, 4), 64 << 8);
	driver_config_write(&w->d, 4, 4, 5);
	assert_int_equal(driver_config(&w->d, 4, 4), 5);
	assert_int_equal(value(&balloon_stats(w->dev)->actual), 5 * 4096);
	driver_config_write(&w->d, 8, 4, 5);
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned at = 0; at <= 0x100 - size; at++)
			(void)driver_config(&w->d, at, size);
	driver_reset(&w->d);
	assert_int_equal(driver_config(&w->d, 0, 8), 64 << 8);
	for (unsigned i = 0; i < 7; i++)
		driver_kick(&w->d, i);
	driver_settle(&w->d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inflate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
