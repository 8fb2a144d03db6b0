/* SPDX-License-Identifier: MIT */
/* The bus on one thread: decoding, direct and posted handlers, the owner of a loop as the caller.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>

#include "base/loop.h"
#include "bus/bus.h"

/* A device that records what it was asked and answers as told. */
struct probe {
	struct bus *bus;
	struct loop *loop;
	enum bus_result direct_result, posted_result;
	uint64_t answer;
	unsigned n_read, n_write, n_posted;
	uint64_t offset, value;
	unsigned size;
	struct bus_access *kept;
	struct loop_timer timer;
	uint64_t remove; /* a range that the posted handler removes */
};

static enum bus_result probe_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct probe *p = dev;

	p->n_read++;
	p->offset = offset;
	p->size = size;
	*value = p->answer;
	return p->direct_result;
}

static enum bus_result probe_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct probe *p = dev;

	p->n_write++;
	p->offset = offset;
	p->size = size;
	p->value = value;
	return p->direct_result;
}

static void probe_later(struct loop_timer *t)
{
	struct probe *p = t->arg;

	p->kept->value = p->answer;
	bus_complete(p->kept, BUS_OK);
}

static enum bus_result probe_access(void *dev, struct bus_access *a)
{
	struct probe *p = dev;

	p->n_posted++;
	p->offset = a->offset;
	p->size = a->size;
	if (a->is_write)
		p->value = a->value;
	else
		a->value = p->answer;
	if (p->remove)
		assert_int_equal(bus_remove(p->bus, p->remove), 0);
	if (p->posted_result == BUS_PENDING) {
		p->kept = a;
		p->timer.fn = probe_later;
		p->timer.arg = p;
		loop_timer_arm(p->loop, &p->timer, loop_now(p->loop) + 1000);
	}
	return p->posted_result;
}

static const struct bus_direct_ops direct_ops = {.read = probe_read, .write = probe_write};
static const struct bus_direct_ops read_only_ops = {.read = probe_read};
static const struct bus_posted_ops posted_ops = {.access = probe_access};

static int setup(void **state)
{
	static struct probe p; /* zeroed anew for each test */

	p = (struct probe){.answer = 0x1122334455667788};
	*state = &p;
	return bus_new(&p.bus) || loop_new(&p.loop) ? -1 : 0;
}

static int teardown(void **state)
{
	struct probe *p = *state;

	bus_free(p->bus);
	loop_free(p->loop);
	return 0;
}

static int add(struct probe *p, uint64_t base, uint64_t size)
{
	const struct bus_range r = {
		.base = base, .size = size, .name = "probe", .dev = p, .direct = &direct_ops};

	return bus_add(p->bus, &r);
}

static int add_posted(struct probe *p, uint64_t base, const struct bus_direct_ops *direct)
{
	const struct bus_range r = {.base = base,
				    .size = 0x100,
				    .name = "posted",
				    .dev = p,
				    .direct = direct,
				    .posted = &posted_ops,
				    .loop = p->loop};

	return bus_add(p->bus, &r);
}

static void test_ranges(void **state)
{
	struct probe *p = *state;
	uint64_t v = 1;

	assert_int_equal(bus_read(p->bus, 0, 4, &v), -ENXIO); /* an empty bus */
	assert_int_equal(v, 0);
	assert_int_equal(add(p, 0x1000, 0), -EINVAL);
	assert_int_equal(add(p, -16ull, 17), -EINVAL);
	assert_int_equal(add(p, 0x1000, 0x100), 0);
	assert_int_equal(add(p, 0x1000, 0x100), -EEXIST);
	assert_int_equal(add(p, 0x10ff, 1), -EEXIST);
	assert_int_equal(add(p, 0xfff, 2), -EEXIST);
	assert_int_equal(add(p, 0, -1ull), -EEXIST);
	assert_int_equal(add(p, 0x1100, 0x10), 0); /* neighbours */
	assert_int_equal(add(p, 0xff0, 0x10), 0);
	assert_int_equal(add(p, -16ull, 16), 0); /* up to the last byte */
	assert_int_equal(add(p, 0, 8), 0);
	assert_int_equal(bus_read(p->bus, -8ull, 8, &v), 0);
	assert_int_equal(p->offset, 8);

	assert_int_equal(bus_remove(p->bus, 0x1001), -ENOENT);
	assert_int_equal(bus_remove(p->bus, 0x1000), 0);
	assert_int_equal(bus_remove(p->bus, 0x1000), -ENOENT);
	assert_int_equal(bus_read(p->bus, 0x1000, 1, &v), -ENXIO);
	assert_int_equal(bus_read(p->bus, 0xfff, 1, &v), 0);
	assert_int_equal(bus_read(p->bus, 0x1100, 1, &v), 0);
	assert_int_equal(bus_remove(p->bus, 0), 0);
	assert_int_equal(bus_read(p->bus, 0, 1, &v), -ENXIO);
}

static void test_many(void **state)
{
	struct probe *p = *state;
	uint64_t v;

	for (unsigned i = 0; i < 64; i++) /* in no order: 37 is odd */
		assert_int_equal(add(p, (i * 37 % 64) * 0x1000, 0x800), 0);
	for (uint64_t a = 0; a < 64 * 0x1000; a += 0x400) {
		assert_int_equal(bus_read(p->bus, a, 8, &v), a & 0x800 ? -ENXIO : 0);
		if (!(a & 0x800))
			assert_int_equal(p->offset, a & 0x7ff);
	}
}

static void test_direct(void **state)
{
	struct probe *p = *state;
	uint64_t v;

	assert_int_equal(add(p, 0x1000, 0x10), 0);
	for (unsigned size = 1; size <= 8; size *= 2) {
		uint64_t mask = ~0ull >> (64 - 8 * size);

		assert_int_equal(bus_read(p->bus, 0x1010 - size, size, &v), 0);
		assert_int_equal(v, p->answer & mask);
		assert_int_equal(p->offset, 0x10 - size);
		assert_int_equal(p->size, size);
		assert_int_equal(bus_write(p->bus, 0x1000, size, ~0ull), 0);
		assert_int_equal(p->value, mask);
		/* No access crosses the end. */
		if (size > 1)
			assert_int_equal(bus_read(p->bus, 0x1011 - size, size, &v), -ENXIO);
	}
	assert_int_equal(p->n_read, 4);
	p->direct_result = BUS_ERROR;
	assert_int_equal(bus_read(p->bus, 0x1000, 4, &v), -ENXIO);
	assert_int_equal(v, 0);
	assert_int_equal(bus_write(p->bus, 0x1000, 4, 0), -ENXIO);
	p->direct_result = BUS_POST; /* but nobody to post to */
	assert_int_equal(bus_read(p->bus, 0x1000, 4, &v), -ENXIO);
}

/* The test is the loop's owner: handlers run inside the call. */
static void test_posted(void **state)
{
	struct probe *p = *state;
	uint64_t v;

	assert_int_equal(add_posted(p, 0x1000, NULL), 0);
	assert_int_equal(bus_read(p->bus, 0x1020, 4, &v), 0);
	assert_int_equal(v, 0x55667788);
	assert_int_equal(p->offset, 0x20);
	assert_int_equal(bus_write(p->bus, 0x1024, 2, 0xabcdef), 0);
	assert_int_equal(p->value, 0xcdef);
	p->posted_result = BUS_ERROR;
	assert_int_equal(bus_read(p->bus, 0x1020, 4, &v), -ENXIO);
	assert_int_equal(v, 0);
	p->posted_result = BUS_PENDING; /* completes by a timer: the loop has to turn */
	assert_int_equal(bus_read(p->bus, 0x1020, 8, &v), 0);
	assert_int_equal(v, p->answer);
	assert_int_equal(bus_write(p->bus, 0x1020, 8, 1), 0);
	assert_int_equal(p->n_posted, 5);
}

static void test_mixed(void **state)
{
	struct probe *p = *state;
	uint64_t v;

	assert_int_equal(add_posted(p, 0x1000, &direct_ops), 0);
	assert_int_equal(bus_read(p->bus, 0x1000, 4, &v), 0);
	assert_int_equal(p->n_posted, 0);
	p->direct_result = BUS_POST;
	assert_int_equal(bus_write(p->bus, 0x1000, 4, 7), 0);
	assert_int_equal(p->n_write, 1);
	assert_int_equal(p->n_posted, 1);
	assert_int_equal(p->value, 7);
	/* A table without a handler for writes leaves them to the loop. */
	p->direct_result = BUS_OK;
	assert_int_equal(add_posted(p, 0x2000, &read_only_ops), 0);
	assert_int_equal(bus_read(p->bus, 0x2000, 4, &v), 0);
	assert_int_equal(p->n_posted, 1);
	assert_int_equal(bus_write(p->bus, 0x2000, 4, 7), 0);
	assert_int_equal(p->n_posted, 2);
}

static void test_remove_from_handler(void **state)
{
	struct probe *p = *state;
	uint64_t v;

	assert_int_equal(add_posted(p, 0x1000, NULL), 0);
	assert_int_equal(add_posted(p, 0x2000, NULL), 0);
	p->remove = 0x2000; /* another's */
	assert_int_equal(bus_read(p->bus, 0x1000, 4, &v), 0);
	p->remove = 0x1000; /* its own */
	assert_int_equal(bus_read(p->bus, 0x1000, 4, &v), 0);
	assert_int_equal(bus_read(p->bus, 0x1000, 4, &v), -ENXIO);
	assert_int_equal(bus_read(p->bus, 0x2000, 4, &v), -ENXIO);
}

/* A bus of one's own before the one that is shared. */
static void test_parent(void **state)
{
	struct probe *p = *state, own = {.answer = 7};
	struct bus *child;
	uint64_t v;

	assert_int_equal(bus_new(&child), 0);
	bus_set_parent(child, p->bus);
	own.bus = child;
	assert_int_equal(add(p, 0x1000, 0x100), 0);
	assert_int_equal(add_posted(p, 0x2000, NULL), 0);
	assert_int_equal(add(&own, 0x1080, 0x80), 0);
	assert_int_equal(bus_read(child, 0x1080, 8, &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(bus_read(p->bus, 0x1080, 8, &v), 0);
	assert_int_equal(v, p->answer);
	assert_int_equal(bus_read(child, 0x1000, 8, &v), 0);
	assert_int_equal(v, p->answer);
	assert_int_equal(bus_write(child, 0x2008, 4, 5), 0);
	assert_int_equal(p->n_posted, 1);
	assert_int_equal(p->offset, 8);
	own.direct_result = BUS_ERROR; /* claimed, and refused: that is the answer */
	assert_int_equal(bus_read(child, 0x1080, 8, &v), -ENXIO);
	assert_int_equal(bus_read(child, 0x3000, 8, &v), -ENXIO);
	bus_free(child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_direct, setup, teardown),
		cmocka_unit_test_setup_teardown(test_posted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mixed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_from_handler, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
