/* SPDX-License-Identifier: MIT */
/* The values of --spi, --i2c and --gpio: parts and wires on a board's buses. Main thread. */
#ifndef CMD_RUN_WIRES_H
#define CMD_RUN_WIRES_H

#include "base/opt.h"

struct run_options;

/* OPT_CALL: each adds a part, or a wire, to a struct run_options. */
int run_spi_option(void *ctx, const char *label, char *value, struct err *e);
int run_i2c_option(void *ctx, const char *label, char *value, struct err *e);
int run_gpio_option(void *ctx, const char *label, char *value, struct err *e);

/* What depends on other options. 0 or -EINVAL with a message. */
int run_wires_check(const struct run_options *o, struct err *e);

#endif
