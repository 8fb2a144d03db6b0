/* SPDX-License-Identifier: MIT */
/*
 * Two SPI controllers with the same parts, as a hostile guest finds them: any register with any
 * value in any order. One of the buses never takes bytes at once. Whatever the guest does, levels
 * stay within the FIFOs, the interrupt's wire is as ISR says, and both controllers are the same to
 * software, bit by bit.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "bus/bus.h"
#include "hw/dw_spi.h"
#include "hw/spi_bus.h"
#include "hw/spi_flash.h"
#include "hw/spi_parts.h"
#include "script.h"

#define OPS_MAX    2000u
#define BASE(i)    (0x04180000ull + (i)*DW_SPI_SIZE)
#define FLASH_SIZE 0x10000u

enum {
	CTRLR0 = 0x00,
	SSIENR = 0x08,
	SER = 0x10,
	BAUDR = 0x14,
	TXFLR = 0x20,
	RXFLR = 0x24,
	ISR = 0x30,
	DR = 0x60
};

struct world {
	struct bus *bus;
	struct dw_spi *spi[2];
	bool level[2];
};

static void level_set(void *controller, unsigned line, bool level)
{
	((struct world *)controller)->level[line] = level;
}

static uint32_t get(struct world *w, unsigned reg)
{
	uint64_t v[2] = {0, 0};

	for (unsigned i = 0; i < 2; i++)
		require(!bus_read(w->bus, BASE(i) + reg, 4, &v[i]));
	require(v[0] == v[1]);
	return (uint32_t)v[0];
}

static void set(struct world *w, unsigned reg, uint32_t value)
{
	for (unsigned i = 0; i < 2; i++)
		require(!bus_write(w->bus, BASE(i) + reg, 4, value));
}

static void check(struct world *w)
{
	bool level = get(w, ISR) != 0;

	require(get(w, TXFLR) <= DW_SPI_DEPTH && get(w, RXFLR) <= DW_SPI_DEPTH);
	require(w->level[0] == level && w->level[1] == level);
}

/* Something that moves frames: a transfer of some bytes, of a kind and to a select of its own. */
static void op_transfer(struct world *w, struct script *s)
{
	unsigned how = get8(s), n = get8(s) % (DW_SPI_DEPTH + 2);

	set(w, SSIENR, 0);
	set(w, CTRLR0, get16(s));
	set(w, BAUDR, 2);
	set(w, SSIENR, 1);
	if (how & 0x10)
		set(w, SER, 0);
	set(w, SER, how & 0xf);
	while (n--)
		set(w, DR, get16(s));
}

static void op_register(struct world *w, struct script *s)
{
	unsigned reg = get8(s) & 0xfcu;

	if (get8(s) & 1)
		set(w, reg, get32(s));
	else
		get(w, reg);
}

static void attach(struct dw_spi *d, struct spi_part *p, unsigned select)
{
	require(!dw_spi_attach(d, p, select));
}

/* 0: a flash; 1: a chain; 2: two that share it; 3: with one wire. */
static void add_parts(struct dw_spi *d, const char *path, bool exact)
{
	struct spi_part *p;

	dw_spi_set_test(d, exact);
	require(!spi_flash_new("--spi", path, false, &p, NULL));
	attach(d, p, 0);
	for (unsigned i = 0; i < 2; i++) {
		require(!spi_shift_new(false, &p));
		p->chained = i;
		attach(d, p, 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		require(!spi_expander_new(i, false, &p));
		p->falling = i;
		attach(d, p, 2);
	}
	require(!spi_adc_new(&p));
	p->joined = true;
	attach(d, p, 3);
}

static void world_init(struct world *w, int flash[2])
{
	static const char *const names[2] = {"spi 0", "spi 1"};

	memset(w, 0, sizeof(*w));
	require(!bus_new(&w->bus));
	for (unsigned i = 0; i < 2; i++) {
		const struct dw_spi_config cfg = {
			.bus = w->bus,
			.base = BASE(i),
			.name = names[i],
			.irq = {.set = level_set, .controller = w, .line = i}};
		char path[32];

		require(!dw_spi_new(&cfg, &w->spi[i]));
		require(!ftruncate(flash[i], 0) && !ftruncate(flash[i], FLASH_SIZE));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", flash[i]);
		add_parts(w->spi[i], path, i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int flash[2] = {-1, -1};
	struct script s = {data, size};
	static struct world w;

	for (unsigned i = 0; i < 2 && flash[i] < 0; i++) {
		flash[i] = memfd_create("flash", MFD_CLOEXEC);
		require(flash[i] >= 0);
	}
	world_init(&w, flash);
	for (unsigned n = 0; s.left && n < OPS_MAX; n++) {
		if (get8(&s) % 3)
			op_register(&w, &s);
		else
			op_transfer(&w, &s);
		check(&w);
	}
	for (unsigned i = 0; i < 2; i++)
		dw_spi_free(w.spi[i]);
	bus_free(w.bus);
	return 0;
}
