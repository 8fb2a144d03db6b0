/* SPDX-License-Identifier: MIT */
/* What a user puts on a board's SPI buses: filled in by cmd, as part of a machine_config. */
#ifndef MACHINE_WIRES_H
#define MACHINE_WIRES_H

#include <stdbool.h>

#define WIRES_MAX_SPI   16u
#define WIRES_LABEL_MAX 40u

enum wires_spi_kind {
	WIRES_FLASH,
	WIRES_LOOPBACK,
	WIRES_ADC,
	WIRES_SHIFT,
	WIRES_EXPANDER,
	WIRES_UNIX,
};

/* By kind, NULL behind the last. */
extern const char *const wires_spi_kinds[];

struct wires_spi {
	unsigned bus, select;
	unsigned kind;               /* enum wires_spi_kind */
	const char *path;            /* flash, unix */
	const char *compatible;      /* for the device tree; NULL: as the kind has it */
	unsigned address;            /* expander */
	bool read_only;              /* flash */
	bool chained, joined;        /* see hw/spi_bus.h */
	char label[WIRES_LABEL_MAX]; /* what a message starts with: "--spi 0:0=flash" */
};

struct wires {
	struct wires_spi spi[WIRES_MAX_SPI];
	unsigned n_spi;
	bool verbose; /* log what parts put out */
};

#endif
