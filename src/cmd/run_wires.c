/* SPDX-License-Identifier: MIT */
/*
 * --spi BUS:SELECT=KIND[,KEY=VALUE]..., where KIND may be unix:PATH; --i2c BUS:ADDRESS=KIND[,...];
 * --gpio PIN=PIN, with pins such as A14; --spi has cs=PIN, too.
 */
#include "cmd/run_wires.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd/run_options.h"
#include "hw/spi_bus.h"
#include "hw/spi_parts.h"
#include "machine/wires.h"

#define N_SPI     4u
#define N_I2C     5u
#define I2C_FIRST 0x08u /* addresses below and above mean something else */
#define I2C_LAST  0x77u
#define PORTS     "ABCDE"

/* "A14"; *end is what follows. */
static bool parse_pin(struct wires_pin *pin, const char *text, const char **end)
{
	const char *port = *text ? strchr(PORTS, *text) : NULL;
	int used = 0;

	if (!port || sscanf(text + 1, "%2u%n", &pin->pin, &used) != 1 || pin->pin > 31)
		return false;
	pin->port = (unsigned)(port - PORTS);
	*end = text + 1 + used;
	return true;
}

static bool same_pin(const struct wires_pin *a, const struct wires_pin *b)
{
	return a->port == b->port && a->pin == b->pin;
}

static int select_pin(void *ctx, const char *label, char *value, struct err *e)
{
	struct wires_spi *s = ctx;
	const char *end;

	if (!parse_pin(&s->pin, value, &end) || *end)
		return err_set(e, -EINVAL, "%s%s: give a pin, A0 to E31, such as A20", label,
			       value);
	s->by_pin = true;
	return 0;
}

#define AT(member) .offset = offsetof(struct wires_spi, member)

static const struct opt spi_keys[] = {
	{.name = "path", .kind = OPT_STRING, AT(path)},
	{.name = "ro", .kind = OPT_BOOL, AT(read_only)},
	{.name = "address", .kind = OPT_UINT, .max = SPI_EXPANDER_ADDRESSES - 1, AT(address)},
	{.name = "chain", .kind = OPT_BOOL, AT(chained)},
	{.name = "cs", .arg = "PIN", .kind = OPT_CALL, .call = select_pin},
	{.name = "3wire", .kind = OPT_BOOL, AT(joined)},
	{.name = "compatible", .kind = OPT_STRING, AT(compatible)},
	{0},
};

/* ---- --spi ---- */

/* The head, up to the first comma. */
static int parse_spi_place(struct wires_spi *s, const char *label, char *head, struct err *e)
{
	char *kind = strchr(head, '=');
	int used = 0;

	if (!kind || sscanf(head, "%u:%u=%n", &s->bus, &s->select, &used) != 2 ||
	    head + used != kind + 1)
		return err_set(e, -EINVAL, "%s%s: give BUS:SELECT=KIND, such as 0:0=flash,path=F",
			       label, head);
	if (s->bus >= N_SPI || s->select >= SPI_SELECTS)
		return err_set(e, -EINVAL, "%s%s: there are buses 0 to %u with selects 0 to %u",
			       label, head, N_SPI - 1, SPI_SELECTS - 1);
	kind++;
	if (!strncmp(kind, "unix:", 5)) {
		s->path = kind + 5;
		kind[4] = '\0';
	}
	snprintf(s->label, sizeof(s->label), "%s%s", label, head);
	return opt_parse_choice(s->label, kind, wires_spi_kinds, &s->kind, e);
}

/* Whether a key that was given is one for parts of another kind. */
static int check_spi_keys(const struct wires_spi *s, struct err *e)
{
	bool takes_path = s->kind == WIRES_FLASH || s->kind == WIRES_UNIX;

	if (takes_path && (!s->path || !*s->path))
		return err_set(e, -EINVAL, "%s: needs %s", s->label,
			       s->kind == WIRES_FLASH ? "path=F, the file that holds it"
						      : "the path of a socket: unix:PATH");
	if (s->path && !takes_path)
		return err_set(e, -EINVAL, "%s,path=%s: has no file; leave it out", s->label,
			       s->path);
	if (s->read_only && s->kind != WIRES_FLASH)
		return err_set(e, -EINVAL, "%s,ro=on: is for a flash; leave it out", s->label);
	if (s->by_pin && s->kind == WIRES_UNIX)
		return err_set(e, -EINVAL, "%s,cs=: its select is the controller's; leave it out",
			       s->label);
	if (s->address && s->kind != WIRES_EXPANDER)
		return err_set(e, -EINVAL, "%s,address=%u: is for an expander; leave it out",
			       s->label, s->address);
	return 0;
}

int run_spi_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct wires *w = &((struct run_options *)ctx)->wires;
	struct wires_spi *s = &w->spi[w->n_spi];
	char *rest = strchr(value, ',');
	int ret;

	if (w->n_spi == WIRES_MAX_SPI)
		return err_set(e, -EINVAL, "%s%s: at most %u parts", label, value, WIRES_MAX_SPI);
	*s = (struct wires_spi){0};
	if (rest)
		*rest++ = '\0';
	ret = parse_spi_place(s, label, value, e);
	if (!ret && rest)
		ret = opt_parse_list(spi_keys, s, label, rest, NULL, e);
	if (!ret)
		ret = check_spi_keys(s, e);
	w->n_spi += !ret;
	return ret;
}

/* ---- --i2c ---- */

#define I2C_AT(member) .offset = offsetof(struct wires_i2c, member)

static const struct opt i2c_keys[] = {
	{.name = "path", .kind = OPT_STRING, I2C_AT(path)},
	{.name = "ro", .kind = OPT_BOOL, I2C_AT(read_only)},
	{.name = "compatible", .kind = OPT_STRING, I2C_AT(compatible)},
	{0},
};

static int parse_i2c_place(struct wires_i2c *p, const char *label, char *head, struct err *e)
{
	char *kind = strchr(head, '=');
	int used = 0;

	if (!kind || sscanf(head, "%u:%i=%n", &p->bus, (int *)&p->address, &used) != 2 ||
	    head + used != kind + 1)
		return err_set(e, -EINVAL,
			       "%s%s: give BUS:ADDRESS=KIND, such as 0:0x50=eeprom,path=F", label,
			       head);
	if (p->bus >= N_I2C || p->address < I2C_FIRST || p->address > I2C_LAST)
		return err_set(e, -EINVAL,
			       "%s%s: there are buses 0 to %u with addresses 0x%02x to 0x%02x",
			       label, head, N_I2C - 1, I2C_FIRST, I2C_LAST);
	snprintf(p->label, sizeof(p->label), "%s%s", label, head);
	if (strcmp(kind + 1, "eeprom"))
		return err_set(e, -EINVAL, "%s: there is no such part; give eeprom", p->label);
	return 0;
}

int run_i2c_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct wires *w = &((struct run_options *)ctx)->wires;
	struct wires_i2c *p = &w->i2c[w->n_i2c];
	char *rest = strchr(value, ',');
	int ret;

	if (w->n_i2c == WIRES_MAX_I2C)
		return err_set(e, -EINVAL, "%s%s: at most %u parts", label, value, WIRES_MAX_I2C);
	*p = (struct wires_i2c){0};
	if (rest)
		*rest++ = '\0';
	ret = parse_i2c_place(p, label, value, e);
	if (!ret && rest)
		ret = opt_parse_list(i2c_keys, p, label, rest, NULL, e);
	if (!ret && (!p->path || !*p->path))
		ret = err_set(e, -EINVAL, "%s: needs path=F, the file that holds it", p->label);
	w->n_i2c += !ret;
	return ret;
}

/* ---- --gpio ---- */

int run_gpio_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct wires *w = &((struct run_options *)ctx)->wires;
	struct wires_gpio *g = &w->gpio[w->n_gpio];
	const char *end;

	if (w->n_gpio == WIRES_MAX_GPIO)
		return err_set(e, -EINVAL, "%s%s: at most %u wires", label, value, WIRES_MAX_GPIO);
	if (!parse_pin(&g->end[0], value, &end) || *end != '=' ||
	    !parse_pin(&g->end[1], end + 1, &end) || *end)
		return err_set(e, -EINVAL,
			       "%s%s: give two pins to join, A0 to E31, such as A14=A15", label,
			       value);
	if (same_pin(&g->end[0], &g->end[1]))
		return err_set(e, -EINVAL, "%s%s: joins a pin with itself; name another", label,
			       value);
	for (unsigned i = 0; i < 2 * w->n_gpio; i++)
		for (unsigned j = 0; j < 2; j++)
			if (same_pin(&w->gpio[i / 2].end[i % 2], &g->end[j]))
				return err_set(e, -EINVAL,
					       "%s%s: one of them has a wire already; a pin has "
					       "one",
					       label, value);
	w->n_gpio++;
	return 0;
}

/* A pin is the select of one place, for all parts there, and has no other wire. */
static int check_select(const struct wires *w, const struct wires_spi *s, struct err *e)
{
	const struct wires_spi *first = wires_spi_at(w, s->bus, s->select);
	bool taken = false;

	if (s->by_pin != first->by_pin || (s->by_pin && !same_pin(&s->pin, &first->pin)))
		return err_set(e, -EINVAL,
			       "%s: another part on this select has another wire for it; give all "
			       "the same cs=PIN, or none",
			       s->label);
	for (unsigned i = 0; i < w->n_spi && s->by_pin; i++)
		taken |= w->spi[i].by_pin && same_pin(&w->spi[i].pin, &s->pin) &&
			 (w->spi[i].bus != s->bus || w->spi[i].select != s->select);
	for (unsigned i = 0; i < 2 * w->n_gpio && s->by_pin; i++)
		taken |= same_pin(&w->gpio[i / 2].end[i % 2], &s->pin);
	return taken ? err_set(e, -EINVAL, "%s: its pin has a wire already; a pin has one",
			       s->label)
		     : 0;
}

int run_wires_check(const struct run_options *o, struct err *e)
{
	for (unsigned i = 0; i < o->wires.n_spi; i++) {
		int ret = check_select(&o->wires, &o->wires.spi[i], e);

		if (ret)
			return ret;
	}
	for (unsigned i = 0; i < o->wires.n_spi && o->clock == RUN_CLOCK_INSTRUCTIONS; i++)
		if (o->wires.spi[i].kind == WIRES_UNIX)
			return err_set(e, -EINVAL,
				       "%s: --clock instructions makes each run the same, which "
				       "another process's work cannot be; leave one out",
				       o->wires.spi[i].label);
	return 0;
}
