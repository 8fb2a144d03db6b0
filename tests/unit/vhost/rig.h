/* SPDX-License-Identifier: MIT */
/* A toy device behind vhost-user and a front end, on one loop: what the tests here begin with. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "front.h"
#include "lib/toy.h"
#include "vhost/vhost.h"

struct world {
	struct loop *loop;
	struct front f;
	struct toy *toy;
	struct vhost *v; /* NULL: it has ended */
	bool freed, ended;
	char why[100];
	uint16_t mtu;
	unsigned n_fds;
};

/* For cmocka: *state is a struct world. The latter sees to it that the device came to a standstill
 * and no descriptor is left behind. */
int rig_setup(void **state);
int rig_teardown(void **state);

#endif
