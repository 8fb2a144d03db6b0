/* SPDX-License-Identifier: MIT */
/*
 * Talks to all services of apps/rpmsg.c, with Linux' side of the rings from the unit tests of
 * src/rpmsg, where the vendor's software has them on the Duo 256M.
 */
#include <assert.h>
#include <string.h>

#include "big.h"
#include "guest/firmware/board/board.h"
#include "guest/firmware/kernel/tx_api.h"
#include "tests/unit/rpmsg/linux_side.h"

#define US    1025u /* our endpoint */
#define COUNT 30u
#define LED   32u
#define NS    53u
#define HOPS  32u

static struct linux_side *const l = (struct linux_side *)(uintptr_t)LINUX_BASE;
static struct linux_message m;

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Ours to the small core, as far as they are due; what its kicks say, the rings say too. */
static void exchange_kicks(void)
{
	struct big_message message;

	for (unsigned ring = 0; ring < 2; ring++)
		if (l->kicked[ring] && !big_mail((uint8_t)ring, ring << 16))
			l->kicked[ring] = false;
	while (big_take(&message)) {
		assert(message.command < 2 && message.param == 0xf);
		l->told[message.command]++;
	}
}

/* Within a second. */
static void receive(uint32_t src, uint32_t dst)
{
	for (ULONG n = 0; n < TX_TIMER_TICKS_PER_SECOND; n++) {
		exchange_kicks();
		if (linux_recv(l, &m, false)) {
			exchange_kicks();
			assert(m.src == src && m.dst == dst);
			return;
		}
		(void)tx_thread_sleep(1);
	}
	assert(!"nothing came");
}

static void send(uint32_t dst, const void *data, uint16_t len)
{
	while (!linux_send(l, US, dst, 0, data, len)) {
		exchange_kicks();
		(void)tx_thread_sleep(1);
	}
	exchange_kicks();
}

/* The names, in order; returns the address of the last. */
static void announced(const char *name, uint32_t addr)
{
	uint8_t expected[40] = {0};
	unsigned n = 0;

	while (name[n])
		n++;
	memcpy(expected, name, n);
	memcpy(expected + 32, &addr, 4);
	receive(addr, NS);
	assert(m.len == 40 && !memcmp(m.data, expected, 40));
}

static void names(void)
{
	announced("rpmsg-sg2002-c906l-channel", COUNT);
	announced("rpmsg-raw", 33);
	announced("linnet-burst", 34);
	announced("rpmsg-tty", 35);
}

static void ping_pong(void)
{
	uint32_t number = 0;

	for (unsigned hop = 1; hop <= HOPS; hop++) {
		send(COUNT, &number, sizeof(number));
		receive(COUNT, US);
		assert(m.len == 4 && load32(m.data) == number + 1);
		number = load32(m.data);
		board_say("ping-pong hop=%u", number);
	}
}

/* The period comes back, and the pin moves. */
static void led(void)
{
	uint32_t period = 20, before = *(volatile uint32_t *)0x5021000, seen = 0;

	send(LED, &period, sizeof(period));
	receive(LED, US);
	assert(load32(m.data) == period);
	for (unsigned i = 0; i < 40; i++) {
		seen |= before ^ *(volatile uint32_t *)0x5021000;
		(void)tx_thread_sleep(1);
	}
	assert(seen == 4);
	period = 0;
	send(LED, &period, sizeof(period));
	receive(LED, US);
}

static void echo(void)
{
	uint8_t data[496];

	for (uint16_t len = 1; len <= sizeof(data); len++) {
		for (unsigned i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 7 + len);
		send(33, data, len);
		receive(33, US);
		assert(m.len == len && !memcmp(m.data, data, len));
	}
}

/* As many as the ring holds before the first answer is fetched, twice: none is lost, and all come
 * in their order. */
static void flood(void)
{
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < LINUX_NUM_MAX; i++)
			send(33, &i, sizeof(i));
		for (uint32_t i = 0; i < LINUX_NUM_MAX; i++) {
			receive(33, US);
			assert(m.len == 4 && load32(m.data) == i);
		}
	}
}

/* More than the ring has buffers: the small core waits for those that we give back. */
static void burst(void)
{
	uint32_t order[2] = {1000, 496};

	send(34, order, sizeof(order));
	for (uint32_t i = 0; i < order[0]; i++) {
		receive(34, US);
		assert(m.len == 496 && load32(m.data) == i && m.data[495] == (uint8_t)495);
	}
}

static void console(const char *text, uint16_t len, const char *answer)
{
	unsigned n = 0;

	while (answer[n])
		n++;
	send(35, text, len);
	receive(35, US);
	assert(m.len == n && !memcmp(m.data, answer, n));
}

int big_main(void)
{
	linux_probe(l, LINUX_NUM_MAX);
	names();
	ping_pong();
	led();
	echo();
	flood();
	burst();
	console("led on\n", 7, "done\n");
	console("no such\n", 8, "what? try help\n");
	send(35, "led", 3); /* in pieces */
	console(" off\r", 5, "done\n");
	/* Linux' side begins anew. */
	linux_probe(l, LINUX_NUM_MAX);
	names();
	ping_pong();
	return 0;
}
