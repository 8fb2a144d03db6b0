/* SPDX-License-Identifier: MIT */
/*
 * Parts on an I2C bus, byte by byte: an address and its direction, bytes with their
 * acknowledgement, and the stop. The caller keeps one thread at a time in a bus: its controller has
 * a lock.
 */
#ifndef HW_I2C_BUS_H
#define HW_I2C_BUS_H

#include <stdbool.h>
#include <stdint.h>

#define I2C_MAX_PARTS 8u

struct i2c_part;

struct i2c_part_ops {
	/* Behind a start, or a repeated one, with the part's address. */
	void (*start)(struct i2c_part *p, bool read);
	/* Whether it acknowledges the byte. */
	bool (*write)(struct i2c_part *p, uint8_t byte);
	uint8_t (*read)(struct i2c_part *p);
	void (*stop)(struct i2c_part *p);
	void (*free)(struct i2c_part *p);
};

struct i2c_part {
	const struct i2c_part_ops *ops;
	unsigned address; /* 7 bits */
};

struct i2c_bus {
	struct i2c_part *part[I2C_MAX_PARTS];
	unsigned n_parts;
	struct i2c_part *called; /* by the last start, or NULL */
};

/* Frees the parts. */
void i2c_bus_fini(struct i2c_bus *b);
/* The bus owns the part from now on. 0; -ENOSPC; -EEXIST: the address is taken. */
int i2c_bus_attach(struct i2c_bus *b, struct i2c_part *p);

/* A start, repeated if there was no stop: whether somebody acknowledges. */
bool i2c_bus_start(struct i2c_bus *b, unsigned address, bool read);
/* To and from whoever was called; nobody does not acknowledge, and reads as 0xff. */
bool i2c_bus_write(struct i2c_bus *b, uint8_t byte);
uint8_t i2c_bus_read(struct i2c_bus *b);
void i2c_bus_stop(struct i2c_bus *b);

#endif
