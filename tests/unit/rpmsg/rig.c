/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static uintptr_t rig_lock(void *arg)
{
	struct rig *rig = arg;

	assert_int_equal(rig->locked, 0);
	rig->locked++;
	return 0x10c;
}

static void rig_unlock(void *arg, uintptr_t state)
{
	struct rig *rig = arg;

	assert_int_equal(rig->locked, 1);
	assert_int_equal(state, 0x10c);
	rig->locked--;
}

/* Time passes only here: 1 ms a wait. */
static uint32_t rig_wait(void *arg, const void *what, uint32_t ms)
{
	struct rig *rig = arg;

	assert_int_equal(rig->locked, 0);
	assert_non_null(what);
	rig->n_waits++;
	if (rig->in_wait)
		rig->in_wait(rig);
	return ms == RPMSG_BLOCK ? ms : ms - 1;
}

static void rig_wake(void *arg, const void *what)
{
	struct rig *rig = arg;

	assert_int_equal(rig->locked, 0);
	rig->n_wakes++;
}

static void rig_link(void *arg, bool up)
{
	struct rig *rig = arg;

	assert_int_equal(rig->locked, 0);
	if (up)
		rig->n_link_up++;
	else
		rig->n_link_down++;
}

static void rig_notify(void *arg, unsigned ring)
{
	struct rig *rig = arg;

	assert_int_equal(rig->locked, 0);
	rig->driver.told[ring]++;
}

static void rig_within(const struct rig *rig, const void *p, size_t len)
{
	const uint8_t *first = p;

	assert_true(first >= rig->driver.memory);
	assert_true(first + len <= rig->driver.memory + sizeof(rig->driver.memory));
}

static void rig_clean(void *arg, const void *p, size_t len)
{
	struct rig *rig = arg;

	rig_within(rig, p, len);
	rig->n_cleans++;
}

static void rig_invalidate(void *arg, const void *p, size_t len)
{
	struct rig *rig = arg;

	rig_within(rig, p, len);
	rig->n_invalidates++;
}

void rig_init(struct rig *rig, uint32_t num)
{
	memset(rig, 0, sizeof(*rig));
	rig->driver.num = num;
	rig->driver.ring[0].p = rig->driver.memory;
	rig->driver.ring[1].p = rig->driver.memory + LINUX_RING1;
	rig->window = (struct rpmsg_window){
		.base = LINUX_BASE, .size = LINUX_MEMORY, .p = rig->driver.memory};
	rig->config = (struct rpmsg_vring_config){
		.ring = {LINUX_BASE, LINUX_BASE + LINUX_RING1},
		.num = num,
		.align = 4096,
		.windows = &rig->window,
		.n_windows = 1,
		.env = {.arg = rig,
			.notify = rig_notify,
			.cache_clean = rig_clean,
			.cache_invalidate = rig_invalidate},
	};
	rig->env = (struct rpmsg_env){.arg = rig,
				      .lock = rig_lock,
				      .unlock = rig_unlock,
				      .wait = rig_wait,
				      .wake = rig_wake,
				      .link = rig_link};
}

void rig_start(struct rig *rig)
{
	assert_int_equal(rpmsg_vrings_init(&rig->vrings, &rig->config), 0);
	rpmsg_remote_init(&rig->rpmsg, &rig->vrings.carrier, &rig->env);
}
