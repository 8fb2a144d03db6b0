/* SPDX-License-Identifier: MIT */
/*
 * DesignWare's GPIO controller (DW_apb_gpio) with one port of 32 pins, "port A", which can
 * interrupt, as Linux's gpio-dwapb and boards' firmware use it. Debouncing is a register and no
 * more. Registers of 32 bits; any thread.
 */
#ifndef HW_DW_GPIO_H
#define HW_DW_GPIO_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/irq.h"

#define DW_GPIO_SIZE 0x1000u
#define DW_GPIO_PINS 32u

struct bus;
struct dw_gpio;

struct dw_gpio_config {
	struct bus *bus;
	uint64_t base; /* of DW_GPIO_SIZE bytes */
	struct irq irq;
	/* After each change of what pins drive: see dw_gpio_outputs(). On the thread that made it,
	 * with no lock held; or NULL. */
	void (*moved)(void *arg, unsigned port);
	void *arg;
	unsigned port; /* handed to moved */
};

struct dw_gpio_pins {
	uint32_t driven; /* bit n: pin n is an output */
	uint32_t level;  /* of those; 0 elsewhere */
};

/* 0 or -errno. All pins are inputs at 0. */
int dw_gpio_new(const struct dw_gpio_config *cfg, struct dw_gpio **out);
/* NULL is allowed. */
void dw_gpio_free(struct dw_gpio *g);

/* Any thread. */
struct dw_gpio_pins dw_gpio_outputs(struct dw_gpio *g);
/* Any thread: what is at pin n from outside; it counts while the pin is an input. */
void dw_gpio_input(struct dw_gpio *g, unsigned pin, bool level);

#endif
