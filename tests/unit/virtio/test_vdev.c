/* SPDX-License-Identifier: MIT */
/* The device core, by a carrier of the test's own: starting and stopping queues, and eventfds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/guest_ring.h"
#include "lib/toy.h"
#include "base/fd.h"

#define RAM 0x40000000ull

struct world {
	struct loop *loop;
	struct gmem *mem;
	struct toy *toy;
	struct guest_ring g;
	struct vdev_queue_setup setup;
	unsigned n_interrupts, n_changed, n_broken, n_stopped, n_reset;
	bool freed;
};

static void on_interrupt(void *port, unsigned queue)
{
	((struct world *)port)->n_interrupts++;
}

static void on_changed(void *port)
{
	((struct world *)port)->n_changed++;
}

static void on_broken(void *port)
{
	((struct world *)port)->n_broken++;
}

static const struct vdev_port_ops port_ops = {
	.interrupt = on_interrupt, .config_changed = on_changed, .broken = on_broken};

static void on_stopped(void *arg)
{
	((struct world *)arg)->n_stopped++;
}

static void on_reset(void *arg)
{
	((struct world *)arg)->n_reset++;
}

static int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	assert_int_equal(loop_new(&w.loop), 0);
	assert_int_equal(gmem_new(&w.mem), 0);
	assert_int_equal(gmem_add_ram(w.mem, RAM, 1 << 20), 0);
	w.toy = toy_new(w.loop, &w.freed);
	vdev_attach(&w.toy->vdev, &port_ops, &w, w.loop, w.mem);
	assert_int_equal(vdev_set_features(&w.toy->vdev, VIRTIO_F_VERSION_1), 0);
	guest_ring_init(&w.g, w.mem, RAM, 8, 65535, false);
	w.setup = (struct vdev_queue_setup){.ring = {.size = 8,
						     .desc = w.g.desc,
						     .driver = w.g.avail,
						     .device = w.g.used,
						     .next_avail = 65535,
						     .next_used = 65535},
					    .kick_fd = -1,
					    .call_fd = -1};
	*state = &w;
	return 0;
}

static void settle(struct world *w)
{
	for (unsigned i = 0; i < 100 && loop_turn(w->loop, 0); i++)
		continue;
}

static int teardown(void **state)
{
	struct world *w = *state;
	unsigned n = w->n_reset;

	vdev_reset(&w->toy->vdev, on_reset, w);
	settle(w);
	toy_release(w->toy, 0);
	settle(w);
	assert_int_equal(w->n_reset, n + 1);
	vdev_free(&w->toy->vdev);
	assert_true(w->freed);
	guest_ring_fini(&w->g);
	loop_free(w->loop);
	gmem_free(w->mem);
	return 0;
}

static int start(struct world *w)
{
	return vdev_queue_start(&w->toy->vdev, 0, &w->setup);
}

static int stop(struct world *w)
{
	return vdev_queue_stop(&w->toy->vdev, 0, on_stopped, w);
}

static void submit(struct world *w)
{
	struct guest_part p = {RAM + 0x10000, 16, true};

	assert_true(guest_ring_add(&w->g, &p, 1, 0, 0) >= 0);
	guest_ring_publish(&w->g);
}

static void test_start_and_stop(void **state)
{
	struct world *w = *state;

	assert_int_equal(stop(w), -EINVAL);
	assert_int_equal(start(w), 0);
	assert_int_equal(start(w), -EBUSY);
	settle(w);
	submit(w);
	vdev_kick(&w->toy->vdev, 0);
	settle(w);
	assert_int_equal(w->n_interrupts, 1);
	assert_int_equal(stop(w), 0);
	assert_int_equal(stop(w), -EINVAL);
	assert_int_equal(w->n_stopped, 0);
	settle(w);
	assert_int_equal(w->n_stopped, 1);
	/* No kick reaches a stopped queue. */
	submit(w);
	vdev_kick(&w->toy->vdev, 0);
	settle(w);
	assert_int_equal(w->n_interrupts, 1);
}

static void test_stop_overtakes_start(void **state)
{
	struct world *w = *state;

	assert_int_equal(start(w), 0);
	assert_int_equal(stop(w), 0);
	settle(w);
	assert_int_equal(w->n_stopped, 1);
	assert_int_equal(w->toy->q[0].n_started, 0);
	assert_int_equal(w->toy->q[0].n_stopped, 0);
	assert_int_equal(start(w), 0);
	settle(w);
	assert_int_equal(w->toy->q[0].n_started, 1);
}

static void test_stop_waits_for_what_is_in_flight(void **state)
{
	struct world *w = *state;

	w->toy->hold = true;
	assert_int_equal(start(w), 0);
	submit(w);
	settle(w);
	assert_int_equal(w->toy->q[0].n_held, 1);
	assert_int_equal(stop(w), 0);
	settle(w);
	assert_int_equal(w->n_stopped, 0);
	assert_int_equal(start(w), -EBUSY);
	toy_release(w->toy, 0);
	/* What was completed last was published before the queue counted as stopped. */
	assert_int_equal(w->n_interrupts, 1);
	settle(w);
	assert_int_equal(w->n_stopped, 1);
}

static void test_reset_joins_a_stop(void **state)
{
	struct world *w = *state;

	w->toy->hold = true;
	assert_int_equal(start(w), 0);
	submit(w);
	settle(w);
	assert_int_equal(stop(w), 0);
	vdev_reset(&w->toy->vdev, on_reset, w);
	assert_int_equal(start(w), -EBUSY);
	assert_int_equal(vdev_queue_start(&w->toy->vdev, 1, &w->setup), -EBUSY);
	settle(w);
	assert_int_equal(w->n_reset, 0);
	toy_release(w->toy, 0);
	settle(w);
	assert_int_equal(w->n_stopped, 1);
	assert_int_equal(w->n_reset, 1);
	assert_int_equal(w->toy->q[0].n_stopped, 1);
	assert_int_equal(start(w), 0);
}

static void test_queue_reset(void **state)
{
	struct world *w = *state;
	struct vdev *dev = &w->toy->vdev;

	assert_int_equal(vdev_queue_reset(dev, 0, on_stopped, w), -EINVAL); /* not negotiated */
	assert_int_equal(vdev_set_features(dev, VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET), 0);
	assert_int_equal(vdev_queue_reset(dev, TOY_QUEUES, on_stopped, w), -EINVAL);
	assert_int_equal(vdev_queue_reset(dev, 0, on_stopped, w), 0);
	assert_int_equal(w->n_stopped, 1); /* it was not started */
	w->toy->hold = true;
	assert_int_equal(start(w), 0);
	submit(w);
	settle(w);
	assert_int_equal(vdev_queue_reset(dev, 0, on_stopped, w), 0);
	assert_int_equal(vdev_queue_reset(dev, 0, on_stopped, w), -EBUSY);
	settle(w);
	assert_int_equal(w->n_stopped, 1);
	/* A reset of the whole device joins it. */
	vdev_reset(dev, on_reset, w);
	assert_int_equal(vdev_queue_reset(dev, 1, on_stopped, w), -EBUSY);
	toy_release(w->toy, 0);
	settle(w);
	assert_int_equal(w->n_stopped, 2);
	assert_int_equal(w->n_reset, 1);
}

/* What a ring takes for IN_ORDER comes and goes with the queue; a split ring is offered the power
 * of two below what the device takes. */
static void test_in_order_and_sizes(void **state)
{
	struct world *w = *state;
	struct vdev *dev = &w->toy->vdev;

	vdev_offer_ring(dev, VIRTQ_FEATURES_ALL);
	vdev_limit_rings(dev, 50);
	assert_int_equal(vdev_queue_size_max(dev, 0), 32);
	assert_int_equal(vdev_set_features(dev, VIRTIO_F_VERSION_1 | VIRTIO_F_IN_ORDER), 0);
	assert_int_equal(start(w), 0);
	settle(w);
	for (unsigned i = 0; i < 3; i++)
		submit(w);
	vdev_kick(dev, 0);
	settle(w);
	assert_int_equal(counter_read(&w->toy->vdev.queues[0].stats.ring.chains), 3);
	vdev_reset(dev, on_reset, w);
	settle(w);
	assert_int_equal(vdev_set_features(dev, VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED), 0);
	assert_int_equal(vdev_queue_size_max(dev, 1), 50);
	assert_int_equal(vdev_queue_size_max(dev, TOY_QUEUES), 0);
	w->setup.ring.size = 51;
	assert_int_equal(start(w), -EINVAL);
}

static void test_refused_setups(void **state)
{
	struct world *w = *state;
	struct vdev_queue_setup good = w->setup;

	assert_int_equal(vdev_queue_start(&w->toy->vdev, TOY_QUEUES, &w->setup), -EINVAL);
	w->setup.ring.size = 2 * TOY_SIZE;
	assert_int_equal(start(w), -EINVAL);
	w->setup = good;
	w->setup.ring.desc++;
	assert_int_equal(start(w), -EINVAL);
	w->setup = good;
	assert_int_equal(start(w), 0);
	assert_int_equal(vdev_set_features(&w->toy->vdev, 0), -EINVAL);
	assert_int_equal(vdev_set_features(&w->toy->vdev, VIRTIO_F_VERSION_1 | BIT(60)), -EINVAL);
}

static uint64_t count_of(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* A carrier may hand in eventfds, as KVM and vhost-user do. */
static void test_eventfds(void **state)
{
	struct world *w = *state;

	assert_int_equal(eventfd_new(&w->setup.kick_fd), 0);
	assert_int_equal(eventfd_new(&w->setup.call_fd), 0);
	assert_int_equal(start(w), 0);
	settle(w);
	submit(w);
	settle(w);
	assert_int_equal(count_of(w->setup.call_fd), 0);
	eventfd_raise(w->setup.kick_fd);
	settle(w);
	assert_int_equal(count_of(w->setup.call_fd), 1);
	assert_int_equal(w->n_interrupts, 0);
	assert_int_equal(stop(w), 0);
	settle(w);
	submit(w);
	eventfd_raise(w->setup.kick_fd);
	settle(w);
	assert_int_equal(count_of(w->setup.call_fd), 0);
	assert_int_equal(count_of(w->setup.kick_fd), 1);
	fd_close(&w->setup.kick_fd);
	/* One that cannot be watched. */
	w->setup.kick_fd = w->setup.call_fd;
	fd_close(&w->setup.call_fd);
	assert_int_equal(start(w), 0);
	settle(w);
	assert_int_equal(w->n_broken, 1);
}

static void test_broken_is_told_once(void **state)
{
	struct world *w = *state;

	vdev_broken(&w->toy->vdev, "a test");
	vdev_broken(&w->toy->vdev, "a test");
	assert_int_equal(w->n_broken, 1);
	vdev_reset(&w->toy->vdev, on_reset, w);
	assert_int_equal(w->n_reset, 1);
	vdev_broken(&w->toy->vdev, "a test");
	assert_int_equal(w->n_broken, 2);
	vdev_config_changed(&w->toy->vdev);
	assert_int_equal(w->n_changed, 1);
}

static void expect_counts(const struct vdev_queue *q, const uint64_t wanted[5])
{
	struct stats_labels none = {.queue = STATS_NONE, .hart = STATS_NONE};
	struct stats_list l = {0};

	assert_int_equal(stats_add_table(&l, vdev_queue_rows, none, &q->stats), 0);
	assert_int_equal(l.n, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(l.sample[i].value, wanted[i]);
	stats_fini(&l);
}

/* Kicks, interrupts (the toy flushes after each chain), chains, bytes read and written; they go on
 * counting when the queue starts again. */
static void test_counts(void **state)
{
	struct guest_part p[2] = {{RAM + 0x10000, 5, false}, {RAM + 0x10000, 16, true}};
	struct world *w = *state;
	const struct vdev_queue *q = &w->toy->vdev.queues[0];

	assert_int_equal(start(w), 0);
	settle(w);
	vdev_go_on(&w->toy->vdev.queues[0]); /* no kick of the driver's */
	settle(w);
	expect_counts(q, (const uint64_t[]){0, 0, 0, 0, 0});
	for (unsigned i = 0; i < 3; i++)
		assert_true(guest_ring_add(&w->g, p, 2, 0, 0) >= 0);
	guest_ring_publish(&w->g);
	vdev_kick(&w->toy->vdev, 0);
	vdev_kick(&w->toy->vdev, 0);
	vdev_kick(&w->toy->vdev, 99); /* of a queue that is not there */
	settle(w);
	expect_counts(q, (const uint64_t[]){2, 3, 3, 15, 48});
	assert_int_equal(stop(w), 0);
	settle(w);
	w->setup.ring.next_avail = w->setup.ring.next_used = 2;
	assert_int_equal(start(w), 0);
	settle(w);
	submit(w);
	vdev_kick(&w->toy->vdev, 0);
	settle(w);
	expect_counts(q, (const uint64_t[]){3, 4, 4, 15, 64});
	vdev_broken(&w->toy->vdev, "a test");
	vdev_broken(&w->toy->vdev, "a test");
	vdev_count_error(&w->toy->vdev);
	assert_int_equal(counter_read(&w->toy->vdev.stats.broken), 1);
	assert_int_equal(counter_read(&w->toy->vdev.stats.errors), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_start_and_stop),
		T(test_stop_overtakes_start),
		T(test_stop_waits_for_what_is_in_flight),
		T(test_reset_joins_a_stop),
		T(test_queue_reset),
		T(test_in_order_and_sizes),
		T(test_refused_setups),
		T(test_eventfds),
		T(test_broken_is_told_once),
		T(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
