/* SPDX-License-Identifier: MIT */
#include "machine/wires.h"

#include <stddef.h>

const char *const wires_spi_kinds[] = {
	[WIRES_FLASH] = "flash", [WIRES_LOOPBACK] = "loopback", [WIRES_ADC] = "adc",
	[WIRES_SHIFT] = "shift", [WIRES_EXPANDER] = "expander", [WIRES_UNIX] = "unix",
	[WIRES_UNIX + 1] = NULL,
};

const struct wires_spi *wires_spi_at(const struct wires *w, unsigned bus, unsigned select)
{
	for (unsigned i = 0; i < w->n_spi; i++)
		if (w->spi[i].bus == bus && w->spi[i].select == select)
			return &w->spi[i];
	return NULL;
}

const char *wires_given(const struct wires *w)
{
	if (w->n_spi)
		return w->spi[0].label;
	if (w->n_i2c)
		return w->i2c[0].label;
	return w->n_gpio ? "--gpio" : NULL;
}
