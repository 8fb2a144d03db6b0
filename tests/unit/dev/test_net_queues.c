/* SPDX-License-Identifier: MIT */
/* The card's control queue through the real transport: many pairs, the cable, what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/mem_net.h"
#include "base/endian.h"
#include "dev/net.h"
#include "dev/net_spec.h"

#define PAIRS    3u
#define HEADER   12u
#define OFFLOADS (NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_SEND_CSUM)

enum { RX0, TX0, RX1, TX1, RX2, TX2, CTRL };

struct world {
	struct driver d;
	struct mem_net m[PAIRS];
	struct vdev *dev;
	uint64_t now;
	uint8_t frame[2000];
};

static uint64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static int setup(void **state)
{
	static struct world w;
	struct netdev_config config = {
		.mac = {2, 0, 0, 1, 2, 3}, .mtu = 1400, .speed = 2500, .n_pairs = PAIRS};

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	loop_set_clock(w.d.loop, now_of, &w);
	for (unsigned i = 0; i < PAIRS; i++) {
		mem_net_init(&w.m[i]);
		w.m[i].next = i + 1 < PAIRS ? &w.m[i + 1] : NULL;
	}
	w.m[0].net.offloads = OFFLOADS;
	w.frame[0] = 2;
	memcpy(w.frame, config.mac, 6);
	config.net = &w.m[0].net;
	config.loop = w.d.loop;
	assert_int_equal(netdev_new(&config, &w.dev), 0);
	driver_plug(&w.d, w.dev);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_fini(&w->d);
	for (unsigned i = 0; i < PAIRS; i++)
		assert_true(w->m[i].closed);
	return 0;
}

/* All queues, or with `one` those of a driver that does not know MQ. */
static void bring_up(struct world *w, uint64_t features, bool one)
{
	if (!one)
		features |= NET_F_MQ;
	assert_true(driver_negotiate(&w->d, features | NET_F_CTRL_VQ));
	for (unsigned i = 0; i <= (one ? RX1 : CTRL); i++)
		driver_queue(&w->d, i, 16, false);
	driver_ok(&w->d);
	driver_settle(&w->d);
}

/* The answer to a command on the given queue. */
static unsigned command_on(struct world *w, unsigned queue, uint8_t class, uint8_t command,
			   const void *data, uint32_t len)
{
	uint64_t gpa = driver_alloc(&w->d, 64);
	uint8_t *p = driver_ptr(&w->d, gpa, 64);
	const struct guest_part part[3] = {
		{gpa, 2, false}, {gpa + 2, len, false}, {gpa + 60, 1, true}};
	const struct guest_part bare[2] = {part[0], part[2]};

	p[0] = class;
	p[1] = command;
	memcpy(p + 2, data, len);
	p[60] = 0xee;
	assert_int_equal(driver_wait(&w->d, queue,
				     driver_submit(&w->d, queue, len ? part : bare, len ? 3 : 2)),
			 1);
	return p[60];
}

static unsigned command(struct world *w, uint8_t class, uint8_t command, const void *data,
			uint32_t len)
{
	return command_on(w, CTRL, class, command, data, len);
}

static uint64_t post(struct world *w, unsigned queue, uint32_t len)
{
	struct guest_part p = {driver_alloc(&w->d, len), len, true};

	driver_submit(&w->d, queue, &p, 1);
	driver_settle(&w->d);
	return p.gpa;
}

static void test_config(void **state)
{
	struct world *w = *state;
	uint64_t want = NET_F_CTRL_GUEST_OFFLOADS | NET_F_MQ | NET_F_SPEED_DUPLEX |
			NET_F_NOTF_COAL | NET_F_GUEST_ANNOUNCE | NET_F_CTRL_VLAN |
			NET_F_CTRL_RX_EXTRA;

	assert_int_equal(driver_offered(&w->d) & want, want);
	assert_int_equal(driver_config(&w->d, NET_CONFIG_MAX_PAIRS, 2), PAIRS);
	assert_int_equal(driver_config(&w->d, NET_CONFIG_SPEED, 4), 2500);
	assert_int_equal(driver_config(&w->d, NET_CONFIG_DUPLEX, 1), 1);
	assert_int_equal(driver_config(&w->d, NET_CONFIG_LEN, 1), 0);
}

static void test_pairs(void **state)
{
	struct world *w = *state;
	uint8_t n[2] = {3};

	bring_up(w, 0, false);
	assert_true(w->m[0].active && !w->m[1].active && !w->m[2].active);
	post(w, RX2, 500);
	assert_false(w->m[2].wanted);
	assert_int_equal(command(w, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, n, 2), NET_CTRL_ACK_OK);
	driver_settle(&w->d);
	assert_true(w->m[1].active && w->m[2].active && w->m[2].wanted);
	assert_true(mem_net_offer(&w->m[2], w->frame, 100, 0));
	assert_int_equal(driver_wait(&w->d, RX2, -1), 112);
	n[0] = 4;
	assert_int_equal(command(w, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, n, 2), NET_CTRL_ACK_ERR);
	n[0] = 2;
	assert_int_equal(command(w, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, n, 2), NET_CTRL_ACK_OK);
	assert_true(w->m[1].active && !w->m[2].active && !w->m[2].wanted);
	/* A reset forgets it, and the address. */
	assert_int_equal(command(w, NET_CTRL_MAC, NET_CTRL_MAC_ADDR, "\x52\0\0\0\0\x09", 6), 1);
	driver_reset(&w->d);
	assert_true(w->m[0].active && !w->m[1].active);
	bring_up(w, NET_F_CTRL_MAC_ADDR, false);
	assert_int_equal(command(w, NET_CTRL_MAC, NET_CTRL_MAC_ADDR, "\x52\0\0\0\0\x09", 6), 0);
	assert_int_equal(driver_config(&w->d, 4, 2), 0x0900);
	driver_reset(&w->d);
	assert_int_equal(driver_config(&w->d, 4, 2), 0x0302);
}

/* Each pair sends by its own queue of the network. */
static void test_send(void **state)
{
	struct world *w = *state;

	bring_up(w, 0, false);
	for (unsigned i = 0; i < PAIRS; i++) {
		struct guest_part p = {driver_alloc(&w->d, 100), 100, false};

		driver_wait(&w->d, 2 * i + 1, driver_submit(&w->d, 2 * i + 1, &p, 1));
		assert_int_equal(w->m[i].n_sent, 1);
		assert_int_equal(w->m[i].last_len, 88);
	}
}

/* Without MQ the control queue is the third one (5.1.2), and the rest is nothing. */
static void test_no_mq(void **state)
{
	struct world *w = *state;

	bring_up(w, NET_F_CTRL_RX, true);
	assert_int_equal(command_on(w, RX1, NET_CTRL_RX, NET_CTRL_RX_PROMISC, "", 1), 0);
	assert_int_equal(command_on(w, RX1, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, "\1", 2), 1);
	driver_queue(&w->d, TX2, 16, false);
	post(w, TX2, 10);
	assert_false(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_bad_commands(void **state)
{
	struct world *w = *state;
	uint64_t gpa = driver_alloc(&w->d, 64);
	const struct guest_part only_answer = {gpa, 4, true}, no_answer = {gpa, 4, false};

	bring_up(w, 0, false);
	assert_int_equal(command(w, 99, 0, "", 0), NET_CTRL_ACK_ERR);
	assert_int_equal(command(w, NET_CTRL_RX, NET_CTRL_RX_PROMISC, "", 1), NET_CTRL_ACK_ERR);
	/* No command at all is one that is not known. */
	assert_int_equal(driver_wait(&w->d, CTRL, driver_submit(&w->d, CTRL, &only_answer, 1)), 1);
	assert_int_equal(*(uint8_t *)driver_ptr(&w->d, gpa, 1), NET_CTRL_ACK_ERR);
	driver_submit(&w->d, CTRL, &no_answer, 1);
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_filter(void **state)
{
	struct world *w = *state;

	bring_up(w, NET_F_CTRL_RX, false);
	post(w, RX0, 200);
	w->frame[5] = 9; /* another's */
	assert_int_equal(command(w, NET_CTRL_RX, NET_CTRL_RX_PROMISC, "", 1), 0);
	assert_true(mem_net_offer(&w->m[0], w->frame, 100, 0)); /* dropped */
	w->frame[5] = 3;
	assert_true(mem_net_offer(&w->m[0], w->frame, 90, 0));
	assert_int_equal(driver_wait(&w->d, RX0, -1), 102);
}

/* What was agreed on about the size holds for frames that nobody is to cut. */
static void test_mtu(void **state)
{
	struct world *w = *state;

	bring_up(w, NET_F_MTU, false);
	post(w, RX0, 2000);
	assert_true(mem_net_offer(&w->m[0], w->frame, 1419, 0)); /* dropped */
	assert_true(mem_net_offer(&w->m[0], w->frame, 1418, 0));
	assert_int_equal(driver_wait(&w->d, RX0, -1), 1430);
}

static void test_link(void **state)
{
	struct world *w = *state;
	struct guest_part p = {driver_alloc(&w->d, 100), 100, false};
	unsigned raised;

	bring_up(w, NET_F_GUEST_ANNOUNCE | NET_F_STATUS, false);
	post(w, RX0, 200);
	raised = w->d.n_raised;
	netdev_set_link(w->dev, false);
	assert_int_equal(driver_config(&w->d, NET_CONFIG_STATUS, 2), 0);
	assert_int_equal(w->d.n_raised, raised + 1);
	assert_true(mem_net_offer(&w->m[0], w->frame, 100, 0));
	driver_wait(&w->d, TX0, driver_submit(&w->d, TX0, &p, 1));
	assert_int_equal(w->m[0].n_sent, 0);
	netdev_set_link(w->dev, true);
	assert_int_equal(driver_config(&w->d, NET_CONFIG_STATUS, 2),
			 NET_S_LINK_UP | NET_S_ANNOUNCE);
	assert_int_equal(command(w, NET_CTRL_ANNOUNCE, NET_CTRL_ANNOUNCE_ACK, "", 0), 0);
	assert_int_equal(driver_config(&w->d, NET_CONFIG_STATUS, 2), NET_S_LINK_UP);
	driver_wait(&w->d, TX0, driver_submit(&w->d, TX0, &p, 1));
	assert_int_equal(w->m[0].n_sent, 1);
	assert_true(mem_net_offer(&w->m[0], w->frame, 100, 0));
	assert_int_equal(driver_wait(&w->d, RX0, -1), 112);
}

static void test_guest_offloads(void **state)
{
	struct world *w = *state;
	uint8_t bits[8];

	bring_up(w, NET_F_CTRL_GUEST_OFFLOADS | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_CSUM,
		 false);
	assert_int_equal(w->m[2].offloads, OFFLOADS);
	le64_store(bits, NET_F_GUEST_CSUM);
	assert_int_equal(command(w, NET_CTRL_OFFLOADS, NET_CTRL_OFFLOADS_SET, bits, 8), 0);
	for (unsigned i = 0; i < PAIRS; i++)
		assert_int_equal(w->m[i].offloads, NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_SEND_CSUM);
	le64_store(bits, NET_F_GUEST_TSO6);
	assert_int_equal(command(w, NET_CTRL_OFFLOADS, NET_CTRL_OFFLOADS_SET, bits, 8), 1);
}

/* Frames are there at once; the interrupt comes with the third, or after 50 us. */
static void test_coalesce(void **state)
{
	struct world *w = *state;
	uint8_t rule[8];
	unsigned raised;
	uint32_t id, len;

	bring_up(w, NET_F_NOTF_COAL, false);
	for (unsigned i = 0; i < 6; i++)
		post(w, RX0, 200);
	le32_store(rule, 3);
	le32_store(rule + 4, 50);
	assert_int_equal(command(w, NET_CTRL_NOTF_COAL, NET_CTRL_NOTF_COAL_RX, rule, 8), 0);
	driver_settle(&w->d);
	driver_write(&w->d, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	raised = w->d.n_raised;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(w->d.n_raised, raised);
		assert_true(mem_net_offer(&w->m[0], w->frame, 100, 0));
		driver_settle(&w->d);
		assert_true(guest_ring_reap(&w->d.ring[RX0], &id, &len));
	}
	assert_int_equal(w->d.n_raised, raised + 1);
	driver_write(&w->d, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	assert_true(mem_net_offer(&w->m[0], w->frame, 100, 0));
	w->now += 49999;
	driver_settle(&w->d);
	w->now += 49999;
	driver_settle(&w->d);
	assert_int_equal(w->d.n_raised, raised + 1);
	w->now += 1;
	driver_settle(&w->d);
	assert_int_equal(w->d.n_raised, raised + 2);
	/* A reset forgets it, also while an interrupt waits. */
	driver_write(&w->d, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	assert_true(mem_net_offer(&w->m[0], w->frame, 100, 0));
	driver_settle(&w->d);
	driver_reset(&w->d);
	bring_up(w, NET_F_NOTF_COAL, false);
	post(w, RX0, 200);
	raised = w->d.n_raised;
	assert_true(mem_net_offer(&w->m[0], w->frame, 100, 0));
	driver_settle(&w->d);
	assert_int_equal(w->d.n_raised, raised + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_config),         T(test_pairs),        T(test_send), T(test_no_mq),
		T(test_filter),         T(test_bad_commands), T(test_mtu),  T(test_link),
		T(test_guest_offloads), T(test_coalesce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
