/* SPDX-License-Identifier: MIT */
/* A select is low from the first frame until its bit is cleared; the controller must not run out of
 * frames between, so all of a transfer's are in the FIFO before the select is enabled. */
#include "board/spi.h"

#include "board/regs.h"

#define BASE(bus) (0x04180000ul + 0x10000ul * (bus))
#define CTRLR0    0x00u
#define SSIENR    0x08u
#define SER       0x10u
#define BAUDR     0x14u
#define RXFLR     0x24u
#define IMR       0x2cu
#define DR        0x60u

#define FRAME_8BIT 7u
#define DIVIDER    188u /* of 187.5 MHz */

void spi_init(unsigned bus)
{
	REG32(BASE(bus) + SSIENR) = 0;
	REG32(BASE(bus) + CTRLR0) = FRAME_8BIT;
	REG32(BASE(bus) + BAUDR) = DIVIDER;
	REG32(BASE(bus) + IMR) = 0;
	REG32(BASE(bus) + SER) = 0;
	REG32(BASE(bus) + SSIENR) = 1;
}

void spi_transfer(unsigned bus, unsigned select, const uint8_t *out, uint8_t *in, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		REG32(BASE(bus) + DR) = out[i];
	REG32(BASE(bus) + SER) = 1u << select;
	while (REG32(BASE(bus) + RXFLR) < n)
		;
	for (unsigned i = 0; i < n; i++)
		in[i] = (uint8_t)REG32(BASE(bus) + DR);
	REG32(BASE(bus) + SER) = 0;
}
