/* SPDX-License-Identifier: MIT */
/* The first bytes of a write are the address; what follows goes to a copy of the page. */
#include "hw/i2c_eeprom.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chip_file.h"
#include "base/bits.h"
#include "base/err.h"
#include "hw/i2c_bus.h"

#define SMALL    256u
#define WIDE_MIN 4096u
#define WIDE_MAX 65536u
#define PAGE_MAX 32u

struct i2c_eeprom {
	struct i2c_part part;
	struct chip_file chip;
	unsigned n_address, page_size;
	uint32_t address;
	unsigned n_bytes; /* of the present write */
	uint8_t page[PAGE_MAX];
	uint32_t touched; /* bit n: byte n of the page */
};

static void eeprom_start(struct i2c_part *p, bool read)
{
	struct i2c_eeprom *x = container_of(p, struct i2c_eeprom, part);

	x->n_bytes = 0;
	x->touched = 0;
}

static bool eeprom_write(struct i2c_part *p, uint8_t byte)
{
	struct i2c_eeprom *x = container_of(p, struct i2c_eeprom, part);
	uint32_t at, page = x->page_size - 1;

	if (x->n_bytes < x->n_address) {
		x->address = x->n_bytes++ ? x->address << 8 | byte : byte;
		x->address &= (uint32_t)x->chip.size - 1;
		return true;
	}
	if (x->chip.read_only)
		return false;
	at = x->address & page;
	x->page[at] = byte;
	x->touched |= 1u << at;
	x->address = (x->address & ~page) | ((at + 1) & page);
	return true;
}

static uint8_t eeprom_read(struct i2c_part *p)
{
	struct i2c_eeprom *x = container_of(p, struct i2c_eeprom, part);
	uint8_t byte = x->chip.data[x->address];

	x->address = (x->address + 1) & ((uint32_t)x->chip.size - 1);
	return byte;
}

static void eeprom_stop(struct i2c_part *p)
{
	struct i2c_eeprom *x = container_of(p, struct i2c_eeprom, part);
	size_t base = x->address & ~(x->page_size - 1);

	if (!x->touched)
		return;
	for (unsigned i = 0; i < x->page_size; i++)
		if (x->touched >> i & 1)
			x->chip.data[base + i] = x->page[i];
	chip_file_changed(&x->chip, base, x->page_size);
	x->touched = 0;
}

static void eeprom_free(struct i2c_part *p)
{
	struct i2c_eeprom *x = container_of(p, struct i2c_eeprom, part);

	chip_file_close(&x->chip);
	free(x);
}

static const struct i2c_part_ops eeprom_ops = {.start = eeprom_start,
					       .write = eeprom_write,
					       .read = eeprom_read,
					       .stop = eeprom_stop,
					       .free = eeprom_free};

int i2c_eeprom_new(const char *label, unsigned address, const char *path, bool read_only,
		   struct i2c_part **out, struct err *e)
{
	const struct chip_file_config cfg = {.label = label,
					     .path = path,
					     .min = SMALL,
					     .max = WIDE_MAX,
					     .read_only = read_only};
	struct i2c_eeprom *x = calloc(1, sizeof(*x));
	int ret;

	if (!x)
		return err_set(e, -ENOMEM, "out of memory");
	x->part = (struct i2c_part){.ops = &eeprom_ops, .address = address};
	ret = chip_file_open(&x->chip, &cfg, e);
	if (!ret && x->chip.size != SMALL && x->chip.size < WIDE_MIN)
		ret = err_set(e, -EINVAL,
			      "%s,path=%s: has %zu bytes; such a chip has 256, or 4K to 64K: see "
			      "truncate -s",
			      label, path, x->chip.size);
	if (ret) {
		eeprom_free(&x->part);
		return ret;
	}
	x->n_address = x->chip.size == SMALL ? 1 : 2;
	x->page_size = x->chip.size == SMALL ? 8 : PAGE_MAX;
	*out = &x->part;
	return 0;
}

const char *i2c_eeprom_compatible(const struct i2c_part *p)
{
	static const char *const names[] = {"atmel,24c32", "atmel,24c64", "atmel,24c128",
					    "atmel,24c256", "atmel,24c512"};
	const struct i2c_eeprom *x = (const struct i2c_eeprom *)(const void *)p;

	if (x->chip.size == SMALL)
		return "atmel,24c02";
	return names[__builtin_ctzll(x->chip.size / WIDE_MIN)];
}
