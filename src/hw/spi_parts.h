/* SPDX-License-Identifier: MIT */
/* Small parts for an SPI bus. Each constructor: 0 or -ENOMEM; the part is the bus's once it is
 * attached. With `verbose`, outputs that change are logged. */
#ifndef HW_SPI_PARTS_H
#define HW_SPI_PARTS_H

#include <stdbool.h>

struct spi_part;

/* A wire from MOSI to MISO. */
int spi_loopback_new(struct spi_part **out);

/* A register of eight bits as the 74HC595: a bit comes in with each clock, and the one that falls
 * out at its end drives MISO, or the input of the next part of a chain; its outputs take over what
 * is in it when the select rises. Modes 0 and 3. */
int spi_shift_new(bool verbose, struct spi_part **out);

#define SPI_EXPANDER_ADDRESSES 4u

/* Eight pins with Microchip's MCP23S08 registers (no interrupts): several can share a select, each
 * with an address of its own (0 to 3), which the first byte of a command names. Pins are inputs
 * after reset and read as 0, or 1 where the pull-up is on. Modes 0 and 3. */
int spi_expander_new(unsigned address, bool verbose, struct spi_part **out);

/* A converter of 12 bits with eight channels as Microchip's MCP3208: a 1, single-ended or not,
 * three bits of channel, a clock to sample, a 0, and the value, highest bit first; then the same
 * lowest first. Modes 0 and 3. Its n-th conversion (from 0) of channel c gives
 * (512 c + 16 (c + 1) n) modulo 4096; a differential one gives that of c less that of c ^ 1, or 0
 * if that is negative, and counts for both. */
int spi_adc_new(struct spi_part **out);

#endif
