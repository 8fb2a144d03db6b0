/* SPDX-License-Identifier: MIT */
/* The power button. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "dev/input.h"
#include "lib/driver.h"

#define SELECT 0
#define SUBSEL 1

struct world {
	struct driver d;
	struct vdev *dev;
	uint64_t buf[8];
};

static void bring_up(struct world *w)
{
	memset(w, 0, sizeof(*w));
	driver_init(&w->d);
	assert_int_equal(input_power_button_new(w->d.loop, &w->dev), 0);
	driver_plug(&w->d, w->dev);
	assert_true(driver_negotiate(&w->d, VIRTIO_F_EVENT_IDX));
	driver_queue(&w->d, 0, 16, true);
	driver_queue(&w->d, 1, 16, true);
}

/* Posts the n-th event buffer; its head. */
static int post(struct world *w, unsigned n, uint32_t len, bool writable)
{
	struct guest_part p = {.len = len, .write = writable};

	w->buf[n] = driver_alloc(&w->d, 16);
	p.gpa = w->buf[n];
	return driver_submit(&w->d, 0, &p, 1);
}

static void expect_event(struct world *w, unsigned n, int head, unsigned type, unsigned code,
			 unsigned value)
{
	const uint8_t *p = driver_ptr(&w->d, w->buf[n], 8);

	assert_int_equal(driver_wait(&w->d, 0, head), 8);
	assert_int_equal(le16_load(p), type);
	assert_int_equal(le16_load(p + 2), code);
	assert_int_equal(le32_load(p + 4), value);
}

static void test_config(void **state)
{
	struct world w;
	char name[20] = "";

	bring_up(&w);
	assert_int_equal(driver_read(&w.d, VIRTIO_MMIO_DEVICE_ID), 18);
	assert_int_equal(driver_config(&w.d, 2, 1), 0);
	driver_config_write(&w.d, SELECT, 1, 1); /* the name */
	assert_int_equal(driver_config(&w.d, 2, 1), 19);
	for (unsigned i = 0; i < 19; i++)
		name[i] = (char)driver_config(&w.d, 8 + i, 1);
	assert_string_equal(name, "Linnet power button");
	driver_config_write(&w.d, SELECT, 1, 0x11); /* which events: of type 0, then keys */
	assert_int_equal(driver_config(&w.d, 2, 1), 0);
	driver_config_write(&w.d, SUBSEL, 1, 1);
	assert_int_equal(driver_config(&w.d, 2, 1), 15);
	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(driver_config(&w.d, 8 + i, 1), i == 14 ? 1 << 4 : 0);
	driver_config_write(&w.d, SELECT, 1, 0x12); /* axes: none */
	assert_int_equal(driver_config(&w.d, 2, 1), 0);
	driver_config_write(&w.d, SELECT, 2, 0x0111); /* both at once */
	assert_int_equal(driver_config(&w.d, 0, 2), 0x0111);
	assert_int_equal(driver_config(&w.d, 2, 1), 15);
	driver_config_write(&w.d, 8, 4, 0xffffffff); /* not the driver's */
	assert_int_equal(driver_config(&w.d, 8, 4), 0);
	driver_fini(&w.d);
}

static void test_press(void **state)
{
	struct world w;
	int head[4];

	bring_up(&w);
	assert_int_equal(input_press(w.dev), -EAGAIN);
	driver_ok(&w.d);
	driver_settle(&w.d);
	for (unsigned i = 0; i < 3; i++)
		head[i] = post(&w, i, 8, true);
	driver_kick(&w.d, 0);
	driver_settle(&w.d);
	assert_int_equal(input_press(w.dev), 0);
	expect_event(&w, 0, head[0], 1, 116, 1);
	expect_event(&w, 1, head[1], 0, 0, 0);
	expect_event(&w, 2, head[2], 1, 116, 0);
	/* The fourth event finds no buffer, and comes with the next one. */
	head[3] = post(&w, 3, 8, true);
	expect_event(&w, 3, head[3], 0, 0, 0);
	driver_fini(&w.d);
}

/* A driver that takes nothing: presses are refused, not collected; and forgotten with it. */
static void test_nobody_reads(void **state)
{
	struct world w;
	unsigned n = 0;
	int head;

	bring_up(&w);
	driver_ok(&w.d);
	driver_settle(&w.d);
	while (!input_press(w.dev) && n < 100)
		n++;
	assert_in_range(n, 1, 10);
	assert_int_equal(input_press(w.dev), -EBUSY);
	driver_reset(&w.d);
	assert_int_equal(input_press(w.dev), -EAGAIN);
	assert_true(driver_negotiate(&w.d, VIRTIO_F_EVENT_IDX));
	driver_queue(&w.d, 0, 16, true);
	driver_ok(&w.d);
	driver_settle(&w.d);
	head = post(&w, 0, 8, true);
	driver_settle(&w.d);
	assert_int_equal(counter_read(&w.dev->queues[0].stats.ring.chains), 0);
	assert_int_equal(input_press(w.dev), 0);
	expect_event(&w, 0, head, 1, 116, 1);
	driver_fini(&w.d);
}

static void test_status_queue(void **state)
{
	struct world w;
	struct guest_part p = {.len = 8};

	bring_up(&w);
	driver_ok(&w.d);
	p.gpa = driver_alloc(&w.d, 8);
	assert_int_equal(driver_wait(&w.d, 1, driver_submit(&w.d, 1, &p, 1)), 0);
	driver_fini(&w.d);
}

static void test_bad_buffers(void **state)
{
	static const struct {
		uint32_t len;
		bool writable;
	} bad[] = {{7, true}, {8, false}};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct world w;

		bring_up(&w);
		driver_ok(&w.d);
		driver_settle(&w.d);
		post(&w, 0, bad[i].len, bad[i].writable);
		assert_int_equal(input_press(w.dev), 0);
		driver_settle(&w.d);
		assert_true(driver_read(&w.d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
		assert_int_equal(counter_read(&w.dev->stats.broken), 1);
		assert_int_equal(input_press(w.dev), -EAGAIN);
		driver_fini(&w.d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),       cmocka_unit_test(test_press),
		cmocka_unit_test(test_nobody_reads), cmocka_unit_test(test_status_queue),
		cmocka_unit_test(test_bad_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
