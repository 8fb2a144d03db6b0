/* SPDX-License-Identifier: MIT */
/* The wires of an SPI bus, and the small parts: clocks, modes, chains, sharing, contention. */
#include "hw_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bits.h"
#include "hw/spi_bus.h"
#include "hw/spi_flash.h"
#include "hw/spi_parts.h"

static int setup(void **state)
{
	struct spi_bus *b = calloc(1, sizeof(*b));

	spi_bus_init(b, "spi 7");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	spi_bus_fini(*state);
	free(*state);
	return 0;
}

static struct spi_part *attach(struct spi_bus *b, struct spi_part *p, unsigned select)
{
	assert_int_equal(spi_bus_attach(b, p, select), 0);
	return p;
}

static struct spi_part *add_adc(struct spi_bus *b, unsigned select)
{
	struct spi_part *p;

	assert_int_equal(spi_adc_new(&p), 0);
	return attach(b, p, select);
}

static struct spi_part *add_shift(struct spi_bus *b, unsigned select, bool chained)
{
	struct spi_part *p;

	assert_int_equal(spi_shift_new(false, &p), 0);
	p->chained = chained;
	return attach(b, p, select);
}

static struct spi_part *add_expander(struct spi_bus *b, unsigned select, unsigned address)
{
	struct spi_part *p;

	assert_int_equal(spi_expander_new(address, false, &p), 0);
	return attach(b, p, select);
}

/* One select's worth of bytes, out and in at the same place. */
static void transfer(struct spi_bus *b, unsigned select, unsigned mode, uint8_t *data, unsigned n)
{
	spi_bus_idle(b, mode);
	spi_bus_select(b, 1u << select);
	for (unsigned i = 0; i < n; i++)
		data[i] = (uint8_t)spi_bus_frame(b, mode, 8, data[i]);
	spi_bus_select(b, 0);
}

static unsigned adc_value(struct spi_bus *b, unsigned select, unsigned mode, unsigned channel)
{
	uint8_t data[3] = {(uint8_t)(0x60 | channel << 2)};

	transfer(b, select, mode, data, sizeof(data));
	return (unsigned)data[1] << 4 | data[2] >> 4;
}

/* What standard error holds after fn. */
static void stderr_of(void (*fn)(struct spi_bus *b), struct spi_bus *b, char *text, size_t size)
{
	FILE *f = tmpfile();
	int old = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(f);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	fn(b);
	assert_true(dup2(old, STDERR_FILENO) >= 0);
	close(old);
	rewind(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	(void)fclose(f);
}

/* Nobody drives: pulled up. A wire gives back what it gets, in each mode and length. */
static void test_wires(void **state)
{
	struct spi_bus *b = *state;
	struct spi_part *p;

	assert_int_equal(spi_loopback_new(&p), 0);
	attach(b, p, 2);
	assert_int_equal(spi_bus_frame(b, 0, 8, 0x00), 0xff);
	for (unsigned mode = 0; mode < 4; mode++) {
		spi_bus_idle(b, mode);
		spi_bus_select(b, 1 << 2);
		for (unsigned bits = 1; bits <= 16; bits++)
			assert_int_equal(spi_bus_frame(b, mode, bits, 0xa53c),
					 0xa53c & ((1 << bits) - 1));
		spi_bus_select(b, 1 << 1);
		assert_int_equal(spi_bus_frame(b, mode, 8, 0x5a), 0xff);
		spi_bus_select(b, 0);
	}
}

/* The data sheet's conversion; the signal is a function of channel and count. */
static void test_adc(void **state)
{
	struct spi_bus *b = *state;
	uint8_t late[4] = {0x01, 0x80 | 3 << 4, 0, 0}, pair[3] = {0x40 | 5 << 2};

	add_adc(b, 0);
	for (unsigned n = 0; n < 300; n++)
		for (unsigned c = 0; c < 8; c++)
			assert_int_equal(adc_value(b, 0, n & 1 ? 3 : 0, c),
					 (512 * c + 16 * (c + 1) * n) % 4096);
	/* The start bit may come at any clock: here the bits come two later than above. */
	transfer(b, 0, 0, late, sizeof(late));
	assert_int_equal((late[1] & 3) << 10 | late[2] << 2 | late[3] >> 6,
			 (512 * 3 + 16 * 4 * 300) % 4096);
	/* 5 less 4, each at its 300th. */
	transfer(b, 0, 0, pair, sizeof(pair));
	assert_int_equal(pair[1] << 4 | pair[2] >> 4,
			 (512 * 5 + 16 * 6 * 300) % 4096 - (512 * 4 + 16 * 5 * 300) % 4096);
}

/* In modes 1 and 2 this part samples where the controller changes: bits arrive one late. */
static void test_wrong_mode(void **state)
{
	struct spi_bus *b = *state;
	struct spi_part *p = add_shift(b, 0, false);
	uint8_t data[2] = {0xa5, 0x3c};

	transfer(b, 0, 0, data, 2);
	assert_int_equal(data[1], 0xa5);
	data[0] = 0;
	transfer(b, 0, 0, data, 1);
	assert_int_equal(data[0], 0x3c);

	/* Mode 1, from MOSI at 0: what is taken at a rising edge is the bit before. */
	data[0] = 0xa5;
	transfer(b, 0, 1, data, 1);
	data[0] = 0;
	transfer(b, 0, 0, data, 1);
	assert_int_equal(data[0], 0xa5 >> 1);
	/* The same part made for the other edge. */
	p->falling = true;
	for (unsigned mode = 1; mode <= 2; mode++) {
		data[0] = 0x96;
		transfer(b, 0, mode, data, 1);
		data[0] = 0;
		transfer(b, 0, mode, data, 1);
		assert_int_equal(data[0], 0x96);
	}
}

/* Three registers in a row are one of 24 bits; the last one alone drives MISO. */
static void test_chain(void **state)
{
	struct spi_bus *b = *state;
	uint8_t out[3] = {0x12, 0x34, 0x56}, in[3] = {0};
	struct spi_part *p;

	assert_int_equal(spi_shift_new(false, &p), 0);
	p->chained = true;
	assert_int_equal(spi_bus_attach(b, p, 0), -EINVAL);
	p->ops->free(p);
	add_shift(b, 1, false);
	add_shift(b, 1, true);
	add_shift(b, 1, true);
	transfer(b, 1, 0, out, 3);
	transfer(b, 1, 3, in, 3);
	assert_int_equal(in[0], 0x12);
	assert_int_equal(in[1], 0x34);
	assert_int_equal(in[2], 0x56);
}

static uint8_t expander(struct spi_bus *b, unsigned address, bool read, uint8_t reg, uint8_t value)
{
	uint8_t data[3] = {(uint8_t)(0x40 | address << 1 | read), reg, value};

	transfer(b, 0, 0, data, 3);
	return data[2];
}

/* Four on a select: the one that is called answers, and the others let go. */
static void test_addressing(void **state)
{
	struct spi_bus *b = *state;

	for (unsigned i = 0; i < 3; i++)
		add_expander(b, 0, i);
	for (unsigned i = 0; i < 3; i++) {
		expander(b, i, false, 0, 0x0f); /* IODIR: the upper are outputs */
		expander(b, i, false, 9, (uint8_t)(0x55 + 16 * i)); /* GPIO */
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(expander(b, i, true, 0, 0), 0x0f);
		assert_int_equal(expander(b, i, true, 9, 0), (0x55 + 16 * i) & 0xf0);
		assert_int_equal(expander(b, i, true, 10, 0), 0x55 + 16 * i);
	}
	assert_int_equal(expander(b, 3, true, 0, 0), 0xff); /* nobody */
	expander(b, 1, false, 6, 0x05);                     /* GPPU */
	assert_int_equal(expander(b, 1, true, 9, 0), 0x65);
	expander(b, 1, false, 1, 0x01); /* IPOL */
	assert_int_equal(expander(b, 1, true, 9, 0), 0x64);
	expander(b, 1, false, 7, 0xff); /* INTF is not for writing */
	assert_int_equal(expander(b, 1, true, 7, 0), 0);
}

static void read_both(struct spi_bus *b)
{
	uint8_t data[3] = {0x60};

	spi_bus_idle(b, 0);
	spi_bus_select(b, 3);
	for (unsigned i = 0; i < 3; i++)
		data[i] = (uint8_t)spi_bus_frame(b, 0, 8, data[i]);
	spi_bus_select(b, 0);
	/* 64 and 0: the 0 wins. */
	assert_int_equal(data[1] << 4 | data[2] >> 4, 0);
}

/* Two that drive against each other are named, once a frame. */
static void test_contention(void **state)
{
	struct spi_bus *b = *state;
	char text[512];

	add_adc(b, 0);
	add_adc(b, 1);
	for (unsigned n = 0; n < 4; n++)
		adc_value(b, 0, 0, 0);
	stderr_of(read_both, b, text, sizeof(text));
	assert_string_equal(text, "linnet: spi 7: contention on MISO: adc (select 0) drives 1, adc "
				  "(select 1) 0\n");
}

/* 3-wire: until the part drives, the controller reads what it sends itself. */
static void test_joined(void **state)
{
	struct spi_bus *b = *state;
	uint8_t data[3] = {0x60, 0xff, 0xff};

	add_adc(b, 0)->joined = true;
	transfer(b, 0, 0, data, 3);
	assert_int_equal(data[0], 0x60);
	assert_int_equal(data[1] << 4 | data[2] >> 4, 0);
}

/* ---- bytes at once, and by edges ---- */

static void add_flash(struct spi_bus *b, const char *path)
{
	struct spi_part *p;

	assert_int_equal(spi_flash_new("--spi 0:0=flash", path, false, &p, NULL), 0);
	attach(b, p, 0);
}

static void make_file(char *path)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 65536), 0);
	close(fd);
}

/* The same frames, of any length and mode, give the same both ways. */
static void test_exact(void **state)
{
	static const uint8_t codes[] = {0x03, 0x0b, 0x9f, 0x05, 0x06, 0x02, 0x20, 0x5a, 0x90};
	char path[2][32] = {"/tmp/test_spi_XXXXXX", "/tmp/test_spi_XXXXXX"};
	struct spi_bus b[2];
	uint32_t seed = 1;

	for (unsigned i = 0; i < 2; i++) {
		make_file(path[i]);
		spi_bus_init(&b[i], "spi");
		add_flash(&b[i], path[i]);
		b[i].exact = i;
	}
	for (unsigned n = 0; n < 20000; n++) {
		unsigned what, mode, bits;
		uint16_t tx, rx;

		seed = seed * 1664525 + 1013904223;
		what = seed >> 28;
		mode = what == 9 ? seed >> 10 & 3 : seed >> 10 & 1 ? 3 : 0;
		bits = what == 8 ? 1 + (seed >> 12 & 15) : what & 4 ? 16 : 8;
		tx = what < 3 ? codes[(seed >> 8) % ARRAY_SIZE(codes)]
			      : (uint16_t)(seed >> 14 & 0xf0f);
		for (unsigned i = 0; i < 2 && what < 3; i++) {
			spi_bus_select(&b[i], 0);
			spi_bus_idle(&b[i], mode);
			spi_bus_select(&b[i], 1);
		}
		rx = spi_bus_frame(&b[0], mode, what < 3 ? 8 : bits, tx);
		assert_int_equal(spi_bus_frame(&b[1], mode, what < 3 ? 8 : bits, tx), rx);
	}
	for (unsigned i = 0; i < 2; i++) {
		spi_bus_fini(&b[i]);
		unlink(path[i]);
	}
}

static void test_full(void **state)
{
	struct spi_bus *b = *state;
	struct spi_part *p;

	for (unsigned i = 0; i < SPI_MAX_PARTS; i++)
		add_expander(b, i % SPI_SELECTS, 0);
	assert_int_equal(spi_adc_new(&p), 0);
	assert_int_equal(spi_bus_attach(b, p, 0), -ENOSPC);
	p->ops->free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wires, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adc, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addressing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contention, setup, teardown),
		cmocka_unit_test_setup_teardown(test_joined, setup, teardown),
		cmocka_unit_test(test_exact),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
