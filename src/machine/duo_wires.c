/* SPDX-License-Identifier: MIT */
/* A controller is there with or without parts; a part's node has the compatible of a driver that
 * Debian's kernel has, or one that its spidev takes. */
#include "machine/duo_wires.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "boot/fdt.h"
#include "hw/dw_spi.h"
#include "hw/plic.h"
#include "hw/spi_bus.h"
#include "hw/spi_flash.h"
#include "hw/spi_parts.h"
#include "hw/spi_unix.h"
#include "machine/board.h"
#include "machine/board_fdt.h"
#include "machine/duo_fdt.h"
#include "machine/duo_map.h"

#define SPIDEV "rohm,dh2228fv"

static const char *const spi_names[DUO_N_SPI] = {"spi 0", "spi 1", "spi 2", "spi 3"};

struct duo_wires {
	struct dw_spi *spi[DUO_N_SPI];
};

/* ---- parts ---- */

static int make_spi_part(struct machine *m, const struct wires_spi *s, struct spi_part **out,
			 struct err *e)
{
	const bool verbose = m->cfg.wires.verbose;
	int ret;

	switch (s->kind) {
	case WIRES_FLASH: return spi_flash_new(s->label, s->path, s->read_only, out, e);
	case WIRES_UNIX: return spi_unix_new(m->loop, s->label, s->path, out, e);
	case WIRES_LOOPBACK: ret = spi_loopback_new(out); break;
	case WIRES_ADC: ret = spi_adc_new(out); break;
	case WIRES_SHIFT: ret = spi_shift_new(verbose, out); break;
	default: ret = spi_expander_new(s->address, verbose, out); break;
	}
	return ret ? err_set(e, ret, "out of memory") : 0;
}

static int add_spi_part(struct duo_wires *w, struct machine *m, const struct wires_spi *s,
			struct err *e)
{
	struct spi_part *p;
	int ret = make_spi_part(m, s, &p, e);

	if (ret)
		return ret;
	p->chained = s->chained;
	p->joined = s->joined;
	ret = dw_spi_attach(w->spi[s->bus], p, s->select);
	if (!ret)
		return 0;
	p->ops->free(p);
	if (ret == -ENOSPC)
		return err_set(e, ret, "%s: a bus has at most %u parts; take another bus", s->label,
			       SPI_MAX_PARTS);
	if (s->chained)
		return err_set(e, ret,
			       "%s,chain=on: there is no part before it on this select; put its "
			       "option behind that part's",
			       s->label);
	return err_set(e, ret,
		       "%s: a part of kind unix shares its select with no other; take another "
		       "select",
		       s->label);
}

static int add_spi(struct duo_wires *w, struct machine *m, struct plic *plic, struct err *e)
{
	int ret = 0;

	for (unsigned i = 0; i < DUO_N_SPI && !ret; i++) {
		const struct dw_spi_config cfg = {.bus = m->bus,
						  .base = DUO_SPI_BASE + i * DUO_SPI_STEP,
						  .irq = plic_irq(plic, DUO_SPI_IRQ + i),
						  .loop = m->loop,
						  .name = spi_names[i]};

		ret = dw_spi_new(&cfg, &w->spi[i]);
	}
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	for (unsigned i = 0; i < m->cfg.wires.n_spi && !ret; i++)
		ret = add_spi_part(w, m, &m->cfg.wires.spi[i], e);
	return ret;
}

int duo_wires_new(struct machine *m, struct plic *plic, struct duo_wires **out, struct err *e)
{
	struct duo_wires *w = calloc(1, sizeof(*w));

	if (!w)
		return err_set(e, -ENOMEM, "out of memory");
	*out = w;
	return add_spi(w, m, plic, e);
}

void duo_wires_free(struct duo_wires *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < DUO_N_SPI; i++)
		dw_spi_free(w->spi[i]);
	free(w);
}

/* ---- the device tree ---- */

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
	for (unsigned i = 0; i < w->n_spi; i++) {
		const struct wires_spi *s = &w->spi[i];

		if (s->bus != bus || s->select != select)
			continue;
		fdtb_begin(t, "%s@%u", wires_spi_kinds[s->kind], select);
		fdtb_string(t, "compatible", spi_compatible(s));
		fdtb_u32(t, "reg", select);
		fdtb_u32(t, "spi-max-frequency", DUO_WIRES_HZ / 4);
		fdtb_end(t);
		return;
	}
}

static void write_spi(struct fdt_builder *t, const struct wires *w, unsigned bus, unsigned clock)
{
	BOARD_FDT_DEVICE(t, "spi", DUO_SPI_BASE + bus * DUO_SPI_STEP, DW_SPI_SIZE,
			 "snps,dw-apb-ssi");
	fdtb_u32(t, "#address-cells", 1);
	fdtb_u32(t, "#size-cells", 0);
	fdtb_u32(t, "clocks", clock);
	fdtb_u32(t, "num-cs", SPI_SELECTS);
	duo_fdt_interrupt(t, DUO_SPI_IRQ + bus);
	for (unsigned select = 0; select < SPI_SELECTS; select++)
		write_spi_select(t, w, bus, select);
	fdtb_end(t);
}

void duo_wires_fdt(struct fdt_builder *t, const struct wires *w, unsigned clock)
{
	fdtb_begin(t, "clock");
	fdtb_string(t, "compatible", "fixed-clock");
	fdtb_u32(t, "#clock-cells", 0);
	fdtb_u32(t, "clock-frequency", DUO_WIRES_HZ);
	fdtb_u32(t, "phandle", clock);
	fdtb_end(t);
	for (unsigned bus = 0; bus < DUO_N_SPI; bus++)
		write_spi(t, w, bus, clock);
}
