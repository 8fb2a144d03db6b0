/* SPDX-License-Identifier: MIT */
/*
 * A command is a byte, then, as its row in the table says, an address, a dummy byte and data. What
 * changes the chip collects its data in a buffer of a page, and works when the select rises.
 */
#include "hw/spi_flash.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chip_file.h"
#include "base/bits.h"
#include "hw/spi_bus.h"

#define PAGE     256u
#define SR_WEL   0x02u
#define SR_KEPT  0xfcu /* bits of the first status register that can be written */
#define ASLEEP   0xb9u
#define AWAKE    0xabu
#define N_STATUS 3u

enum what { READ, SFDP, ID, DEVICE_ID, STATUS, WRITE_STATUS, PROGRAM, ERASE, OTHER };

struct command {
	uint8_t code, what;
	uint8_t address; /* bytes of it; ADDRESS: as the mode has it */
	uint8_t dummy;   /* bytes */
	uint32_t arg;    /* STATUS, WRITE_STATUS: which; ERASE: bytes, 0 is all */
};

#define ADDRESS 0xffu

static const struct command commands[] = {
	{0x03, READ, ADDRESS, 0, 0},
	{0x13, READ, 4, 0, 0},
	{0x0b, READ, ADDRESS, 1, 0},
	{0x0c, READ, 4, 1, 0},
	{0x5a, SFDP, 3, 1, 0},
	{0x9f, ID, 0, 0, 0},
	{0x90, DEVICE_ID, 3, 0, 0},
	{AWAKE, DEVICE_ID, 3, 0, 1},
	{0x05, STATUS, 0, 0, 0},
	{0x35, STATUS, 0, 0, 1},
	{0x15, STATUS, 0, 0, 2},
	{0x01, WRITE_STATUS, 0, 0, 0},
	{0x31, WRITE_STATUS, 0, 0, 1},
	{0x11, WRITE_STATUS, 0, 0, 2},
	{0x02, PROGRAM, ADDRESS, 0, 0},
	{0x12, PROGRAM, 4, 0, 0},
	{0x20, ERASE, ADDRESS, 0, 4 << 10},
	{0x21, ERASE, 4, 0, 4 << 10},
	{0x52, ERASE, ADDRESS, 0, 32 << 10},
	{0xd8, ERASE, ADDRESS, 0, 64 << 10},
	{0xdc, ERASE, 4, 0, 64 << 10},
	{0xc7, ERASE, 0, 0, 0},
	{0x60, ERASE, 0, 0, 0},
	{0x06, OTHER, 0, 0, 0}, /* write enable */
	{0x04, OTHER, 0, 0, 0}, /* write disable */
	{0xb7, OTHER, 0, 0, 0}, /* 4-byte addresses, on and off */
	{0xe9, OTHER, 0, 0, 0},
	{ASLEEP, OTHER, 0, 0, 0},
	{0x66, OTHER, 0, 0, 0}, /* reset, in two steps */
	{0x99, OTHER, 0, 0, 0},
};

struct spi_flash {
	struct spi_part part;
	struct chip_file chip;
	uint8_t status[N_STATUS];
	bool wide; /* addresses have 4 bytes */
	bool asleep, reset_enabled;

	/* The present command. */
	const struct command *command; /* NULL: none, or none that is known */
	bool begun;
	unsigned header;  /* bytes of address and dummies still to come */
	uint32_t address; /* of the next byte */
	uint32_t n_data;  /* bytes of data so far */
	uint8_t page[PAGE];
	bool touched[PAGE];
};

#define SFDP_TABLE 0x10u /* where the parameters are */
#define SFDP_WORDS 16u
#define SFDP_SIZE  (SFDP_TABLE + 4 * SFDP_WORDS)

/* JESD216A, section 6.4: basic flash parameters. Times are the shortest that can be said. */
static uint32_t sfdp_word(const struct spi_flash *f, unsigned i)
{
	const bool wide = f->chip.size > 16u << 20;

	switch (i) {
	case 0: return 0xff8020e5u | (wide ? 1u << 17 : 0); /* 4 KiB by 0x20, one data wire */
	case 1: return (uint32_t)(f->chip.size * 8 - 1);
	case 4: return 0xffffffeeu;
	case 5:
	case 6: return 0x0000ffffu;
	case 7: return 0x520f200cu;             /* 2^12 by 0x20, 2^15 by 0x52 */
	case 8: return 0x0000d810u;             /* 2^16 by 0xd8 */
	case 10: return 0x00000080u;            /* pages of 2^8 */
	case 11: return 0x80000000u;            /* nothing can be suspended */
	case 15: return wide ? 0x01004000u : 0; /* 0xb7 and 0xe9 */
	default: return 0;
	}
}

static uint8_t sfdp_byte(const struct spi_flash *f, uint32_t at)
{
	static const uint8_t header[SFDP_TABLE] = {
		'S', 'F', 'D', 'P', 5, 1, 0, 0xff, 0, 5, 1, SFDP_WORDS, SFDP_TABLE, 0, 0, 0xff};

	if (at < SFDP_TABLE)
		return header[at];
	if (at >= SFDP_SIZE)
		return 0xff;
	return (uint8_t)(sfdp_word(f, (at - SFDP_TABLE) / 4) >> 8 * (at % 4));
}

/* The third byte of the id: log2 of the size; the family skips some numbers at 64 MiB. */
static uint8_t capacity(const struct spi_flash *f)
{
	unsigned log2 = (unsigned)__builtin_ctzll(f->chip.size);

	return (uint8_t)(log2 > 25 ? log2 + 6 : log2);
}

/* ---- data out ---- */

/* What the chip drives next, the n-th byte of the command's answer. */
static int answer(struct spi_flash *f)
{
	const uint8_t id[] = {0xef, 0x40, capacity(f)};
	const uint8_t device[] = {0xef, (uint8_t)(capacity(f) - 1)};
	uint32_t n = f->n_data++;

	switch (f->command->what) {
	case READ: return f->chip.data[f->address++ & (f->chip.size - 1)];
	case SFDP: return sfdp_byte(f, f->address++);
	case ID: return id[n % sizeof(id)];
	case DEVICE_ID: return f->command->arg ? device[1] : device[(f->address + n) % 2];
	case STATUS: return f->status[f->command->arg];
	default: return SPI_RELEASE;
	}
}

/* ---- data in ---- */

static void put(struct spi_flash *f, uint8_t byte)
{
	uint32_t at;

	if (f->command->what == WRITE_STATUS) {
		if (f->n_data < N_STATUS)
			f->page[f->n_data++] = byte;
	} else if (f->command->what == PROGRAM) {
		at = f->address++ % PAGE; /* wraps inside the page */
		f->page[at] = byte;
		f->touched[at] = true;
		f->n_data++;
	}
}

static void program(struct spi_flash *f)
{
	/* The page where the data began: see put(). */
	size_t base = (f->address - f->n_data) & (f->chip.size - 1) & ~(size_t)(PAGE - 1);

	for (unsigned i = 0; i < PAGE; i++)
		if (f->touched[i])
			f->chip.data[base + i] &= f->page[i];
	chip_file_changed(&f->chip, base, PAGE);
}

static void erase(struct spi_flash *f)
{
	size_t len = f->command->arg ? f->command->arg : f->chip.size;
	size_t base = f->address & (f->chip.size - 1) & ~(len - 1);

	memset(f->chip.data + base, 0xff, len);
	chip_file_changed(&f->chip, base, len);
}

static void write_status(struct spi_flash *f)
{
	for (unsigned i = 0; i < f->n_data && f->command->arg + i < N_STATUS; i++)
		f->status[f->command->arg + i] = f->page[i] &
						 (i || f->command->arg ? 0xff : SR_KEPT);
}

/* ---- the end of a command ---- */

static void reset(struct spi_flash *f)
{
	f->status[0] &= SR_KEPT;
	f->wide = f->asleep = f->reset_enabled = false;
}

static void other(struct spi_flash *f)
{
	switch (f->command->code) {
	case 0x06: f->status[0] |= SR_WEL; break;
	case 0x04: f->status[0] &= (uint8_t)~SR_WEL; break;
	case 0xb7: f->wide = true; break;
	case 0xe9: f->wide = false; break;
	case ASLEEP: f->asleep = true; break;
	default:
		if (f->command->code == 0x99 && f->reset_enabled)
			reset(f);
		break;
	}
}

static void finish(struct spi_flash *f)
{
	const struct command *c = f->command;
	bool writes = c->what == PROGRAM || c->what == ERASE || c->what == WRITE_STATUS;
	bool whole = !f->header && (c->what == ERASE || f->n_data);

	if (c->what == OTHER)
		other(f);
	if (c->code == AWAKE)
		f->asleep = false;
	f->reset_enabled = c->code == 0x66;
	if (!writes || !whole || !(f->status[0] & SR_WEL))
		return;
	if (c->what == WRITE_STATUS)
		write_status(f);
	else if (c->what == PROGRAM && !f->chip.read_only)
		program(f);
	else if (c->what == ERASE && !f->chip.read_only)
		erase(f);
	f->status[0] &= (uint8_t)~SR_WEL;
}

static int flash_select(struct spi_part *p, bool selected)
{
	struct spi_flash *f = container_of(p, struct spi_flash, part);

	/* In the middle of a byte nothing is done. */
	if (!selected && f->command && !p->count)
		finish(f);
	f->command = NULL;
	f->begun = false;
	return SPI_RELEASE;
}

static void begin(struct spi_flash *f, uint8_t code)
{
	f->begun = true;
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].code == code && (!f->asleep || code == AWAKE))
			f->command = &commands[i];
	if (!f->command)
		return;
	f->address = f->n_data = 0;
	f->header = f->command->address == ADDRESS ? (f->wide ? 4 : 3) : f->command->address;
	f->header += f->command->dummy;
	memset(f->touched, 0, sizeof(f->touched));
}

static int flash_byte(struct spi_part *p, uint8_t in)
{
	struct spi_flash *f = container_of(p, struct spi_flash, part);

	if (!f->begun) {
		begin(f, in);
	} else if (f->command && f->header) {
		if (f->header-- > f->command->dummy)
			f->address = f->address << 8 | in;
	} else if (f->command) {
		put(f, in);
	}
	if (!f->command || f->header || f->command->what > STATUS)
		return SPI_RELEASE;
	return answer(f);
}

static void flash_free(struct spi_part *p)
{
	struct spi_flash *f = container_of(p, struct spi_flash, part);

	chip_file_close(&f->chip);
	free(f);
}

static const struct spi_part_ops flash_ops = {
	.select = flash_select, .byte = flash_byte, .free = flash_free};

int spi_flash_new(const char *label, const char *path, bool read_only, struct spi_part **out,
		  struct err *e)
{
	const struct chip_file_config cfg = {.label = label,
					     .path = path,
					     .min = SPI_FLASH_MIN,
					     .max = SPI_FLASH_MAX,
					     .read_only = read_only};
	struct spi_flash *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return -ENOMEM;
	f->part.ops = &flash_ops;
	snprintf(f->part.name, sizeof(f->part.name), "flash");
	ret = chip_file_open(&f->chip, &cfg, e);
	if (ret) {
		free(f);
		return ret;
	}
	*out = &f->part;
	return 0;
}
