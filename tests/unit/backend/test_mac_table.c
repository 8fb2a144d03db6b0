/* SPDX-License-Identifier: MIT */
/* What a switch has learned: limits, moves, ageing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "backend/mac_table.h"

static void mac_of(unsigned i, uint8_t mac[6])
{
	mac[0] = 2;
	mac[1] = 0;
	for (unsigned k = 2; k < 6; k++)
		mac[k] = (uint8_t)(i >> 8 * (5 - k));
}

static void learn(struct mac_table *t, unsigned i, unsigned port, uint64_t now)
{
	uint8_t mac[6];

	mac_of(i, mac);
	mac_table_learn(t, mac, port, now);
}

static int find(struct mac_table *t, unsigned i, uint64_t now)
{
	uint8_t mac[6];

	mac_of(i, mac);
	return mac_table_find(t, mac, now);
}

static int setup(void **state)
{
	*state = malloc(sizeof(struct mac_table));
	mac_table_init(*state);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_learn_and_move(void **state)
{
	struct mac_table *t = *state;

	assert_int_equal(find(t, 1, 0), -1);
	learn(t, 1, 3, 0);
	learn(t, 2, 4, 0);
	assert_int_equal(find(t, 1, 0), 3);
	learn(t, 1, 4, 1);
	assert_int_equal(find(t, 1, 1), 4);
	assert_int_equal(mac_table_count(t), 2);
	mac_table_forget(t, 4);
	assert_int_equal(mac_table_count(t), 0);
	assert_int_equal(find(t, 1, 1), -1);
}

static void test_ageing(void **state)
{
	struct mac_table *t = *state;

	learn(t, 1, 3, 0);
	learn(t, 2, 3, 100);
	assert_int_equal(find(t, 1, MAC_TABLE_AGE_NS - 1), 3);
	assert_int_equal(find(t, 1, MAC_TABLE_AGE_NS), -1); /* before it was swept out, too */
	assert_int_equal(mac_table_count(t), 2);
	mac_table_age(t, MAC_TABLE_AGE_NS);
	assert_int_equal(mac_table_count(t), 1);
	learn(t, 2, 3, MAC_TABLE_AGE_NS);
	mac_table_age(t, MAC_TABLE_AGE_NS + 100);
	assert_int_equal(find(t, 2, MAC_TABLE_AGE_NS + 100), 3);
}

/* One port that claims every address leaves the others what they have and their share. */
static void test_limits(void **state)
{
	struct mac_table *t = *state;
	unsigned known = 0;

	learn(t, 7, 2, 0);
	for (unsigned i = 1000; i < 9000; i++)
		learn(t, i, 1, 0);
	assert_int_equal(mac_table_count(t), MAC_TABLE_PORT_MAX + 1);
	learn(t, 7, 1, 0); /* full: not even a move */
	assert_int_equal(find(t, 7, 0), 2);
	/* The whole table, then empty, twice. */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned port = 1; port < MAC_TABLE_PORTS; port++)
			for (unsigned i = 0; i < MAC_TABLE_PORT_MAX; i++)
				learn(t, port << 16 | i, port, 0);
		assert_int_equal(mac_table_count(t), MAC_TABLE_SIZE);
		for (unsigned port = 1; port < MAC_TABLE_PORTS; port++)
			for (unsigned i = 0; i < MAC_TABLE_PORT_MAX; i++)
				known += find(t, port << 16 | i, 0) == (int)port;
		assert_true(known > MAC_TABLE_SIZE - 2 * MAC_TABLE_PORT_MAX);
		known = 0;
		for (unsigned port = 0; port < MAC_TABLE_PORTS; port++)
			mac_table_forget(t, port);
		assert_int_equal(mac_table_count(t), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_learn_and_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ageing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
