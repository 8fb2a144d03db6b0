/* SPDX-License-Identifier: MIT */
/* Packets: what comes in, byte by byte, and what goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "debug/packet.h"

struct pair {
	struct gdb_parser in;
	struct gdb_output out;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct pair));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Of the last byte; those before give nothing. */
static enum gdb_input feed(struct gdb_parser *p, const char *text, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		assert_int_equal(gdb_parse(p, (uint8_t)text[i]), GDB_INPUT_MORE);
	return gdb_parse(p, (uint8_t)text[n - 1]);
}

static void expect(struct gdb_parser *p, const char *text, enum gdb_input what)
{
	assert_int_equal(feed(p, text, strlen(text)), what);
}

static void packets(void **state)
{
	struct gdb_parser *p = &((struct pair *)*state)->in;

	expect(p, "$g#67", GDB_INPUT_PACKET);
	assert_string_equal(p->data, "g");
	expect(p, "$#00", GDB_INPUT_PACKET);
	assert_int_equal(p->len, 0);
	expect(p, "noise$m0,4#FD", GDB_INPUT_PACKET); /* digits of either case */
	assert_string_equal(p->data, "m0,4");
	expect(p, "+", GDB_INPUT_ACK);
	expect(p, "-", GDB_INPUT_NAK);
	expect(p, "\x03", GDB_INPUT_INTERRUPT);
}

static void binary(void **state)
{
	struct gdb_parser *p = &((struct pair *)*state)->in;
	const char text[] = "$X\0}\x03}\x5d\x03\xff#b4";

	assert_int_equal(feed(p, text, sizeof(text) - 1), GDB_INPUT_PACKET);
	assert_int_equal(p->len, 6);
	assert_memory_equal(p->data, "X\0#}\x03\xff", 6);
}

static void broken(void **state)
{
	struct gdb_parser *p = &((struct pair *)*state)->in;

	expect(p, "$g#68", GDB_INPUT_BAD);
	expect(p, "$g#6x", GDB_INPUT_BAD);
	expect(p, "$g#x7", GDB_INPUT_BAD);
	expect(p, "$m80$g#67", GDB_INPUT_PACKET); /* one that was given up */
	assert_string_equal(p->data, "g");
}

static void bounds(void **state)
{
	struct gdb_parser *p = &((struct pair *)*state)->in;

	for (unsigned extra = 0; extra <= 100000; extra = extra ? 10 * extra : 1) {
		gdb_parse(p, '$');
		for (unsigned i = 0; i < GDB_PACKET_MAX + extra; i++)
			assert_int_equal(gdb_parse(p, '\0'), GDB_INPUT_MORE);
		expect(p, "#00", extra ? GDB_INPUT_TOO_LONG : GDB_INPUT_PACKET);
	}
	expect(p, "$g#67", GDB_INPUT_PACKET);
}

static void expect_output(struct gdb_output *o, const char *text)
{
	assert_int_equal(o->len - o->sent, strlen(text));
	assert_memory_equal(o->buf + o->sent, text, strlen(text));
	o->sent = o->len;
}

static void output(void **state)
{
	struct gdb_output *o = &((struct pair *)*state)->out;

	gdb_put_raw(o, '+');
	gdb_begin(o);
	gdb_put_text(o, "T05");
	gdb_put_number(o, 0);
	gdb_put_number(o, 0x1fful << 56);
	gdb_put_hex(o, "\x01\xfe", 2);
	gdb_end(o);
	expect_output(o, "+$T050ff0000000000000001fe#81");
	gdb_again(o);
	expect_output(o, "$T050ff0000000000000001fe#81");
	gdb_begin(o);
	gdb_put_bytes(o, "a$#}*", 5);
	gdb_end(o);
	expect_output(o, "$a}\x04}\x03}]}\x0a#c3");
}

static void output_bounds(void **state)
{
	struct gdb_output *o = &((struct pair *)*state)->out;

	gdb_begin(o);
	for (unsigned i = 0; i < 3 * GDB_PACKET_MAX; i++)
		gdb_put_text(o, "$");
	gdb_end(o);
	assert_true(o->len <= sizeof(o->buf));
	assert_int_equal(o->buf[o->len - 3], '#');
}

static void numbers(void **state)
{
	const char *p = "8000fFff,";
	uint8_t bytes[2];
	uint64_t n;

	assert_true(gdb_get_number(&p, &n));
	assert_int_equal(n, 0x8000ffff);
	assert_int_equal(*p, ',');
	assert_false(gdb_get_number(&p, &n));
	p = "10000000000000000";
	assert_false(gdb_get_number(&p, &n));
	p = "01fex";
	assert_true(gdb_get_bytes(&p, bytes, 2));
	assert_memory_equal(bytes, "\x01\xfe", 2);
	assert_false(gdb_get_bytes(&p, bytes, 1));
	p = "0";
	assert_false(gdb_get_bytes(&p, bytes, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets, setup, teardown),
		cmocka_unit_test_setup_teardown(binary, setup, teardown),
		cmocka_unit_test_setup_teardown(broken, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(output, setup, teardown),
		cmocka_unit_test_setup_teardown(output_bounds, setup, teardown),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
