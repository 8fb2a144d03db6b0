/* SPDX-License-Identifier: MIT */
/*
 * DesignWare's I2C controller (DW_apb_i2c), master side, with FIFOs of DW_I2C_DEPTH entries, as
 * Linux's i2c-designware and boards' firmware use it: 7-bit addresses, reads and writes, restarts,
 * stops as DATA_CMD's bit 9 says, and aborts when nobody acknowledges. No time passes on the wires:
 * a command is done when it is written. What it has not: the target's side, 10-bit addresses
 * (nobody answers), DMA.
 *
 * Registers of 32 bits; any thread.
 */
#ifndef HW_DW_I2C_H
#define HW_DW_I2C_H

#include <stdint.h>

#include "bus/irq.h"

#define DW_I2C_SIZE  0x10000u
#define DW_I2C_DEPTH 32u

struct bus;
struct dw_i2c;
struct i2c_part;

struct dw_i2c_config {
	struct bus *bus;
	uint64_t base; /* of DW_I2C_SIZE bytes */
	struct irq irq;
};

/* 0 or -errno. */
int dw_i2c_new(const struct dw_i2c_config *cfg, struct dw_i2c **out);
/* Before the first access; see i2c_bus_attach(). */
int dw_i2c_attach(struct dw_i2c *d, struct i2c_part *p);
/* Frees the parts too. NULL is allowed. */
void dw_i2c_free(struct dw_i2c *d);

#endif
