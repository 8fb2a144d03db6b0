/* SPDX-License-Identifier: MIT */
/* A part's node has the compatible of a driver that Debian's kernel has, or one that its spidev
 * takes. */
#include <stdio.h>

#include "boot/fdt.h"
#include "hw/dw_gpio.h"
#include "hw/dw_i2c.h"
#include "hw/dw_spi.h"
#include "hw/dw_wdt.h"
#include "hw/spi_bus.h"
#include "machine/board_fdt.h"
#include "machine/duo_fdt.h"
#include "machine/duo_map.h"
#include "machine/duo_wires.h"
#include "machine/wires.h"

#define SPIDEV "rohm,dh2228fv"

/* The phandles, from that of the oscillator on. */
#define BUS_CLOCK  1u
#define FIRST_PORT 2u

#define GPIO_ACTIVE_LOW 1u

static const char *spi_compatible(const struct wires_spi *s)
{
	if (s->compatible)
		return s->compatible;
	switch (s->kind) {
	case WIRES_FLASH: return "jedec,spi-nor";
	case WIRES_ADC: return "microchip,mcp3208";
	default: return SPIDEV;
	}
}

/* A select has one node, whatever hangs on it: that of the first part. */
static void write_spi_select(struct fdt_builder *t, const struct wires *w, unsigned bus,
			     unsigned select)
{
	const struct wires_spi *s = wires_spi_at(w, bus, select);

	if (!s)
		return;
	fdtb_begin(t, "%s@%u", wires_spi_kinds[s->kind], select);
	fdtb_string(t, "compatible", spi_compatible(s));
	fdtb_u32(t, "reg", select);
	fdtb_u32(t, "spi-max-frequency", DUO_WIRES_HZ / 4);
	fdtb_end(t);
}

/* Which selects are pins, if one is: a pin, or 0 for the controller's own. */
static void write_cs_gpios(struct fdt_builder *t, const struct wires *w, unsigned bus,
			   unsigned phandle)
{
	uint32_t cells[3 * SPI_SELECTS];
	unsigned n = 0;
	bool any = false;

	for (unsigned select = 0; select < SPI_SELECTS; select++) {
		const struct wires_spi *s = wires_spi_at(w, bus, select);

		if (s && s->by_pin) {
			cells[n++] = phandle + s->pin.port;
			cells[n++] = s->pin.pin;
			cells[n++] = GPIO_ACTIVE_LOW;
			any = true;
		} else {
			cells[n++] = 0;
		}
	}
	if (any)
		fdtb_cells(t, "cs-gpios", cells, n);
}

static void write_spi(struct fdt_builder *t, const struct wires *w, unsigned bus, unsigned phandle)
{
	BOARD_FDT_DEVICE(t, "spi", DUO_SPI_BASE + bus * DUO_SPI_STEP, DW_SPI_SIZE,
			 "snps,dw-apb-ssi");
	fdtb_u32(t, "#address-cells", 1);
	fdtb_u32(t, "#size-cells", 0);
	fdtb_u32(t, "clocks", phandle + BUS_CLOCK);
	fdtb_u32(t, "num-cs", SPI_SELECTS);
	write_cs_gpios(t, w, bus, phandle + FIRST_PORT);
	duo_fdt_interrupt(t, DUO_SPI_IRQ + bus);
	for (unsigned select = 0; select < SPI_SELECTS; select++)
		write_spi_select(t, w, bus, select);
	fdtb_end(t);
}

static void write_i2c(struct fdt_builder *t, const struct wires *w, unsigned bus, unsigned clock)
{
	BOARD_FDT_DEVICE(t, "i2c", DUO_I2C_BASE + bus * DUO_I2C_STEP, DW_I2C_SIZE,
			 "snps,designware-i2c");
	fdtb_u32(t, "#address-cells", 1);
	fdtb_u32(t, "#size-cells", 0);
	fdtb_u32(t, "clocks", clock);
	duo_fdt_interrupt(t, DUO_I2C_IRQ + bus);
	for (unsigned i = 0; i < w->n_i2c; i++) {
		if (w->i2c[i].bus != bus)
			continue;
		fdtb_begin(t, "eeprom@%x", w->i2c[i].address);
		fdtb_string(t, "compatible", w->i2c[i].compatible);
		fdtb_u32(t, "reg", w->i2c[i].address);
		fdtb_end(t);
	}
	fdtb_end(t);
}

static void write_gpio(struct fdt_builder *t, unsigned port, unsigned phandle)
{
	bool e = port == DUO_N_GPIO - 1;

	BOARD_FDT_DEVICE(t, "gpio", e ? DUO_RTC_GPIO_BASE : DUO_GPIO_BASE + port * DUO_GPIO_STEP,
			 DW_GPIO_SIZE, "snps,dw-apb-gpio");
	fdtb_u32(t, "#address-cells", 1);
	fdtb_u32(t, "#size-cells", 0);
	fdtb_begin(t, "gpio-controller@0");
	fdtb_string(t, "compatible", "snps,dw-apb-gpio-port");
	fdtb_empty(t, "gpio-controller");
	fdtb_u32(t, "#gpio-cells", 2);
	fdtb_u32(t, "ngpios", DW_GPIO_PINS);
	fdtb_u32(t, "reg", 0);
	fdtb_empty(t, "interrupt-controller");
	fdtb_u32(t, "#interrupt-cells", 2);
	fdtb_u32(t, "phandle", phandle);
	duo_fdt_interrupt(t, e ? DUO_GPIO_E_IRQ : DUO_GPIO_IRQ + port);
	fdtb_end(t);
	fdtb_end(t);
}

static void write_wdt(struct fdt_builder *t, unsigned clock)
{
	BOARD_FDT_DEVICE(t, "watchdog", DUO_WDT_BASE, DW_WDT_SIZE, "snps,dw-wdt");
	fdtb_u32(t, "clocks", clock);
	duo_fdt_interrupt(t, DUO_WDT_IRQ);
	fdtb_end(t);
}

static void write_clock(struct fdt_builder *t, const char *name, uint32_t hz, unsigned phandle)
{
	fdtb_begin(t, "%s", name);
	fdtb_string(t, "compatible", "fixed-clock");
	fdtb_u32(t, "#clock-cells", 0);
	fdtb_u32(t, "clock-frequency", hz);
	fdtb_u32(t, "phandle", phandle);
	fdtb_end(t);
}

void duo_wires_aliases(struct fdt_builder *t)
{
	static const char *const names[DUO_N_SPI] = {"spi0", "spi1", "spi2", "spi3"};
	char path[32];

	for (unsigned bus = 0; bus < DUO_N_SPI; bus++) {
		(void)snprintf(path, sizeof(path), "/soc/spi@%x",
			       DUO_SPI_BASE + bus * DUO_SPI_STEP);
		fdtb_string(t, names[bus], path);
	}
}

void duo_wires_fdt(struct fdt_builder *t, const struct wires *w, unsigned phandle)
{
	write_clock(t, "oscillator", DUO_OSC_HZ, phandle);
	write_clock(t, "bus-clock", DUO_WIRES_HZ, phandle + BUS_CLOCK);
	write_wdt(t, phandle);
	for (unsigned port = 0; port < DUO_N_GPIO; port++)
		write_gpio(t, port, phandle + FIRST_PORT + port);
	for (unsigned bus = 0; bus < DUO_N_I2C; bus++)
		write_i2c(t, w, bus, phandle + BUS_CLOCK);
	for (unsigned bus = 0; bus < DUO_N_SPI; bus++)
		write_spi(t, w, bus, phandle);
}
