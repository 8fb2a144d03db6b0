/* SPDX-License-Identifier: MIT */
/*
 * A controller is there with or without parts. Pins that are joined are settled again whenever one
 * of their ports moves, under a lock of their own, so that whoever comes last sees both ends as
 * they are. Pins that select parts of SPI are handed on under it, too.
 */
#include "machine/duo_wires.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "hw/dw_gpio.h"
#include "hw/dw_i2c.h"
#include "hw/dw_spi.h"
#include "hw/dw_wdt.h"
#include "hw/i2c_bus.h"
#include "hw/i2c_eeprom.h"
#include "hw/plic.h"
#include "hw/spi_bus.h"
#include "hw/spi_flash.h"
#include "hw/spi_parts.h"
#include "hw/spi_unix.h"
#include "machine/board.h"
#include "machine/duo_map.h"

#define REPORTS_MAX 1000u

static const char *const spi_names[DUO_N_SPI] = {"spi 0", "spi 1", "spi 2", "spi 3"};

struct duo_wires {
	struct machine *m;
	struct dw_spi *spi[DUO_N_SPI];
	struct dw_i2c *i2c[DUO_N_I2C];
	struct dw_gpio *gpio[DUO_N_GPIO];
	struct dw_wdt *wdt;
	pthread_mutex_t lock; /* for what follows, and while pins are settled */
	struct dw_gpio_pins shown[DUO_N_GPIO];
	struct log_limit limit;
};

/* ---- SPI ---- */

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
	p->by_pin = s->by_pin;
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

/* ---- I2C ---- */

static int add_i2c_part(struct duo_wires *w, struct wires_i2c *p, struct err *e)
{
	struct i2c_part *part;
	int ret = i2c_eeprom_new(p->label, p->address, p->path, p->read_only, &part, e);

	if (ret)
		return ret;
	if (!p->compatible)
		p->compatible = i2c_eeprom_compatible(part);
	ret = dw_i2c_attach(w->i2c[p->bus], part);
	if (!ret)
		return 0;
	part->ops->free(part);
	if (ret == -ENOSPC)
		return err_set(e, ret, "%s: a bus has at most %u parts; take another bus", p->label,
			       I2C_MAX_PARTS);
	return err_set(e, ret, "%s: the address is taken; give another one", p->label);
}

static int add_i2c(struct duo_wires *w, struct machine *m, struct plic *plic, struct err *e)
{
	int ret = 0;

	for (unsigned i = 0; i < DUO_N_I2C && !ret; i++) {
		const struct dw_i2c_config cfg = {.bus = m->bus,
						  .base = DUO_I2C_BASE + i * DUO_I2C_STEP,
						  .irq = plic_irq(plic, DUO_I2C_IRQ + i)};

		ret = dw_i2c_new(&cfg, &w->i2c[i]);
	}
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	for (unsigned i = 0; i < m->cfg.wires.n_i2c && !ret; i++)
		ret = add_i2c_part(w, &m->cfg.wires.i2c[i], e);
	return ret;
}

/* ---- pins ---- */

static void show(struct duo_wires *w, unsigned port)
{
	const struct dw_gpio_pins now = dw_gpio_outputs(w->gpio[port]), was = w->shown[port];
	uint32_t changed = (now.driven & ~was.driven) | ((now.level ^ was.level) & now.driven);

	w->shown[port] = now;
	for (unsigned pin = 0; pin < DW_GPIO_PINS; pin++)
		if (changed >> pin & 1)
			log_warn_limited(&w->limit, REPORTS_MAX, "gpio %c%u: %u", 'A' + port, pin,
					 now.level >> pin & 1);
}

/* Each end sees what the other one drives; where both do, 0 wins and there is a word about it. */
static void settle(struct duo_wires *w, const struct wires_gpio *g)
{
	bool drives[2], level[2];

	for (unsigned i = 0; i < 2; i++) {
		const struct dw_gpio_pins out = dw_gpio_outputs(w->gpio[g->end[i].port]);

		drives[i] = out.driven >> g->end[i].pin & 1;
		level[i] = out.level >> g->end[i].pin & 1;
	}
	if (drives[0] && drives[1] && level[0] != level[1])
		log_warn_limited(&w->limit, REPORTS_MAX,
				 "contention: gpio %c%u drives %d, gpio %c%u %d",
				 'A' + g->end[0].port, g->end[0].pin, level[0],
				 'A' + g->end[1].port, g->end[1].pin, level[1]);
	for (unsigned i = 0; i < 2; i++)
		dw_gpio_input(w->gpio[g->end[i].port], g->end[i].pin, drives[!i] && level[!i]);
}

/* A pin that nobody drives is pulled up. Parts that share a select share its pin. */
static void settle_select(struct duo_wires *w, const struct wires_spi *s)
{
	const struct dw_gpio_pins out = dw_gpio_outputs(w->gpio[s->pin.port]);

	dw_spi_pin(w->spi[s->bus], s->select, (out.driven & ~out.level) >> s->pin.pin & 1);
}

static void port_moved(void *arg, unsigned port)
{
	struct duo_wires *w = arg;
	const struct wires *wires = &w->m->cfg.wires;

	pthread_mutex_lock(&w->lock);
	if (wires->verbose)
		show(w, port);
	for (unsigned i = 0; i < wires->n_gpio; i++)
		if (wires->gpio[i].end[0].port == port || wires->gpio[i].end[1].port == port)
			settle(w, &wires->gpio[i]);
	for (unsigned i = 0; i < wires->n_spi; i++)
		if (wires->spi[i].by_pin && wires->spi[i].pin.port == port)
			settle_select(w, &wires->spi[i]);
	pthread_mutex_unlock(&w->lock);
}

static int add_gpio(struct duo_wires *w, struct machine *m, struct plic *plic)
{
	int ret = 0;

	for (unsigned i = 0; i < DUO_N_GPIO && !ret; i++) {
		bool e = i == DUO_N_GPIO - 1;
		const struct dw_gpio_config cfg = {
			.bus = m->bus,
			.base = e ? DUO_RTC_GPIO_BASE : DUO_GPIO_BASE + i * DUO_GPIO_STEP,
			.irq = plic_irq(plic, e ? DUO_GPIO_E_IRQ : DUO_GPIO_IRQ + i),
			.moved = port_moved,
			.arg = w,
			.port = i};

		ret = dw_gpio_new(&cfg, &w->gpio[i]);
	}
	return ret;
}

/* ---- watchdog ---- */

static uint64_t time_now(void *arg)
{
	const struct machine *m = ((struct duo_wires *)arg)->m;

	return clock_ticks(&m->clock) * m->clock.ns_per_tick;
}

static void expired(void *arg)
{
	log_warn("the watchdog was not kicked in time, and resets the machine");
	machine_end(((struct duo_wires *)arg)->m, MACHINE_REBOOT, 0);
}

static int add_wdt(struct duo_wires *w, struct machine *m, struct plic *plic)
{
	const struct dw_wdt_config cfg = {.bus = m->bus,
					  .base = DUO_WDT_BASE,
					  .irq = plic_irq(plic, DUO_WDT_IRQ),
					  .loop = m->loop,
					  .hz = DUO_OSC_HZ,
					  .now = time_now,
					  .expired = expired,
					  .arg = w};

	return dw_wdt_new(&cfg, &w->wdt);
}

/* ---- all of it ---- */

int duo_wires_new(struct machine *m, struct plic *plic, struct duo_wires **out, struct err *e)
{
	struct duo_wires *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return err_set(e, -ENOMEM, "out of memory");
	*out = w;
	w->m = m;
	pthread_mutex_init(&w->lock, NULL);
	ret = add_gpio(w, m, plic);
	if (!ret)
		ret = add_wdt(w, m, plic);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	ret = add_spi(w, m, plic, e);
	return ret ? ret : add_i2c(w, m, plic, e);
}

void duo_wires_free(struct duo_wires *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < DUO_N_SPI; i++)
		dw_spi_free(w->spi[i]);
	for (unsigned i = 0; i < DUO_N_I2C; i++)
		dw_i2c_free(w->i2c[i]);
	for (unsigned i = 0; i < DUO_N_GPIO; i++)
		dw_gpio_free(w->gpio[i]);
	dw_wdt_free(w->wdt);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
