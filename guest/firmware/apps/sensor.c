/* SPDX-License-Identifier: MIT */
/*
 * Samples of channel 0 of an MCP3208 on SPI 2, select 0, two hundred a second, to Linux: the
 * service "linnet-samples" (endpoint 36) takes a number of samples and sends them to whom asked, in
 * messages of at most BATCH: the index of the first, then each in 16 bits.
 *
 * The thread that samples is the most urgent one and never waits for Linux; what it finds no room
 * for in the queue is a hole in the indices.
 */
#include <stddef.h>

#include "board/board.h"
#include "board/mailbox.h"
#include "board/spi.h"
#include "link/link.h"

#define BUS      2u
#define SELECT   0u
#define STACK    2048
#define N_QUEUE  512u
#define BATCH    20u
#define PRIORITY 1u

static TX_THREAD thread;
static UCHAR stack[STACK] __attribute__((aligned(16)));
static TX_SEMAPHORE wanted;
static TX_QUEUE samples; /* index << 16 | sample */
static ULONG samples_memory[N_QUEUE];
static ULONG n_wanted;

static uint16_t convert(void)
{
	static const uint8_t command[3] = {0x06, 0x00, 0x00}; /* start, single-ended, channel 0 */
	uint8_t in[3];

	spi_transfer(BUS, SELECT, command, in, sizeof(in));
	return (uint16_t)((in[1] & 0xf) << 8 | in[2]);
}

static VOID sample(ULONG unused)
{
	for (;;) {
		(void)tx_semaphore_get(&wanted, TX_WAIT_FOREVER);
		for (ULONG i = 0; i < n_wanted; i++) {
			ULONG message = i << 16 | convert();

			(void)tx_queue_send(&samples, &message, TX_NO_WAIT);
			(void)tx_thread_sleep(1);
		}
	}
}

/* Sends what comes until the last one; gives up after a second without any. */
static void stream(struct link_service *s, uint32_t to, ULONG n)
{
	uint8_t batch[4 + 2 * BATCH];
	unsigned held = 0;
	ULONG message, index;

	while (!tx_queue_receive(&samples, &message, TX_TIMER_TICKS_PER_SECOND)) {
		index = message >> 16;
		if (held && index != rpmsg_load32(batch) + held) {
			(void)link_send(s, to, batch, 4 + 2 * held);
			held = 0;
		}
		if (!held)
			rpmsg_store32(batch, (uint32_t)index);
		rpmsg_store16(batch + 4 + (size_t)2 * held++, (uint16_t)message);
		if (held == BATCH || index == n - 1) {
			(void)link_send(s, to, batch, 4 + 2 * held);
			held = 0;
		}
		if (index == n - 1)
			return;
	}
}

static void asked(struct link_service *s, uint32_t src, uint8_t *data, uint32_t len)
{
	if (len < 4 || !rpmsg_load32(data))
		return;
	n_wanted = rpmsg_load32(data);
	(void)tx_semaphore_put(&wanted);
	stream(s, src, n_wanted);
}

static void mail_arrived(const struct mail *mail)
{
	(void)link_is_kick(mail);
}

static struct link_service services[] = {
	{.name = "linnet-samples", .addr = 36, .priority = 8, .received = asked},
};

VOID tx_application_define(VOID *unused)
{
	board_say("up");
	spi_init(BUS);
	(void)tx_semaphore_create(&wanted, "wanted", 0);
	(void)tx_queue_create(&samples, "samples", TX_1_ULONG, samples_memory,
			      sizeof(samples_memory));
	(void)tx_thread_create(&thread, "sample", sample, 0, stack, STACK, PRIORITY, PRIORITY,
			       TX_NO_TIME_SLICE, TX_AUTO_START);
	link_init(services, sizeof(services) / sizeof(services[0]));
	mailbox_init(mail_arrived);
}

int main(void)
{
	tx_kernel_enter();
}
