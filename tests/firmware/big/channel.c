/* SPDX-License-Identifier: MIT */
#include "big.h"
#include "channel.h"

#include <assert.h>
#include <string.h>

#include "guest/firmware/board/board.h"
#include "guest/firmware/kernel/tx_api.h"

#define NS 53u

static struct linux_side *const side = (struct linux_side *)(uintptr_t)LINUX_BASE;
struct linux_message big_got;
struct big_message big_other;

void big_probe(void)
{
	linux_probe(side, LINUX_NUM_MAX);
}

uint32_t big_load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* What its kicks say, the rings say too. */
void big_exchange(void)
{
	struct big_message message;

	for (unsigned ring = 0; ring < 2; ring++)
		if (side->kicked[ring] && !big_mail((uint8_t)ring, ring << 16))
			side->kicked[ring] = false;
	while (big_take(&message)) {
		if (message.command < 2)
			assert(message.param == 0xf);
		else
			big_other = message;
	}
}

bool big_hears(void)
{
	big_exchange();
	return linux_recv(side, &big_got, false);
}

void big_receive(uint32_t src, uint32_t dst)
{
	for (ULONG n = 0; n < TX_TIMER_TICKS_PER_SECOND; n++) {
		if (big_hears()) {
			big_exchange();
			assert(big_got.src == src && big_got.dst == dst);
			return;
		}
		(void)tx_thread_sleep(1);
	}
	assert(!"nothing came");
}

void big_send(uint32_t dst, const void *data, uint16_t len)
{
	for (ULONG n = 0; !linux_send(side, BIG_ENDPOINT, dst, 0, data, len); n++) {
		assert(n < TX_TIMER_TICKS_PER_SECOND);
		big_exchange();
		(void)tx_thread_sleep(1);
	}
	big_exchange();
}

void big_announced(const char *name, uint32_t addr)
{
	uint8_t expected[40] = {0};
	unsigned n = 0;

	while (name[n])
		n++;
	memcpy(expected, name, n);
	memcpy(expected + 32, &addr, 4);
	big_receive(addr, NS);
	assert(big_got.len == 40 && !memcmp(big_got.data, expected, 40));
}

void big_names(void)
{
	big_announced("rpmsg-sg2002-c906l-channel", BIG_COUNTER);
	big_announced("rpmsg-raw", BIG_ECHO);
	big_announced("linnet-burst", 34);
	big_announced("rpmsg-tty", 35);
}

void big_ping_pong(void)
{
	uint32_t number = 0;

	for (unsigned hop = 1; hop <= BIG_HOPS; hop++) {
		big_send(BIG_COUNTER, &number, sizeof(number));
		big_receive(BIG_COUNTER, BIG_ENDPOINT);
		assert(big_got.len == 4 && big_load32(big_got.data) == number + 1);
		number = big_load32(big_got.data);
		board_say("ping-pong hop=%u", number);
	}
}
