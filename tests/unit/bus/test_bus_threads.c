/* SPDX-License-Identifier: MIT */
/* The bus under threads: vCPUs that access while ranges come and go, and posted accesses to a loop
 * that runs elsewhere. Worth most under ThreadSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/loop.h"
#include "bus/bus.h"

#define N_VCPUS   3
#define N_ROUNDS  300
#define MOVING    0x1000u
#define FIXED     0x2000u
#define POSTED    0x3000u
#define PENDING   0x4000u
#define REMOVABLE 0x5000u

/* What a range stands on; freed at once when the range is removed, so a handler that ran too late
 * would touch freed memory. */
struct dev {
	uint64_t base;
};

struct world {
	struct bus *bus;
	struct loop *loop;
	pthread_t loop_thread;
	unsigned n_posted; /* the loop's */
	struct bus_access *kept[N_VCPUS + 1];
	unsigned n_kept;
	struct loop_task finish;
	atomic_bool stop;
	atomic_uint n_ok;
};

static enum bus_result dev_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = ((struct dev *)dev)->base + offset;
	return BUS_OK;
}

static const struct bus_direct_ops dev_ops = {.read = dev_read};

static enum bus_result dev_access(void *dev, struct bus_access *a)
{
	a->value = ((struct dev *)dev)->base + a->offset;
	return BUS_OK;
}

static const struct bus_posted_ops dev_posted_ops = {.access = dev_access};

static enum bus_result world_access(void *dev, struct bus_access *a)
{
	struct world *w = dev;

	a->value = a->offset + ++w->n_posted;
	return BUS_OK;
}

static const struct bus_posted_ops world_ops = {.access = world_access};

static void world_finish(struct loop_task *t)
{
	struct world *w = t->arg;

	while (w->n_kept) {
		struct bus_access *a = w->kept[--w->n_kept];

		a->value = a->offset + 7;
		bus_complete(a, BUS_OK);
	}
}

static enum bus_result world_keep(void *dev, struct bus_access *a)
{
	struct world *w = dev;

	w->kept[w->n_kept++] = a;
	loop_post(w->loop, &w->finish);
	return BUS_PENDING;
}

static const struct bus_posted_ops keep_ops = {.access = world_keep};

static void *loop_main(void *arg)
{
	return loop_run(arg) ? arg : NULL;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct bus_range posted = {.base = POSTED, .size = 0x100, .posted = &world_ops};
	struct bus_range keep = {.base = PENDING, .size = 0x100, .posted = &keep_ops};

	if (!w || bus_new(&w->bus) || loop_new(&w->loop))
		return -1;
	w->finish = (struct loop_task){.fn = world_finish, .arg = w};
	posted.dev = keep.dev = w;
	posted.loop = keep.loop = w->loop;
	if (bus_add(w->bus, &posted) || bus_add(w->bus, &keep))
		return -1;
	*state = w;
	return pthread_create(&w->loop_thread, NULL, loop_main, w->loop);
}

static int teardown(void **state)
{
	struct world *w = *state;

	loop_stop(w->loop);
	pthread_join(w->loop_thread, NULL);
	bus_free(w->bus);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void *posting_vcpu(void *arg)
{
	struct world *w = arg;
	uint64_t v, last = 0;

	for (unsigned i = 0; i < N_ROUNDS; i++) {
		if (bus_read(w->bus, POSTED, 8, &v) || v <= last)
			return NULL;
		last = v;
		if (bus_write(w->bus, POSTED + 8, 4, i))
			return NULL;
		if (bus_read(w->bus, PENDING + 4, 8, &v) || v != 4 + 7)
			return NULL;
		atomic_fetch_add(&w->n_ok, 1);
	}
	return NULL;
}

static void test_posted(void **state)
{
	struct world *w = *state;
	pthread_t t[N_VCPUS];

	for (unsigned i = 0; i < N_VCPUS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, posting_vcpu, w), 0);
	for (unsigned i = 0; i < N_VCPUS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(w->n_ok, N_VCPUS * N_ROUNDS);
}

static void *reading_vcpu(void *arg)
{
	struct world *w = arg;
	uint64_t v;
	int err;

	while (!atomic_load(&w->stop)) {
		err = bus_read(w->bus, MOVING + 4, 4, &v);
		if (err ? err != -ENXIO : v != MOVING + 4)
			return w;
		if (bus_read(w->bus, FIXED + 4, 4, &v) || v != FIXED + 4)
			return w;
		err = bus_read(w->bus, REMOVABLE + 4, 4, &v);
		if (err ? err != -ENXIO : v != REMOVABLE + 4)
			return w;
	}
	return NULL;
}

static void add(struct world *w, uint64_t base, bool posted, struct dev **out)
{
	struct bus_range r = {.base = base, .size = 0x100};

	*out = malloc(sizeof(**out));
	assert_non_null(*out);
	(*out)->base = base;
	r.dev = *out;
	if (posted) {
		r.posted = &dev_posted_ops;
		r.loop = w->loop;
	} else {
		r.direct = &dev_ops;
	}
	assert_int_equal(bus_add(w->bus, &r), 0);
}

static void test_ranges_come_and_go(void **state)
{
	struct world *w = *state;
	struct dev *fixed, *moving, *removable;
	pthread_t t[N_VCPUS];
	void *failed;

	add(w, FIXED, false, &fixed);
	for (unsigned i = 0; i < N_VCPUS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, reading_vcpu, w), 0);
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		add(w, MOVING, false, &moving);
		add(w, REMOVABLE, true, &removable);
		assert_int_equal(bus_remove(w->bus, MOVING), 0);
		free(moving);
		assert_int_equal(bus_remove(w->bus, REMOVABLE), 0);
		free(removable);
	}
	atomic_store(&w->stop, true);
	for (unsigned i = 0; i < N_VCPUS; i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(bus_remove(w->bus, FIXED), 0);
	free(fixed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_posted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ranges_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
