/* SPDX-License-Identifier: MIT */
/*
 * With apps/rpmsg.c: a Linux that says in the firmware's resource table how its driver is. Before
 * DRIVER_OK it hears nothing, and after a reset it gets its buffers back.
 */
#include <assert.h>
#include <stddef.h>

#include "big.h"
#include "channel.h"
#include "guest/firmware/kernel/tx_api.h"
#include "guest/firmware/link/table.h"

#define IMAGE     0x8fe00000ul
#define IMAGE_END 0x8fe20000ul
#define LINE      64u
#define RPMSG     7u
#define A_WHILE   40 /* ticks: the firmware looks by itself every 20 */

static volatile struct link_table *find_table(void)
{
	for (uintptr_t at = IMAGE; at < IMAGE_END; at += LINE) {
		volatile struct link_table *t = (volatile struct link_table *)at;

		if (t->version == 1 && t->n == 2 && t->vdev.id == RPMSG && t->vdev.n_vrings == 2)
			return t;
	}
	return NULL;
}

static void expect_silence(void)
{
	(void)tx_thread_sleep(A_WHILE);
	assert(!big_hears());
}

/* A driver that begins: it kicks when it has said so. */
static void begin(volatile struct link_table *table)
{
	big_probe();
	expect_silence();
	table->vdev.status = TABLE_DRIVER_OK;
	big_names();
	big_ping_pong();
}

/* More messages than there are buffers, while nobody listens. */
static void end(volatile struct link_table *table)
{
	table->vdev.status = 0;
	for (uint32_t i = 0; i < 3 * LINUX_NUM_MAX; i++)
		big_send(BIG_ECHO, &i, sizeof(i));
	expect_silence();
}

int big_main(void)
{
	volatile struct link_table *table = find_table();

	assert(table);
	table->vdev.vring[0].da = LINUX_BASE;
	table->vdev.vring[1].da = LINUX_BASE + LINUX_RING1;
	for (unsigned n = 0; n < 3; n++) {
		begin(table);
		end(table);
	}
	return 0;
}
