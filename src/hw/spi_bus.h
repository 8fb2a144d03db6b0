/* SPDX-License-Identifier: MIT */
/*
 * The wires of an SPI bus: SCLK, MOSI, MISO and a select (low when active) for each of SPI_SELECTS
 * places, and the parts that hang on them.
 *
 *	            MOSI ----+--------+-----> in
 *	controller  SCLK ----+--------+-----> clock of each part
 *	            MISO <---+--------+------ out: driven by a part, or left alone (pulled up)
 *	            SEL0 ----+  SEL1 -+       one select may be shared by several parts
 *
 * A part sees its select, and the edges of SCLK while it is selected: at one of them it takes a bit
 * from its input, at the other it changes what it drives. Which is which is the part's own nature
 * (`falling`), whatever mode the controller is in: a wrong mode shifts bits, as on a board. Parts
 * that share a select both answer when they are addressed both; if they disagree that is
 * contention, which is reported by their names, and 0 wins. `chained` parts have their input at
 * the output of the part before (a daisy chain); `joined` ones have one wire for both directions,
 * MOSI behind a resistor (3-wire): what they drive wins, and else MISO repeats MOSI. `by_pin` ones
 * have their select from some other pin than the controller's.
 *
 * The caller keeps one thread at a time in a bus: its controller has a lock.
 */
#ifndef HW_SPI_BUS_H
#define HW_SPI_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

#define SPI_SELECTS   4u
#define SPI_MAX_PARTS 8u

#define SPI_CPHA 1u /* the two bits of a mode */
#define SPI_CPOL 2u

/* What a part does with MISO in place of a bit or a byte: it lets go. */
#define SPI_RELEASE (-1)

struct spi_part;

/* Frames for a part that another process answers for. `data` has n of them and receives n; it and
 * the structure stay until done, which comes once, on the part's loop, perhaps inside burst. */
struct spi_burst {
	unsigned mode, bits;
	uint16_t *data;
	unsigned n;
	void (*done)(struct spi_burst *b);
	void *arg;
};

/* A part has `bit`, or `byte`, or `burst`, or is a `wire`. */
struct spi_part_ops {
	bool wire; /* what comes in goes out, and nobody clocks it */
	/* Its select falls (the result is what it drives first) or rises. NULL: it only lets go. */
	int (*select)(struct spi_part *p, bool selected);
	/* It takes a bit; the result, 0, 1 or SPI_RELEASE, is what it drives from the next edge on.
	 */
	int (*bit)(struct spi_part *p, bool in);
	/* It has taken eight, the highest first; the result, 0 to 255 or SPI_RELEASE, is what it
	 * drives for the next eight. */
	int (*byte)(struct spi_part *p, uint8_t in);
	/* On its loop; never two at a time. See above. */
	void (*burst)(struct spi_part *p, struct spi_burst *b);
	void (*free)(struct spi_part *p);
};

struct spi_part {
	const struct spi_part_ops *ops;
	char name[24];      /* for messages */
	bool falling;       /* takes bits at falling edges: modes 1 and 2, or else 0 and 3 */
	bool chained;       /* behind the part that was attached before it, on the same select */
	bool joined;        /* 3-wire */
	bool by_pin;        /* its select is not the controller's: spi_bus_pin() */
	unsigned select;    /* the rest is the bus's own */
	int now;            /* what it drives: the bit, or the byte of which `out` is one */
	int out;            /* the level it drives: 0, 1 or SPI_RELEASE */
	unsigned count;     /* bits taken of the present byte */
	unsigned collected; /* those bits */
};

struct spi_bus {
	char name[16];
	struct spi_part *part[SPI_MAX_PARTS];
	unsigned n_parts;
	unsigned selected;  /* bit n: the controller's select n is low */
	unsigned pins;      /* bit n: the pin is low that is select n of parts `by_pin` */
	unsigned collision; /* bit n: part n was reported in this frame */
	bool sclk, mosi;
	bool exact;  /* never by bytes: for tests of just that */
	bool silent; /* about contention */
	struct log_limit limit;
};

void spi_bus_init(struct spi_bus *b, const char *name);
/* Frees the parts. */
void spi_bus_fini(struct spi_bus *b);

/* The bus owns the part from now on. 0; -ENOSPC; -EINVAL: a chain that begins nowhere, or a part
 * with bursts that would not be alone on its select, or is `by_pin` (nothing is attached then). */
int spi_bus_attach(struct spi_bus *b, struct spi_part *p, unsigned select);

/* Bit n of `mask`: select n is low from now on; the others are high. */
void spi_bus_select(struct spi_bus *b, unsigned mask);
/* The same of one select that is a pin: parts `by_pin` see it, and no others. */
void spi_bus_pin(struct spi_bus *b, unsigned select, bool low);
/* The part with bursts that is selected, alone, or NULL. No frame may be sent to it. */
struct spi_part *spi_bus_burst_part(const struct spi_bus *b);
/* SCLK goes to where it rests in this mode. */
void spi_bus_idle(struct spi_bus *b, unsigned mode);
/* Sends the low `bits` (1 to 16) of tx, the highest first; what comes in meanwhile. */
uint16_t spi_bus_frame(struct spi_bus *b, unsigned mode, unsigned bits, uint16_t tx);

#endif
