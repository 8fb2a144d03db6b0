/* SPDX-License-Identifier: MIT */
/* DesignWare's SPI controller: as Linux's driver goes about it, its limits, and hostile writes. */
#include "hw_test.h"

#include "base/bits.h"
#include "base/loop.h"
#include "hw/dw_spi.h"
#include "hw/spi_bus.h"
#include "hw/spi_parts.h"

#define BASE   0x4180000u
#define R(reg) (BASE + (reg))

enum {
	CTRLR0 = 0x00,
	CTRLR1 = 0x04,
	SSIENR = 0x08,
	SER = 0x10,
	BAUDR = 0x14,
	TXFTLR = 0x18,
	RXFTLR = 0x1c,
	TXFLR = 0x20,
	RXFLR = 0x24,
	SR = 0x28,
	IMR = 0x2c,
	ISR = 0x30,
	RISR = 0x34,
	TXOICR = 0x38,
	RXOICR = 0x3c,
	RXUICR = 0x40,
	ICR = 0x48,
	VERSION = 0x5c,
	DR = 0x60,
};

enum { TR, TO, RO, EEPROM };

enum { TXE = 1, TXO = 2, RXU = 4, RXO = 8, RXF = 16 };

#define SR_BUSY 1u

struct fixture {
	struct bus *bus;
	struct loop *loop;
	struct dw_spi *d;
	struct wires wires;
	struct far *far;
};

/* A part whose answers come when the test says so: what it was sent, plus 1. */
struct far {
	struct spi_part part;
	struct spi_burst *burst;
	unsigned n_bursts, n_ends;
};

static int far_select(struct spi_part *p, bool selected)
{
	container_of(p, struct far, part)->n_ends += !selected;
	return SPI_RELEASE;
}

static void far_burst(struct spi_part *p, struct spi_burst *b)
{
	struct far *f = container_of(p, struct far, part);

	assert_null(f->burst);
	f->burst = b;
	f->n_bursts++;
}

static void far_answer(struct far *f)
{
	struct spi_burst *b = f->burst;

	if (!b) {
		fail_msg("nothing is under way");
		abort(); /* not reached, which an analyzer cannot know */
	}
	for (unsigned i = 0; i < b->n; i++)
		b->data[i]++;
	f->burst = NULL;
	b->done(b);
}

static void far_free(struct spi_part *p)
{
	free(container_of(p, struct far, part));
}

static const struct spi_part_ops far_ops = {
	.select = far_select, .burst = far_burst, .free = far_free};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct dw_spi_config cfg = {.base = BASE, .name = "spi 0"};
	struct spi_part *p;

	*state = f;
	if (bus_new(&f->bus) || loop_new(&f->loop))
		return -1;
	cfg.bus = f->bus;
	cfg.loop = f->loop;
	cfg.irq = wires_irq(&f->wires, 0);
	if (dw_spi_new(&cfg, &f->d) || spi_loopback_new(&p) || dw_spi_attach(f->d, p, 0) ||
	    spi_shift_new(false, &p) || dw_spi_attach(f->d, p, 1))
		return -1;
	f->far = calloc(1, sizeof(*f->far));
	f->far->part.ops = &far_ops;
	return dw_spi_attach(f->d, &f->far->part, 3);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dw_spi_free(f->d);
	bus_free(f->bus);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void set(struct fixture *f, unsigned reg, uint32_t value)
{
	wr(f->bus, R(reg), 4, value);
}

static uint32_t get(struct fixture *f, unsigned reg)
{
	return (uint32_t)rd(f->bus, R(reg), 4);
}

/* Enabled, nothing selected. */
static void configure(struct fixture *f, unsigned transfer, unsigned mode, unsigned bits,
		      unsigned n)
{
	set(f, SSIENR, 0);
	set(f, CTRLR0, (bits - 1) | mode << 6 | transfer << 8);
	set(f, CTRLR1, n - 1);
	set(f, BAUDR, 4);
	set(f, SSIENR, 1);
}

/* As Linux looks for the number of selects, the depth, and the size of frames. */
static void test_probe(void **state)
{
	struct fixture *f = *state;
	unsigned depth = 1;

	set(f, SER, 0xffff);
	assert_int_equal(get(f, SER), 0xf);
	set(f, SER, 0);
	for (; depth < 256; depth++) {
		set(f, TXFTLR, depth);
		if (get(f, TXFTLR) != depth)
			break;
	}
	assert_int_equal(depth, DW_SPI_DEPTH);
	set(f, TXFTLR, 0);
	set(f, RXFTLR, DW_SPI_DEPTH);
	assert_int_equal(get(f, RXFTLR), 0);
	set(f, SSIENR, 0);
	set(f, CTRLR0, 0xffffffff);
	assert_int_equal(get(f, CTRLR0) & 0xf, 0xf);
	assert_int_equal(get(f, CTRLR0) >> 16, 0);
	set(f, SSIENR, 1);
	set(f, CTRLR0, 0); /* nothing while it is enabled */
	set(f, BAUDR, 8);
	set(f, CTRLR1, 8);
	assert_int_equal(get(f, CTRLR0) & 0xf, 0xf);
	assert_int_equal(get(f, BAUDR), 0);
	assert_int_equal(get(f, CTRLR1), 0);
	assert_int_equal(get(f, VERSION), 0x3332332a);
	assert_faults(f->bus, R(CTRLR0), 8);
	assert_faults(f->bus, R(CTRLR0) + 2, 2);
	assert_int_equal(rd(f->bus, R(0xf8), 4), 0);
}

/* By interrupts: each goes as far as the levels say. */
static void test_interrupts(void **state)
{
	struct fixture *f = *state;

	configure(f, TR, 0, 8, 1);
	set(f, TXFTLR, 4);
	set(f, RXFTLR, 3);
	assert_int_equal(f->wires.level, 0);
	set(f, IMR, TXE | TXO | RXU | RXO | RXF);
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(get(f, ISR), TXE);
	for (unsigned i = 0; i < 6; i++)
		set(f, DR, 0x10 + i);
	assert_int_equal(get(f, TXFLR), 6); /* nothing is selected */
	assert_int_equal(get(f, ISR), 0);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(get(f, SR) & SR_BUSY, 0);
	set(f, SER, 1);
	assert_int_equal(get(f, TXFLR), 0);
	assert_int_equal(get(f, RXFLR), 6);
	assert_int_equal(get(f, ISR), TXE | RXF);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(get(f, DR), 0x10 + i);
	assert_int_equal(get(f, ISR), TXE);
	set(f, IMR, RXF);
	assert_int_equal(f->wires.level, 0);
	for (unsigned i = 3; i < 6; i++)
		assert_int_equal(get(f, DR + 4 * i), 0x10 + i);
	assert_int_equal(get(f, RISR), TXE);
	assert_int_equal(get(f, DR), 0);
	assert_int_equal(get(f, RISR), TXE | RXU);
	assert_int_equal(get(f, RXUICR), 1);
	assert_int_equal(get(f, RXUICR), 0);
}

/* As Linux sends more than the FIFO holds: as long as it has something, TXFLR is not 0. */
static void test_long_command(void **state)
{
	struct fixture *f = *state;
	unsigned left = 260;

	configure(f, TO, 0, 8, 1);
	for (unsigned i = 0; i < DW_SPI_DEPTH; i++, left--)
		set(f, DR, i);
	set(f, SER, 2);
	while (left) {
		unsigned entries = get(f, TXFLR);

		assert_in_range(entries, 1, DW_SPI_DEPTH);
		for (unsigned room = DW_SPI_DEPTH - entries; room && left; room--, left--)
			set(f, DR, left);
	}
	assert_int_equal(get(f, SR) & SR_BUSY, 0);
	assert_int_equal(get(f, RXFLR), 0);
	assert_int_equal(get(f, RISR), TXE);
}

/* What the registers were last sent is read back by receive-only, and behind a command. */
static void test_receiving(void **state)
{
	struct fixture *f = *state;

	configure(f, EEPROM, 0, 8, 100);
	set(f, DR, 0xc3);
	set(f, SER, 2);
	assert_int_equal(get(f, RXFLR), DW_SPI_DEPTH); /* it waits for room */
	assert_int_equal(get(f, DR), 0xc3);
	for (unsigned i = 1; i < 100; i++)
		assert_int_equal(get(f, DR), 0);
	assert_int_equal(get(f, RXFLR), 0);
	assert_int_equal(get(f, SR) & SR_BUSY, 0);
	assert_int_equal(get(f, RISR), TXE);

	configure(f, TO, 3, 16, 1);
	set(f, DR, 0x8001);
	get(f, SR);
	configure(f, RO, 3, 4, 3);
	set(f, DR, 0xffff); /* a dummy, that begins it */
	assert_int_equal(get(f, RXFLR), 3);
	assert_int_equal(get(f, DR), 0x0);
	assert_int_equal(get(f, DR), 0x1);
	assert_int_equal(get(f, DR), 0x0);
}

/* Frames of each size and mode; the loop inside of the controller. */
static void test_frames(void **state)
{
	struct fixture *f = *state;

	for (unsigned mode = 0; mode < 4; mode++)
		for (unsigned bits = 4; bits <= 16; bits++) {
			configure(f, TR, mode, bits, 1);
			set(f, SER, 1);
			set(f, DR, 0xa5c3);
			assert_int_equal(get(f, DR), 0xa5c3 & ((1u << bits) - 1));
		}
	set(f, SER, 0);
	set(f, SSIENR, 0);
	set(f, CTRLR0, 0x0800 | 7);
	set(f, SSIENR, 1);
	set(f, SER, 4); /* nobody there */
	set(f, DR, 0x77);
	assert_int_equal(get(f, DR), 0x77);
}

static void test_overflow(void **state)
{
	struct fixture *f = *state;

	configure(f, TR, 0, 8, 1);
	for (unsigned i = 0; i <= DW_SPI_DEPTH; i++)
		set(f, DR, i);
	assert_int_equal(get(f, RISR) & (TXO | TXE), TXO);
	assert_int_equal(get(f, TXOICR), 1);
	set(f, SER, 1);
	for (unsigned i = 0; i < 2; i++)
		set(f, DR, i);
	assert_int_equal(get(f, RISR) & RXO, RXO);
	assert_int_equal(get(f, RXOICR), 1);
	assert_int_equal(get(f, RXFLR), DW_SPI_DEPTH);
	get(f, DR);
	set(f, DR, 0);
	set(f, DR, 0);
	assert_int_equal(get(f, RISR) & RXO, RXO);
	assert_int_equal(get(f, ICR), 1);
	set(f, SSIENR, 0);
	assert_int_equal(get(f, RXFLR), 0);
	set(f, DR, 1); /* disabled */
	assert_int_equal(get(f, TXFLR), 0);
}

/* The select rises when its bit goes, or when software has seen that the controller is idle. */
static void test_select(void **state)
{
	struct fixture *f = *state;

	configure(f, TR, 0, 8, 1);
	set(f, SER, 8);
	assert_int_equal(f->far->n_ends, 0);
	set(f, DR, 1);
	assert_int_equal(get(f, SR) & SR_BUSY, SR_BUSY);
	assert_true(loop_turn(f->loop, 0) > 0);
	far_answer(f->far);
	assert_int_equal(f->far->n_ends, 0);
	assert_int_equal(get(f, SR) & SR_BUSY, 0);
	assert_int_equal(f->far->n_ends, 1);
	set(f, DR, 1);
	get(f, RXFLR);
	assert_true(loop_turn(f->loop, 0) > 0);
	far_answer(f->far);
	set(f, SER, 0);
	assert_int_equal(f->far->n_ends, 2);
}

/* A part whose select is a pin of somebody else's: the controller's own leaves it alone. */
static void test_pin(void **state)
{
	struct fixture *f = *state;
	struct spi_part *p;

	assert_int_equal(spi_shift_new(false, &p), 0);
	p->by_pin = true;
	assert_int_equal(dw_spi_attach(f->d, p, 2), 0);
	configure(f, TR, 0, 8, 1);
	set(f, SER, 4);
	set(f, DR, 0x11);
	assert_int_equal(get(f, DR), 0xff);
	dw_spi_pin(f->d, 1, true); /* of no part */
	set(f, DR, 0x22);
	assert_int_equal(get(f, DR), 0xff);
	dw_spi_pin(f->d, 2, true);
	set(f, DR, 0x33);
	assert_int_equal(get(f, DR), 0);
	assert_int_equal(get(f, SR) & SR_BUSY, 0); /* which lets the controller's own rise */
	set(f, DR, 0x44);
	assert_int_equal(get(f, DR), 0x33);
	set(f, DR, 0x55); /* waits, and goes out before the pin rises */
	dw_spi_pin(f->d, 2, false);
	assert_int_equal(get(f, DR), 0x44);
	set(f, DR, 0x66);
	assert_int_equal(get(f, DR), 0xff);
	dw_spi_pin(f->d, 2, true);
	set(f, DR, 0x77);
	assert_int_equal(get(f, DR), 0x55);
	f->far->part.by_pin = true; /* what another process plays cannot be */
	assert_int_equal(dw_spi_attach(f->d, &f->far->part, 0), -EINVAL);
	f->far->part.by_pin = false;
}

/* Frames that another process answers: what waits goes at once, and the guest may go away. */
static void test_bursts(void **state)
{
	struct fixture *f = *state;

	configure(f, TR, 2, 8, 1);
	for (unsigned i = 0; i < 20; i++)
		set(f, DR, i);
	set(f, IMR, RXF);
	set(f, RXFTLR, 19);
	set(f, SER, 8);
	assert_null(f->far->burst);
	assert_true(loop_turn(f->loop, 0) > 0);
	assert_int_equal(f->far->burst->n, 20);
	assert_int_equal(f->far->burst->mode, 2);
	assert_int_equal(f->far->burst->bits, 8);
	set(f, DR, 0xff); /* for the next one */
	assert_int_equal(f->wires.level, 0);
	far_answer(f->far);
	assert_int_equal(f->wires.level, 1);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(get(f, DR), i + 1);
	assert_true(loop_turn(f->loop, 0) > 0);
	far_answer(f->far);
	assert_int_equal(get(f, DR), 0); /* 0x100 in 8 bits */

	/* Given up while under way: what comes back belongs to nobody. */
	set(f, DR, 5);
	assert_true(loop_turn(f->loop, 0) > 0);
	set(f, SSIENR, 0);
	set(f, SSIENR, 1);
	set(f, DR, 9);
	far_answer(f->far);
	assert_int_equal(get(f, RXFLR), 0);
	assert_true(loop_turn(f->loop, 0) > 0);
	assert_int_equal(f->far->burst->data[0], 9);
	far_answer(f->far);
	assert_int_equal(get(f, DR), 10);

	/* And before it began. */
	set(f, DR, 5);
	set(f, SSIENR, 0);
	assert_true(loop_turn(f->loop, 0) > 0);
	assert_null(f->far->burst);
	assert_int_equal(get(f, SR) & SR_BUSY, 0);
}

/* A command, and what is fetched behind it, as far as there is room. */
static void test_burst_receiving(void **state)
{
	struct fixture *f = *state;

	configure(f, EEPROM, 0, 8, 40);
	set(f, DR, 0x10);
	set(f, DR, 0x20);
	set(f, SER, 8);
	get(f, RXFLR);
	assert_true(loop_turn(f->loop, 0) > 0);
	assert_int_equal(f->far->burst->n, DW_SPI_DEPTH);
	far_answer(f->far);
	assert_int_equal(get(f, RXFLR), DW_SPI_DEPTH - 2);
	for (unsigned n = 0; n < 40;) {
		if (get(f, RXFLR)) {
			assert_int_equal(get(f, DR), 1);
			n++;
		} else {
			assert_true(loop_turn(f->loop, 0) > 0);
			far_answer(f->far);
		}
	}
	if (f->far->burst)
		far_answer(f->far);
	assert_int_equal(get(f, RXFLR), 0);
	assert_int_equal(get(f, SR) & SR_BUSY, 0);
}

/* Any register, any value, any order: levels stay in their bounds, and the wire is as ISR says. */
static void test_hostile(void **state)
{
	struct fixture *f = *state;
	uint32_t seed = 7;

	for (unsigned n = 0; n < 50000; n++) {
		unsigned reg;

		seed = seed * 1664525 + 1013904223;
		reg = seed >> 20 & 0xfc;
		if (seed & 0x100)
			set(f, reg, seed >> 8 & (seed & 0x200 ? 0xff : 0xffffff));
		else
			get(f, reg);
		if (!(seed >> 28)) {
			(void)loop_turn(f->loop, 0);
			if (f->far->burst)
				far_answer(f->far);
		}
		assert_true(get(f, TXFLR) <= DW_SPI_DEPTH);
		assert_true(get(f, RXFLR) <= DW_SPI_DEPTH);
		assert_int_equal(f->wires.level, get(f, ISR) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_probe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_command, setup, teardown),
		cmocka_unit_test_setup_teardown(test_receiving, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_select, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bursts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_burst_receiving, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
