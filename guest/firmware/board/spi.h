/* SPDX-License-Identifier: MIT */
/*
 * The board's SPI controllers (DesignWare's APB SSI), without interrupts, 8 bits a frame, mode 0.
 * One that Linux uses is not for this core.
 */
#ifndef BOARD_SPI_H
#define BOARD_SPI_H

#include <stdint.h>

#define SPI_TRANSFER_MAX 8u /* bytes: what the FIFOs hold on every board */

/* bus: 0 to 3. About 1 MHz. */
void spi_init(unsigned bus);
/* Sends n bytes to the part at `select` (0 to 3), and takes as many; one thread at a time. */
void spi_transfer(unsigned bus, unsigned select, const uint8_t *out, uint8_t *in, unsigned n);

#endif
