/* SPDX-License-Identifier: MIT */
/* Packet headers: each field that a guest could lie with, and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backend/net.h"
#include "base/bits.h"
#include "base/endian.h"
#include "dev/net_header.h"

#define SEND_ALL                                                                 \
	(NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_SEND_TSO4 | NET_OFFLOAD_SEND_TSO6 | \
	 NET_OFFLOAD_SEND_USO)
#define RECV_ALL                                                                 \
	(NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_RECV_TSO6 | \
	 NET_OFFLOAD_RECV_USO)
#define USO_BITS (BIT(54) | BIT(55) | BIT(56))

static void test_features(void **state)
{
	assert_int_equal(net_header_features(0), 0);
	assert_int_equal(net_header_features(SEND_ALL | RECV_ALL),
			 BIT(0) | BIT(1) | BIT(7) | BIT(8) | BIT(11) | BIT(12) | USO_BITS);
	/* The kernel has one kind of UDP to be cut, so over both versions of IP or neither. */
	assert_int_equal(net_header_offloads(BIT(1) | BIT(54)), NET_OFFLOAD_RECV_CSUM);
	/* What segments has to make checksums too. */
	assert_int_equal(net_header_features(NET_OFFLOAD_SEND_TSO4), 0);
	assert_int_equal(net_header_offloads(BIT(7) | BIT(8) | BIT(11) | BIT(12)), 0);
	assert_int_equal(net_header_offloads(BIT(0) | BIT(12)),
			 NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_SEND_TSO6);
	assert_int_equal(net_header_offloads(UINT64_MAX), SEND_ALL | RECV_ALL);
}

struct fields {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

static bool from_guest(struct fields f, unsigned offloads, size_t len, struct net_header *out)
{
	uint8_t raw[NET_HEADER_SIZE] = {f.flags, f.gso_type};

	le16_store(raw + 2, f.hdr_len);
	le16_store(raw + 4, f.gso_size);
	le16_store(raw + 6, f.csum_start);
	le16_store(raw + 8, f.csum_offset);
	return net_header_from_guest(raw, offloads, len, out);
}

static void test_checksums(void **state)
{
	static const struct {
		struct fields f;
		size_t len;
		bool good;
	} cases[] = {
		{{1, 0, 0, 0, 34, 16}, 52, true},
		{{1, 0, 0, 0, 34, 16}, 51, false},
		{{1, 0, 0, 0, 14, 0}, 16, true},
		{{1, 0, 0, 0, 13, 0}, 60, false}, /* in the Ethernet header */
		{{1, 0, 0, 0, 65535, 65535}, 65550, false},
		{{1, 0, 0, 0, 65535, 13}, 65550, true},
		{{1, 0, 0, 0, 34, 16}, 0, false},
		{{0, 0, 65535, 65535, 65535, 65535}, 60, true}, /* of no meaning */
		{{0xfe, 0, 0, 0, 65535, 65535}, 60, true},
	};
	struct net_header h;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (from_guest(cases[i].f, SEND_ALL, cases[i].len, &h) != cases[i].good)
			fail_msg("case %zu", i);
		if (cases[i].good && !(cases[i].f.flags & 1))
			assert_memory_equal(&h, &(struct net_header){0}, sizeof(h));
	}
	assert_false(from_guest(cases[0].f, 0, 52, &h));
	assert_true(from_guest(cases[0].f, NET_OFFLOAD_SEND_CSUM, 52, &h));
	assert_int_equal(h.csum_start, 34);
	assert_int_equal(h.csum_offset, 16);
}

static void test_segments(void **state)
{
	static const struct {
		struct fields f;
		bool good;
		uint16_t hdr_len;
	} cases[] = {
		{{1, 1, 54, 1448, 34, 16}, true, 54},
		{{1, 4, 66, 1448, 34, 16}, true, 66},
		{{1, 1, 0, 1448, 34, 16}, true, 54}, /* a hint that is wrong is replaced */
		{{1, 1, 53, 1448, 34, 16}, true, 54},
		{{1, 1, 3001, 1448, 34, 16}, true, 54},
		{{1, 1, 65535, 1448, 34, 16}, true, 54},
		{{1, 1, 3000, 1448, 34, 16}, true, 3000},
		{{1, 1, 54, 0, 34, 16}, false, 0},
		{{0, 1, 54, 1448, 34, 16}, false, 0}, /* without a checksum */
		{{1, 1, 54, 1448, 34, 6}, false, 0},  /* not TCP's */
		{{1, 1, 54, 1448, 2980, 16}, true, 3000},
		{{1, 1, 54, 1448, 2981, 16}, false, 0}, /* no room for a TCP header */
		{{1, 3, 54, 1448, 34, 16}, false, 0},   /* UDP */
		{{1, 5, 54, 1448, 34, 16}, false, 0},   /* UDP to be cut, with TCP's offset */
		{{1, 5, 42, 1448, 34, 6}, true, 42},
		{{1, 5, 99, 1448, 2992, 6}, true, 3000},
		{{1, 5, 42, 1448, 2993, 6}, false, 0},   /* no room for its header */
		{{1, 0x81, 54, 1448, 34, 16}, false, 0}, /* ECN */
		{{1, 0x80, 54, 1448, 34, 16}, false, 0},
		{{1, 255, 54, 1448, 34, 16}, false, 0},
	};
	struct net_header h;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (from_guest(cases[i].f, SEND_ALL, 3000, &h) != cases[i].good)
			fail_msg("case %zu", i);
		if (cases[i].good)
			assert_int_equal(h.hdr_len, cases[i].hdr_len);
	}
	assert_false(from_guest(cases[0].f, NET_OFFLOAD_SEND_CSUM, 3000, &h));
	assert_false(from_guest(cases[0].f, SEND_ALL & ~NET_OFFLOAD_SEND_TSO4, 3000, &h));
	assert_false(from_guest(cases[1].f, SEND_ALL & ~NET_OFFLOAD_SEND_TSO6, 3000, &h));
	assert_true(from_guest((struct fields){1, 5, 42, 1448, 34, 6}, SEND_ALL, 3000, &h));
	assert_false(from_guest((struct fields){1, 5, 42, 1448, 34, 6},
				SEND_ALL & ~NET_OFFLOAD_SEND_USO, 3000, &h));
}

static void test_to_guest(void **state)
{
	const struct net_header tso = {NET_HEADER_NEEDS_CSUM, NET_GSO_TCPV6, 74, 1440, 54, 16};
	const struct net_header valid = {NET_HEADER_DATA_VALID, NET_GSO_NONE, 1, 2, 3, 4};
	static const uint8_t want[NET_HEADER_SIZE] = {1, 4, 74, 0, 0xa0, 5, 54, 0, 16, 0, 3, 0};
	uint8_t raw[NET_HEADER_SIZE], none[NET_HEADER_SIZE] = {0};

	assert_true(net_header_to_guest(&tso, RECV_ALL, raw));
	net_header_set_buffers(raw, 3);
	assert_memory_equal(raw, want, sizeof(want));
	assert_false(net_header_to_guest(&tso, NET_OFFLOAD_RECV_CSUM, raw));
	assert_false(net_header_to_guest(&tso, RECV_ALL & ~NET_OFFLOAD_RECV_TSO6, raw));
	assert_false(net_header_to_guest(&tso, SEND_ALL, raw));
	none[10] = 1;
	assert_true(net_header_to_guest(&valid, 0, raw));
	assert_memory_equal(raw, none, sizeof(none));
	none[0] = NET_HEADER_DATA_VALID;
	assert_true(net_header_to_guest(&valid, RECV_ALL, raw));
	assert_memory_equal(raw, none, sizeof(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_to_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
