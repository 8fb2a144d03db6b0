/* SPDX-License-Identifier: MIT */
/* The text form of a forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/net_user.h"
#include "base/bits.h"
#include "base/err.h"

static void test_good(void **state)
{
	struct net_user_forward f;
	struct err e;

	assert_int_equal(net_user_parse_forward("", "tcp:192.168.7.1:2222-10.0.2.99:22", &f, &e),
			 0);
	assert_false(f.udp);
	assert_int_equal(ntohl(f.host_addr.s_addr), 0xc0a80701);
	assert_int_equal(f.host_port, 2222);
	assert_int_equal(ntohl(f.guest_addr.s_addr), 0x0a000263);
	assert_int_equal(f.guest_port, 22);
	assert_int_equal(net_user_parse_forward("", "udp::1-:65535", &f, &e), 0);
	assert_true(f.udp);
	assert_int_equal(ntohl(f.host_addr.s_addr), 0x7f000001);
	assert_int_equal(f.host_port, 1);
	assert_int_equal(ntohl(f.guest_addr.s_addr), 0x0a00020f);
	assert_int_equal(f.guest_port, 65535);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "write PROTOCOL:HOST:PORT-GUEST:PORT"},
		{"tcp", "write PROTOCOL"},
		{"tcp:2222-:22", "write PROTOCOL"},
		{"tcp::2222:22", "write PROTOCOL"},
		{"tcp::2222-22", "write PROTOCOL"},
		{"sctp::1-:2", "protocol 'sctp'; use tcp or udp"},
		{"tcp:localhost:1-:2",
		 "localhost is no IPv4 address; leave it empty for 127.0.0.1"},
		{"tcp::1-guest:2", "guest is no IPv4 address; leave it empty for 10.0.2.15"},
		{"tcp::0-:2", "'0' is no port; use 1 to 65535"},
		{"tcp::65536-:2", "'65536' is no port"},
		{"tcp::1-:", "'' is no port"},
		{"tcp::1-:2:3", "'2:3' is no port"},
		{"tcp::1-192.168.1.1:2", "the guest is in 10.0.2.0/24"},
		{"tcp:1111111111111111111111111111111111111111111111111111111111111111111111111111"
		 "11:1-:2",
		 "write PROTOCOL"},
	};
	struct net_user_forward f;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(net_user_parse_forward("--net hostfwd=", cases[i].text, &f, &e),
				 -EINVAL);
		assert_non_null(strstr(e.text, cases[i].why));
		assert_int_equal(strncmp(e.text, "--net hostfwd=", 14), 0);
		assert_int_equal(strncmp(e.text + 14, cases[i].text, strlen(cases[i].text)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
