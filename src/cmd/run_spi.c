/* SPDX-License-Identifier: MIT */
/* BUS:SELECT=KIND[,KEY=VALUE]..., where KIND may be unix:PATH. */
#include "cmd/run_spi.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd/run_options.h"
#include "hw/spi_bus.h"
#include "hw/spi_parts.h"
#include "machine/wires.h"

#define N_BUSES 4u

#define AT(member) .offset = offsetof(struct wires_spi, member)

static const struct opt keys[] = {
	{.name = "path", .kind = OPT_STRING, AT(path)},
	{.name = "ro", .kind = OPT_BOOL, AT(read_only)},
	{.name = "address", .kind = OPT_UINT, .max = SPI_EXPANDER_ADDRESSES - 1, AT(address)},
	{.name = "chain", .kind = OPT_BOOL, AT(chained)},
	{.name = "3wire", .kind = OPT_BOOL, AT(joined)},
	{.name = "compatible", .kind = OPT_STRING, AT(compatible)},
	{0},
};

/* The head, up to the first comma. */
static int parse_place(struct wires_spi *s, const char *label, char *head, struct err *e)
{
	char *kind = strchr(head, '=');
	unsigned used = 0;

	if (!kind || sscanf(head, "%u:%u=%n", &s->bus, &s->select, (int *)&used) != 2 ||
	    head + used != kind + 1)
		return err_set(e, -EINVAL, "%s%s: give BUS:SELECT=KIND, such as 0:0=flash,path=F",
			       label, head);
	if (s->bus >= N_BUSES || s->select >= SPI_SELECTS)
		return err_set(e, -EINVAL, "%s%s: there are buses 0 to %u with selects 0 to %u",
			       label, head, N_BUSES - 1, SPI_SELECTS - 1);
	kind++;
	if (!strncmp(kind, "unix:", 5)) {
		s->path = kind + 5;
		kind[4] = '\0';
	}
	snprintf(s->label, sizeof(s->label), "%s%s", label, head);
	return opt_parse_choice(s->label, kind, wires_spi_kinds, &s->kind, e);
}

/* Whether a key that was given is one for parts of another kind. */
static int check_keys(const struct wires_spi *s, struct err *e)
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
	ret = parse_place(s, label, value, e);
	if (!ret && rest)
		ret = opt_parse_list(keys, s, label, rest, NULL, e);
	if (!ret)
		ret = check_keys(s, e);
	w->n_spi += !ret;
	return ret;
}

int run_spi_check(const struct run_options *o, struct err *e)
{
	for (unsigned i = 0; i < o->wires.n_spi && o->clock == RUN_CLOCK_INSTRUCTIONS; i++)
		if (o->wires.spi[i].kind == WIRES_UNIX)
			return err_set(e, -EINVAL,
				       "%s: --clock instructions makes each run the same, which "
				       "another process's work cannot be; leave one out",
				       o->wires.spi[i].label);
	return 0;
}
