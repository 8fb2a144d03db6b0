/* SPDX-License-Identifier: MIT */
/* The values of --spi: parts on a board's SPI buses. Main thread. */
#ifndef CMD_RUN_SPI_H
#define CMD_RUN_SPI_H

#include "base/opt.h"

struct run_options;

/* OPT_CALL: adds a part to a struct run_options. */
int run_spi_option(void *ctx, const char *label, char *value, struct err *e);

/* What depends on other options. 0 or -EINVAL with a message. */
int run_spi_check(const struct run_options *o, struct err *e);

#endif
