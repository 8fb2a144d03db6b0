/* SPDX-License-Identifier: MIT */
/* What a user puts on a board's buses and pins: filled in by cmd, as part of a machine_config. */
#ifndef MACHINE_WIRES_H
#define MACHINE_WIRES_H

#include <stdbool.h>

#define WIRES_MAX_SPI   16u
#define WIRES_MAX_I2C   16u
#define WIRES_MAX_GPIO  32u
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

struct wires_pin {
	unsigned port, pin; /* port 0 is A */
};

struct wires_spi {
	unsigned bus, select;
	unsigned kind;          /* enum wires_spi_kind */
	const char *path;       /* flash, unix */
	const char *compatible; /* for the device tree; NULL: as the kind has it */
	unsigned address;       /* expander */
	bool read_only;         /* flash */
	bool chained, joined;   /* see hw/spi_bus.h */
	bool by_pin;            /* its select is `pin`, and not the controller's */
	struct wires_pin pin;
	char label[WIRES_LABEL_MAX]; /* what a message starts with: "--spi 0:0=flash" */
};

/* An EEPROM. */
struct wires_i2c {
	unsigned bus, address;
	const char *path;
	const char *compatible; /* for the device tree; NULL: as its size says */
	bool read_only;
	char label[WIRES_LABEL_MAX];
};

/* Joins two pins. */
struct wires_gpio {
	struct wires_pin end[2];
};

struct wires {
	struct wires_spi spi[WIRES_MAX_SPI];
	unsigned n_spi;
	struct wires_i2c i2c[WIRES_MAX_I2C];
	unsigned n_i2c;
	struct wires_gpio gpio[WIRES_MAX_GPIO];
	unsigned n_gpio;
	bool verbose; /* log what parts put out */
};

/* The first part on that select, or NULL. */
const struct wires_spi *wires_spi_at(const struct wires *w, unsigned bus, unsigned select);

/* What a message calls the first thing that was asked for; NULL: nothing was. */
const char *wires_given(const struct wires *w);

#endif
