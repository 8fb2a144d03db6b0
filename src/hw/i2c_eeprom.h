/* SPDX-License-Identifier: MIT */
/*
 * A serial EEPROM of the 24Cxx family, kept in a file: 256 bytes (24C02: one byte of address, pages
 * of 8) or 4 to 64 KiB (24C32 to 24C512: two bytes, pages of 32). What is written takes effect at
 * the stop, at once, and wraps inside of its page; reads go on from address to address.
 */
#ifndef HW_I2C_EEPROM_H
#define HW_I2C_EEPROM_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct i2c_part;

/* label: what a message starts with. path outlives the part. 0, or -errno with the message in e. */
int i2c_eeprom_new(const char *label, unsigned address, const char *path, bool read_only,
		   struct i2c_part **out, struct err *e);

/* For the device tree: "atmel,24c02" and so on. p is such a part. */
const char *i2c_eeprom_compatible(const struct i2c_part *p);

#endif
