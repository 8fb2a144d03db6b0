/* SPDX-License-Identifier: MIT */
/* Asks apps/sensor.c for samples, and stops fetching for a while: each sample comes once, and has
 * the value that the converter (src/hw/spi_parts.h) gives for its number. */
#include <assert.h>

#include "big.h"
#include "channel.h"
#include "guest/firmware/board/board.h"
#include "guest/firmware/kernel/tx_api.h"

#define SENSOR    36u
#define N_SAMPLES 4000u
#define PAUSE     400u /* ticks */

static uint32_t sample_at(unsigned i)
{
	return big_got.data[4 + 2 * i] | (uint32_t)big_got.data[5 + 2 * i] << 8;
}

int big_main(void)
{
	uint32_t n = N_SAMPLES, next = 0;

	big_probe();
	big_announced("linnet-samples", SENSOR);
	big_send(SENSOR, &n, sizeof(n));
	while (next < n) {
		big_receive(SENSOR, BIG_ENDPOINT);
		assert(big_load32(big_got.data) == next && big_got.len > 4);
		for (unsigned i = 0; i < (big_got.len - 4u) / 2; i++, next++)
			assert(sample_at(i) == 16 * next % 4096);
		if (next == n / 2)
			(void)tx_thread_sleep(PAUSE);
	}
	board_say("samples %u", next);
	return 0;
}
