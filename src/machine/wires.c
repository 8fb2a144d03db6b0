/* SPDX-License-Identifier: MIT */
#include "machine/wires.h"

#include <stddef.h>

const char *const wires_spi_kinds[] = {
	[WIRES_FLASH] = "flash", [WIRES_LOOPBACK] = "loopback", [WIRES_ADC] = "adc",
	[WIRES_SHIFT] = "shift", [WIRES_EXPANDER] = "expander", [WIRES_UNIX] = "unix",
	[WIRES_UNIX + 1] = NULL,
};

const char *wires_given(const struct wires *w)
{
	if (w->n_spi)
		return w->spi[0].label;
	if (w->n_i2c)
		return w->i2c[0].label;
	return w->n_gpio ? "--gpio" : NULL;
}
