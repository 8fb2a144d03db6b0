/* SPDX-License-Identifier: MIT */
/* The commands of the control queue one by one, good and bad, and which frames pass afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/endian.h"
#include "dev/net_ctrl.h"
#include "dev/net_spec.h"

struct world {
	struct net_ctrl c;
	unsigned pairs, n_announced, n_mac, n_offloads, n_coalesced;
	uint64_t offloads;
	uint32_t max_frames, max_us;
	bool tx;
};

static const uint8_t own[6] = {0x52, 0x54, 0, 1, 2, 3};

static bool set_pairs(void *arg, unsigned n)
{
	((struct world *)arg)->pairs = n;
	return n >= 1 && n <= 4;
}

static void set_guest_offloads(void *arg, uint64_t features)
{
	struct world *w = arg;

	w->n_offloads++;
	w->offloads = features;
}

static void mac_changed(void *arg)
{
	((struct world *)arg)->n_mac++;
}

static void announced(void *arg)
{
	((struct world *)arg)->n_announced++;
}

static void coalesce(void *arg, bool tx, uint32_t max_frames, uint32_t max_us)
{
	struct world *w = arg;

	w->n_coalesced++;
	w->tx = tx;
	w->max_frames = max_frames;
	w->max_us = max_us;
}

static const struct net_ctrl_ops ops = {
	.set_pairs = set_pairs,
	.set_guest_offloads = set_guest_offloads,
	.mac_changed = mac_changed,
	.announced = announced,
	.coalesce = coalesce,
};

static int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	net_ctrl_init(&w.c, &ops, &w, UINT64_MAX & ~NET_F_GUEST_TSO6, own);
	*state = &w;
	return 0;
}

/* The command, cut in two at each place; the results have to agree. */
static bool run(struct world *w, uint8_t class, uint8_t command, const void *data, size_t len)
{
	uint8_t bytes[2048] = {class, command};
	bool ok = true;

	if (len)
		memcpy(bytes + 2, data, len);
	for (size_t cut = 0; cut < 2 + len && cut < 40; cut++) {
		struct iovec iov[2] = {{bytes, cut}, {bytes + cut, 2 + len - cut}};
		bool now = net_ctrl_run(&w->c, iov, 2, 2 + len);

		assert_true(!cut || now == ok);
		ok = now;
	}
	return ok;
}

static bool mode(struct world *w, uint8_t command, uint8_t on)
{
	return run(w, NET_CTRL_RX, command, &on, 1);
}

/* A frame to the address that ends in `last` (a group's if it is odd in front), with a tag or
 * without (vid < 0). */
static bool takes(struct world *w, uint8_t first, uint8_t last, int vid)
{
	uint8_t f[60] = {first, 0x54, 0, 1, 2, last};

	if (first == 0xff)
		memset(f, 0xff, 6);
	if (vid >= 0) {
		f[12] = 0x81;
		f[14] = (uint8_t)(0xe0 | vid >> 8); /* with a priority */
		f[15] = (uint8_t)vid;
	}
	return net_filter_takes(&w->c.filter, f, sizeof(f));
}

static void test_modes(void **state)
{
	struct world *w = *state;

	assert_true(takes(w, 0x52, 9, 7)); /* all pass at first */
	assert_true(mode(w, NET_CTRL_RX_PROMISC, 0));
	assert_true(takes(w, 0x52, 3, -1));
	assert_true(takes(w, 0xff, 0, -1));
	assert_false(takes(w, 0x52, 9, -1));
	assert_false(takes(w, 0x53, 3, -1));
	assert_true(mode(w, NET_CTRL_RX_ALLMULTI, 1));
	assert_true(takes(w, 0x53, 3, -1));
	assert_true(mode(w, NET_CTRL_RX_NOMULTI, 1));
	assert_false(takes(w, 0x53, 3, -1));
	assert_true(takes(w, 0xff, 0, -1));
	assert_true(mode(w, NET_CTRL_RX_NOBCAST, 1));
	assert_false(takes(w, 0xff, 0, -1));
	assert_true(mode(w, NET_CTRL_RX_ALLUNI, 1));
	assert_true(takes(w, 0x52, 9, -1));
	assert_true(mode(w, NET_CTRL_RX_NOUNI, 1));
	assert_false(takes(w, 0x52, 3, -1));
	assert_true(mode(w, NET_CTRL_RX_PROMISC, 1));
	assert_true(takes(w, 0x52, 9, -1) && takes(w, 0x53, 9, -1) && takes(w, 0xff, 0, 5));
}

static void test_vlans(void **state)
{
	struct world *w = *state;
	uint8_t vid[2] = {0x05, 0x03};

	assert_true(mode(w, NET_CTRL_RX_PROMISC, 0));
	assert_true(takes(w, 0x52, 3, -1)); /* without a tag */
	assert_false(takes(w, 0x52, 3, 0));
	assert_false(takes(w, 0x52, 3, 0x305));
	assert_true(run(w, NET_CTRL_VLAN, NET_CTRL_VLAN_ADD, vid, 2));
	assert_true(takes(w, 0x52, 3, 0x305));
	assert_false(takes(w, 0x52, 3, 0x304));
	assert_false(takes(w, 0x52, 9, 0x305)); /* the address counts too */
	assert_true(run(w, NET_CTRL_VLAN, NET_CTRL_VLAN_DEL, vid, 2));
	assert_false(takes(w, 0x52, 3, 0x305));
	vid[1] = 0x10; /* 0x1005: there are 4096 */
	assert_false(run(w, NET_CTRL_VLAN, NET_CTRL_VLAN_ADD, vid, 2));
	assert_false(run(w, NET_CTRL_VLAN, NET_CTRL_VLAN_DEL, vid, 2));
	net_ctrl_init(&w->c, &ops, w, NET_F_CTRL_RX, own);
	assert_true(mode(w, NET_CTRL_RX_PROMISC, 0));
	assert_true(takes(w, 0x52, 3, 0x305)); /* not negotiated: nobody looks */
}

/* Two lists: n1 addresses 52:54:00:01:02:00.., n2 groups 53:...; *len is the data's. */
static void make_table(uint8_t *data, uint32_t n1, uint32_t n2, size_t *len)
{
	uint8_t *p = data;

	for (unsigned list = 0; list < 2; list++) {
		uint32_t n = list ? n2 : n1;

		le32_store(p, n);
		p += 4;
		for (uint32_t i = 0; i < n; i++, p += 6)
			memcpy(p, (uint8_t[6]){(uint8_t)(0x52 + list), 0x54, 0, 1, 2, (uint8_t)i},
			       6);
	}
	*len = (size_t)(p - data);
}

static void test_table(void **state)
{
	struct world *w = *state;
	uint8_t data[2048];
	size_t len;

	assert_true(mode(w, NET_CTRL_RX_PROMISC, 0));
	make_table(data, 2, 1, &len);
	assert_true(run(w, NET_CTRL_MAC, NET_CTRL_MAC_TABLE, data, len));
	assert_true(takes(w, 0x52, 0, -1) && takes(w, 0x52, 1, -1) && takes(w, 0x53, 0, -1));
	assert_true(takes(w, 0x52, 3, -1));
	assert_false(takes(w, 0x52, 2, -1) || takes(w, 0x53, 1, -1));
	/* What is not whole, or too much, is refused and changes nothing. */
	for (size_t k = 0; k < len; k++)
		assert_false(run(w, NET_CTRL_MAC, NET_CTRL_MAC_TABLE, data, k));
	assert_false(run(w, NET_CTRL_MAC, NET_CTRL_MAC_TABLE, data, len + 1));
	le32_store(data, UINT32_MAX);
	assert_false(run(w, NET_CTRL_MAC, NET_CTRL_MAC_TABLE, data, len));
	le32_store(data, 0x2aaaaaab); /* times six wraps around */
	assert_false(run(w, NET_CTRL_MAC, NET_CTRL_MAC_TABLE, data, len));
	assert_true(takes(w, 0x52, 1, -1) && !takes(w, 0x52, 2, -1));
	/* The largest one, and one that is larger: everything of its kind. */
	make_table(data, 64, 65, &len);
	assert_true(run(w, NET_CTRL_MAC, NET_CTRL_MAC_TABLE, data, len));
	assert_true(takes(w, 0x52, 63, -1) && !takes(w, 0x52, 64, -1));
	assert_true(takes(w, 0x53, 200, -1));
	make_table(data, 0, 0, &len);
	assert_true(run(w, NET_CTRL_MAC, NET_CTRL_MAC_TABLE, data, len));
	assert_false(takes(w, 0x52, 0, -1) || takes(w, 0x53, 0, -1));
}

static void test_address(void **state)
{
	struct world *w = *state;
	uint8_t mac[6] = {0x52, 0x54, 0, 1, 2, 9};

	assert_true(mode(w, NET_CTRL_RX_PROMISC, 0));
	assert_true(run(w, NET_CTRL_MAC, NET_CTRL_MAC_ADDR, mac, 6));
	assert_true(w->n_mac && takes(w, 0x52, 9, -1) && !takes(w, 0x52, 3, -1));
	mac[0] = 1;
	assert_false(run(w, NET_CTRL_MAC, NET_CTRL_MAC_ADDR, mac, 6));
	assert_true(takes(w, 0x52, 9, -1));
}

static void test_others(void **state)
{
	struct world *w = *state;
	uint8_t data[8] = {3};

	assert_true(run(w, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, data, 2) && w->pairs == 3);
	data[0] = 0;
	assert_false(run(w, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, data, 2));
	data[1] = 0x80;
	assert_false(run(w, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, data, 2));
	assert_true(run(w, NET_CTRL_ANNOUNCE, NET_CTRL_ANNOUNCE_ACK, NULL, 0) && w->n_announced);
	le64_store(data, NET_F_GUEST_CSUM | NET_F_GUEST_TSO4);
	assert_true(run(w, NET_CTRL_OFFLOADS, NET_CTRL_OFFLOADS_SET, data, 8));
	assert_int_equal(w->offloads, NET_F_GUEST_CSUM | NET_F_GUEST_TSO4);
	w->n_offloads = 0;
	le64_store(data, NET_F_GUEST_CSUM | NET_F_GUEST_TSO6); /* not negotiated */
	assert_false(run(w, NET_CTRL_OFFLOADS, NET_CTRL_OFFLOADS_SET, data, 8));
	le64_store(data, NET_F_HOST_TSO4); /* none of the guest's */
	assert_false(run(w, NET_CTRL_OFFLOADS, NET_CTRL_OFFLOADS_SET, data, 8));
	assert_int_equal(w->n_offloads, 0);
	le32_store(data, 16);
	le32_store(data + 4, 100);
	assert_true(run(w, NET_CTRL_NOTF_COAL, NET_CTRL_NOTF_COAL_RX, data, 8));
	assert_true(!w->tx && w->max_frames == 16 && w->max_us == 100);
	assert_true(run(w, NET_CTRL_NOTF_COAL, NET_CTRL_NOTF_COAL_TX, data, 8) && w->tx);
}

/* Every class and command there could be, with data of every length up to 20: right with one
 * length only (the table: with none of these), and with nothing negotiated never. */
static void test_all_lengths(void **state)
{
	struct world *w = *state;
	static const uint8_t zero[32];
	unsigned n_right = 0;

	for (unsigned negotiated = 0; negotiated < 2; negotiated++) {
		net_ctrl_init(&w->c, &ops, w, negotiated ? UINT64_MAX : 0, own);
		for (unsigned k = 0; k < 65536; k++) {
			unsigned class = k >> 8, command = k & 255, right = 0;

			if (class > 10 && class < 250)
				continue;
			for (size_t len = 0; len <= 20; len++) {
				uint8_t bytes[32] = {(uint8_t) class, (uint8_t)command};
				struct iovec iov = {bytes, 2 + len};

				right += net_ctrl_run(&w->c, &iov, 1, 2 + len);
			}
			assert_true(right <= negotiated);
			n_right += right;
		}
	}
	/* All 15, but for MQ with no pair at all. */
	assert_int_equal(n_right, 14);
	for (size_t len = 0; len < 2; len++) {
		struct iovec iov = {(void *)(uintptr_t)zero, len};

		assert_false(net_ctrl_run(&w->c, &iov, 1, len));
	}
	for (unsigned v = 2; v < 256; v++)
		assert_false(mode(w, NET_CTRL_RX_PROMISC, (uint8_t)v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_modes, setup),
		cmocka_unit_test_setup(test_vlans, setup),
		cmocka_unit_test_setup(test_table, setup),
		cmocka_unit_test_setup(test_address, setup),
		cmocka_unit_test_setup(test_others, setup),
		cmocka_unit_test_setup(test_all_lengths, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
