/* SPDX-License-Identifier: MIT */
/*
 * DesignWare's SPI controller (DW_apb_ssi), host side, with FIFOs of DW_SPI_DEPTH frames, as the
 * drivers of Linux and of boards' firmware use it: Motorola's format, frames of 4 to 16 bits, all
 * four modes and transfer modes. What it has not: DMA, the other frame formats, the target's side.
 *
 * No time passes on the wires. Frames move when software could first know of it: the last one that
 * was pushed stays in the FIFO until an interrupt is enabled or another register is accessed; what
 * receive-only modes fetch waits for room. A select is low from the first frame after its bit in
 * SER was set, until that is cleared or SR was read as idle (where the real one is high as well);
 * between, software is never too slow.
 *
 * Registers of 32 bits; any thread.
 */
#ifndef HW_DW_SPI_H
#define HW_DW_SPI_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/irq.h"

#define DW_SPI_SIZE  0x10000u
#define DW_SPI_DEPTH 32u

struct bus;
struct dw_spi;
struct loop;
struct spi_part;

struct dw_spi_config {
	struct bus *bus;
	uint64_t base; /* of DW_SPI_SIZE bytes */
	struct irq irq;
	struct loop *loop; /* of the parts that have bursts */
	const char *name;  /* for messages: "spi 0" */
};

/* 0 or -errno. */
int dw_spi_new(const struct dw_spi_config *cfg, struct dw_spi **out);
/* Before the first access; see spi_bus_attach(). */
int dw_spi_attach(struct dw_spi *d, struct spi_part *p, unsigned select);
/* A pin that is the select of parts `by_pin` goes low or high: any thread, not under a lock that an
 * interrupt controller or a part's log takes. What was pushed before goes out before. */
void dw_spi_pin(struct dw_spi *d, unsigned select, bool low);
/* For tests: see spi_bus.exact; and contention, of which they make much, is not reported. */
void dw_spi_set_test(struct dw_spi *d, bool exact);
/* Frees the parts too. On the loop's thread, while no vCPU runs. NULL is allowed. */
void dw_spi_free(struct dw_spi *d);

#endif
