/* SPDX-License-Identifier: MIT */
/* The UART as a driver sees it, on a stream in memory and a loop whose time the test moves. */
#include "hw_test.h"

#include "backend/chr.h"
#include "base/bits.h"
#include "base/loop.h"
#include "hw/uart8250.h"

#define BASE 0x10000000u

enum { THR = 0, RBR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

/* A stream that takes `room` bytes and keeps what it took; sends what the test puts into `in`. */
struct stream {
	struct chr chr;
	char out[65536];
	size_t n_out, room;
	unsigned n_writes;
	bool broken, wants;
	const char *in;
};

struct fixture {
	struct bus *bus;
	struct loop *loop;
	struct uart8250 *u;
	struct wires wires;
	struct stream s;
	uint64_t now;
	char tap[65536];
	size_t n_tap;
	unsigned n_flushed;
};

static ssize_t stream_write(struct chr *c, const uint8_t *buf, size_t len)
{
	struct stream *s = container_of(c, struct stream, chr);

	if (s->broken)
		return -EPIPE;
	s->n_writes++;
	len = min_u64(len, s->room);
	memcpy(s->out + s->n_out, buf, len);
	s->n_out += len;
	s->room -= len;
	return (ssize_t)len;
}

static void stream_want(struct chr *c, bool want)
{
	container_of(c, struct stream, chr)->wants = want;
}

static const struct chr_ops stream_ops = {.write = stream_write, .want_input = stream_want};

static void tap(void *arg, const uint8_t *buf, size_t len)
{
	struct fixture *f = arg;

	memcpy(f->tap + f->n_tap, buf, len);
	f->n_tap += len;
}

static uint64_t clock_now(void *arg)
{
	return ((struct fixture *)arg)->now;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct uart8250_config cfg = {.base = BASE, .tap = tap, .tap_arg = f};

	*state = f;
	f->s.chr.ops = &stream_ops;
	f->s.room = sizeof(f->s.out);
	f->s.in = "";
	if (bus_new(&f->bus) || loop_new(&f->loop))
		return -1;
	loop_set_clock(f->loop, clock_now, f);
	cfg.bus = f->bus;
	cfg.loop = f->loop;
	cfg.chr = &f->s.chr;
	cfg.irq = wires_irq(&f->wires, 0);
	return uart8250_new(&cfg, &f->u);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	uart8250_free(f->u);
	if (f->s.chr.user_ops || f->s.wants)
		return -1; /* it let go of the stream */
	bus_free(f->bus);
	loop_free(f->loop);
	free(f);
	return 0;
}

static uint8_t in(struct fixture *f, unsigned reg)
{
	return (uint8_t)rd(f->bus, BASE + reg, 1);
}

static void out(struct fixture *f, unsigned reg, unsigned v)
{
	wr(f->bus, BASE + reg, 1, v);
}

static void print(struct fixture *f, const char *text)
{
	for (; *text; text++) {
		assert_int_equal(in(f, LSR) & 0x60, 0x60);
		out(f, THR, (uint8_t)*text);
	}
}

/* What the loop does by itself, with the stream's input. */
static void turn(struct fixture *f)
{
	while (loop_turn(f->loop, 0) > 0)
		continue;
	while (f->s.wants && *f->s.in) {
		size_t len = strlen(f->s.in);
		size_t n = f->s.chr.user_ops->input(f->s.chr.user, (const uint8_t *)f->s.in, len);

		f->s.in += n;
		f->s.wants = n == len;
	}
}

static void tick(struct fixture *f)
{
	f->now += 1000000;
	turn(f);
}

static void assert_out(struct fixture *f, const char *text)
{
	assert_int_equal(f->s.n_out, strlen(text));
	assert_memory_equal(f->s.out, text, strlen(text));
}

static void test_scratch_and_divisor(void **state)
{
	struct fixture *f = *state;

	out(f, SCR, 0xa5);
	assert_int_equal(in(f, SCR), 0xa5);
	out(f, IER, 0xff);
	assert_int_equal(in(f, IER), 0x0f); /* as autoconfiguration expects */
	out(f, IER, 0);
	out(f, LCR, 0x83);
	out(f, 0, 0x12);
	out(f, 1, 0x34);
	assert_int_equal(in(f, 0), 0x12);
	assert_int_equal(in(f, 1), 0x34);
	out(f, LCR, 3);
	assert_int_equal(in(f, LCR), 3);
	assert_int_equal(in(f, IER), 0);
	turn(f);
	assert_out(f, ""); /* the divisor was not sent */
	assert_int_equal(rd(f->bus, BASE + 8, 1), 0);
	wr(f->bus, BASE + 8, 1, 1);
	/* 16550A: both FIFO bits only while FIFOs are on. */
	assert_int_equal(in(f, IIR), 0x01);
	out(f, FCR, 1);
	assert_int_equal(in(f, IIR), 0xc1);
}

static void test_loopback(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(in(f, MSR), 0xb0);
	out(f, MCR, 0x1a); /* loop, OUT2, RTS */
	assert_int_equal(in(f, MSR) & 0xf0, 0x90);
	assert_int_equal(in(f, MSR) & 0x0f, 0); /* deltas are read once */
	out(f, IER, 8);
	assert_int_equal(in(f, IIR), 1);
	out(f, MCR, 0x11); /* DTR on, the others off */
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(in(f, IIR), 0);
	assert_int_equal(in(f, MSR), 0x20 | 0x0b);
	assert_int_equal(in(f, IIR), 1);
	out(f, MCR, 0x14);
	out(f, MCR, 0x10); /* RI goes off */
	assert_int_equal(in(f, MSR) & 4, 4);

	out(f, IER, 5);
	out(f, FCR, 1);
	for (unsigned i = 0; i < 17; i++)
		out(f, THR, 'a' + i);
	assert_int_equal(in(f, IIR), 0xc6); /* overrun */
	assert_int_equal(in(f, LSR), 0x63);
	assert_int_equal(in(f, LSR), 0x61);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(in(f, RBR), 'a' + i);
	assert_int_equal(in(f, RBR), 0);
	assert_int_equal(in(f, IIR), 0xc1);
	turn(f);
	assert_out(f, "");
}

static void test_output_is_gathered(void **state)
{
	struct fixture *f = *state;

	print(f, "a");
	turn(f);
	assert_out(f, "a"); /* the first at once */
	print(f, "bc");
	turn(f);
	assert_out(f, "a");
	print(f, "d");
	tick(f);
	assert_out(f, "abcd");
	assert_int_equal(f->s.n_writes, 2);
	tick(f); /* nothing came: it stops looking */
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX);
	assert_int_equal(loop_turn(f->loop, 0), 0);
	print(f, "e");
	turn(f);
	assert_out(f, "abcde");
	assert_int_equal(f->n_tap, 5);
	assert_memory_equal(f->tap, "abcde", 5);
	assert_int_equal(counter_read(&uart8250_stats(f->u)->sent), 5);
}

static void test_transmit_interrupt(void **state)
{
	struct fixture *f = *state;

	out(f, IER, 2);
	assert_int_equal(f->wires.level, 1); /* enabling it while empty raises it */
	assert_int_equal(in(f, IIR), 2);
	assert_int_equal(f->wires.level, 0); /* reading it lowers it */
	assert_int_equal(in(f, IIR), 1);
	out(f, IER, 2);
	assert_int_equal(in(f, IIR), 1); /* it was enabled already */
	out(f, IER, 0);
	out(f, IER, 2);
	assert_int_equal(in(f, IIR), 2);
	out(f, THR, 'x');
	assert_int_equal(in(f, IIR), 2);
}

static void writable(struct fixture *f, size_t room)
{
	f->s.room = room;
	f->s.chr.user_ops->writable(f->s.chr.user);
	turn(f);
}

/* A stream that takes nothing: the transmitter fills up, and no character is lost. */
static void test_stuck_stream(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	f->s.room = 10;
	while (in(f, LSR) & 0x20) {
		for (unsigned i = 0; i < 16; i++)
			out(f, THR, (uint8_t)(n++ * 7));
		turn(f);
		assert_in_range(n, 1, 20000);
	}
	assert_in_range(n, 4096, 20000);
	assert_int_equal(in(f, LSR), 0);
	for (unsigned i = 0; i < 15; i++) {
		tick(f);
		assert_int_equal(in(f, LSR), 0);
	}
	out(f, IER, 2);
	assert_int_equal(in(f, IIR), 1);
	assert_int_equal(f->s.n_out, 10);
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX); /* waits to be told */
	uart8250_debug_write(f->u, (const uint8_t *)"0123456789abcdefXYZ", 16);

	writable(f, 5);
	assert_int_equal(f->s.n_out, 15);
	writable(f, sizeof(f->s.out) - 15);
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(in(f, IIR), 2);
	assert_int_equal(in(f, LSR), 0x60);
	assert_true(f->s.n_out >= n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal((uint8_t)f->s.out[i], (uint8_t)(i * 7));
	assert_int_equal(f->n_tap, f->s.n_out);
	assert_memory_equal(f->tap, f->s.out, f->n_tap);
}

static void test_broken_stream(void **state)
{
	struct fixture *f = *state;

	f->s.room = 0;
	print(f, "abc");
	turn(f);
	f->s.broken = true;
	writable(f, 0);
	for (unsigned i = 0; i < 2000; i++) {
		print(f, "0123456789");
		tick(f);
	}
	assert_int_equal(f->s.n_out, 0);
	assert_int_equal(f->n_tap, 20003);
}

static void test_debug_write(void **state)
{
	struct fixture *f = *state;
	static const uint8_t big[20000];
	size_t n;

	print(f, "a");
	assert_int_equal(uart8250_debug_write(f->u, (const uint8_t *)"bcd", 3), 3);
	print(f, "e");
	turn(f);
	assert_out(f, "abcde");
	n = uart8250_debug_write(f->u, big, sizeof(big));
	assert_in_range(n, 4096, sizeof(big) - 1);
	assert_int_equal(uart8250_debug_write(f->u, big, 1), 0);
	tick(f);
	assert_int_equal(f->s.n_out, 5 + n);
	assert_int_equal(uart8250_debug_write(f->u, big, 1), 1);
}

static void flushed(void *arg)
{
	((struct fixture *)arg)->n_flushed++;
}

static void test_flush(void **state)
{
	struct fixture *f = *state;

	uart8250_flush(f->u, flushed, f);
	assert_int_equal(f->n_flushed, 0);
	turn(f);
	assert_int_equal(f->n_flushed, 1);

	f->s.room = 2;
	print(f, "last words");
	uart8250_flush(f->u, flushed, f);
	tick(f);
	assert_int_equal(f->n_flushed, 1);
	writable(f, 100);
	assert_int_equal(f->n_flushed, 2);
	assert_out(f, "last words");
	tick(f);
	assert_int_equal(f->n_flushed, 2);
}

static void test_input(void **state)
{
	struct fixture *f = *state;

	f->s.in = "0123456789abcdefghijklmnop";
	turn(f);
	/* A driver's start: it clears the FIFO and reads what it may hold; nothing is lost. */
	out(f, FCR, 1);
	out(f, FCR, 7);
	out(f, FCR, 0);
	(void)in(f, LSR);
	(void)in(f, RBR);
	turn(f);
	assert_int_equal(f->wires.level, 0);
	out(f, IER, 5);
	turn(f);
	out(f, FCR, 0x81); /* trigger at 8 */
	assert_int_equal(f->wires.level, 1);
	turn(f);
	for (unsigned i = 0; i < 26; i++) {
		assert_int_equal(f->wires.level, 1);
		assert_int_equal(in(f, LSR) & 1, 1);
		assert_int_equal(in(f, RBR), "0123456789abcdefghijklmnop"[i]);
		turn(f);
	}
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(in(f, LSR) & 1, 0);

	f->s.in = "1234567";
	turn(f);
	assert_int_equal(in(f, IIR), 0xcc); /* below the trigger: a time-out */
	f->s.in = "8";
	turn(f);
	assert_int_equal(in(f, IIR), 0xc4);
	/* A console driver turns interrupts off for a while; that stops no input. */
	out(f, IER, 0);
	assert_int_equal(f->wires.level, 0);
	f->s.in = "9";
	turn(f);
	out(f, IER, 5);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(in(f, RBR), "123456789"[i]);
	assert_int_equal(counter_read(&uart8250_stats(f->u)->received), 26 + 9);
}

static void test_polled_input(void **state)
{
	struct fixture *f = *state;
	unsigned polls;

	f->s.in = "xy";
	turn(f);
	for (polls = 0; polls < 1000 && !(in(f, LSR) & 1); polls++)
		turn(f);
	assert_in_range(polls, 10, 999);
	assert_int_equal(in(f, RBR), 'x');
	turn(f);
	assert_int_equal(in(f, LSR) & 1, 1);
	assert_int_equal(in(f, RBR), 'y');
}

static void test_no_input_in_loopback(void **state)
{
	struct fixture *f = *state;

	out(f, IER, 1);
	out(f, MCR, 0x10);
	f->s.in = "x";
	turn(f);
	assert_int_equal(in(f, LSR) & 1, 0);
	out(f, MCR, 0);
	turn(f);
	assert_int_equal(in(f, RBR), 'x');
}

static void test_reset(void **state)
{
	struct fixture *f = *state;

	out(f, IER, 7);
	out(f, LCR, 0x83);
	f->s.in = "abc";
	turn(f);
	uart8250_debug_write(f->u, (const uint8_t *)"tail", 4);
	uart8250_reset(f->u);
	assert_false(f->s.wants);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(in(f, IER), 0);
	assert_int_equal(in(f, LCR), 0);
	assert_int_equal(in(f, LSR), 0x60);
	tick(f);
	assert_out(f, "tail");
	f->s.in = "d";
	out(f, IER, 1);
	turn(f);
	assert_int_equal(in(f, RBR), 'd');
}

static void test_without_stream(void **state)
{
	struct fixture *f = *state;
	struct uart8250_config cfg = {
		.bus = f->bus, .base = 0x20000000, .loop = f->loop, .tap = tap, .tap_arg = f};
	struct uart8250 *u;

	assert_int_equal(uart8250_new(&cfg, &u), 0);
	wr(f->bus, 0x20000001, 1, 1);
	wr(f->bus, 0x20000000, 1, 'x');
	turn(f);
	assert_int_equal(f->n_tap, 1);
	uart8250_reset(u);
	uart8250_free(u);
	uart8250_free(NULL);
	cfg.base = BASE;
	assert_int_equal(uart8250_new(&cfg, &u), -EEXIST);
}

/* DesignWare's: registers four bytes apart, and a status of its own. */
static void test_designware(void **state)
{
	struct fixture *f = *state;
	const struct uart8250_config cfg = {
		.bus = f->bus, .base = BASE + 0x1000, .reg_shift = 2, .loop = f->loop};
	struct uart8250 *u;

	assert_int_equal(uart8250_new(&cfg, &u), 0);
	wr(f->bus, cfg.base + 7 * 4, 4, 0x5a);
	assert_int_equal(rd(f->bus, cfg.base + 7 * 4, 4), 0x5a);
	assert_int_equal(rd(f->bus, cfg.base + 5 * 4, 4), 0x60);
	assert_int_equal(rd(f->bus, cfg.base + 0x7c, 4), 0x06);
	wr(f->bus, cfg.base + 4 * 4, 4, 0x10); /* loop back */
	wr(f->bus, cfg.base, 4, 'x');
	assert_int_equal(rd(f->bus, cfg.base + 0x7c, 4), 0x0e);
	assert_int_equal(rd(f->bus, cfg.base, 4), 'x');
	assert_int_equal(rd(f->bus, cfg.base + 0xf8, 4), 0); /* no version: nothing more */
	uart8250_free(u);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_scratch_and_divisor),
		TEST(test_loopback),
		TEST(test_designware),
		TEST(test_output_is_gathered),
		TEST(test_transmit_interrupt),
		TEST(test_stuck_stream),
		TEST(test_broken_stream),
		TEST(test_debug_write),
		TEST(test_flush),
		TEST(test_input),
		TEST(test_polled_input),
		TEST(test_no_input_in_loopback),
		TEST(test_reset),
		TEST(test_without_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
