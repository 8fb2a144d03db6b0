/* SPDX-License-Identifier: MIT */
/*
 * Talks to all services of apps/rpmsg.c, with Linux' side of the rings from the unit tests of
 * src/rpmsg, where the vendor's software has them on the Duo 256M.
 */
#include <assert.h>
#include <string.h>

#include "big.h"
#include "channel.h"
#include "guest/firmware/board/board.h"
#include "guest/firmware/kernel/tx_api.h"

#define LED 32u

/* The period comes back, and the pin moves. */
static void led(void)
{
	uint32_t period = 20, before = *(volatile uint32_t *)0x5021000, seen = 0;

	big_send(LED, &period, sizeof(period));
	big_receive(LED, BIG_ENDPOINT);
	assert(big_load32(big_got.data) == period);
	for (unsigned i = 0; i < 40; i++) {
		seen |= before ^ *(volatile uint32_t *)0x5021000;
		(void)tx_thread_sleep(1);
	}
	assert(seen == 4);
	period = 0;
	big_send(LED, &period, sizeof(period));
	big_receive(LED, BIG_ENDPOINT);
}

static void echo(void)
{
	uint8_t data[496];

	for (uint16_t len = 1; len <= sizeof(data); len++) {
		for (unsigned i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 7 + len);
		big_send(33, data, len);
		big_receive(33, BIG_ENDPOINT);
		assert(big_got.len == len && !memcmp(big_got.data, data, len));
	}
}

/* As many as the ring holds before the first answer is fetched, twice: none is lost, and all come
 * in their order. */
static void flood(void)
{
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < LINUX_NUM_MAX; i++)
			big_send(33, &i, sizeof(i));
		for (uint32_t i = 0; i < LINUX_NUM_MAX; i++) {
			big_receive(33, BIG_ENDPOINT);
			assert(big_got.len == 4 && big_load32(big_got.data) == i);
		}
	}
}

/* More than the ring has buffers: the small core waits for those that we give back. */
static void burst(void)
{
	uint32_t order[2] = {1000, 496};

	big_send(34, order, sizeof(order));
	for (uint32_t i = 0; i < order[0]; i++) {
		big_receive(34, BIG_ENDPOINT);
		assert(big_got.len == 496 && big_load32(big_got.data) == i &&
		       big_got.data[495] == (uint8_t)495);
	}
}

static void console(const char *text, uint16_t len, const char *answer)
{
	unsigned n = 0;

	while (answer[n])
		n++;
	big_send(35, text, len);
	big_receive(35, BIG_ENDPOINT);
	assert(big_got.len == n && !memcmp(big_got.data, answer, n));
}

int big_main(void)
{
	big_probe();
	big_names();
	big_ping_pong();
	led();
	echo();
	flood();
	burst();
	console("led on\n", 7, "done\n");
	console("no such\n", 8, "what? try help\n");
	big_send(35, "led", 3); /* in pieces */
	console(" off\r", 5, "done\n");
	/* Linux' side begins anew. */
	big_probe();
	big_names();
	big_ping_pong();
	return 0;
}
