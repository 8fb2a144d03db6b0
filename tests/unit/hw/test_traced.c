/* SPDX-License-Identifier: MIT */
/* What the mailbox and the PLIC tell a trace: each message once for each core that it interrupts,
 * each claim that finds something, each completion that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bus/bus.h"
#include "hw/cv_mailbox.h"
#include "hw/plic.h"
#include "hw_test.h"
#include "lib/trace_file.h"

#define MAILBOX 0x1000u
#define PLIC    0x400000u

struct fixture {
	struct trace_file file;
	struct bus *bus;
	struct wires wires;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	trace_file_begin(&f->file);
	assert_int_equal(bus_new(&f->bus), 0);
}

static void end(struct fixture *f)
{
	trace_file_end(&f->file);
	bus_free(f->bus);
}

static void test_mailbox(void **state)
{
	struct cv_mailbox *m;
	struct cv_mailbox_config cfg = {.base = MAILBOX, .name[1] = "big", .name[2] = "small"};
	struct fixture f;

	begin(&f);
	cfg.bus = f.bus;
	cfg.trace = f.file.trace;
	for (unsigned i = 0; i < CV_MAILBOX_CORES; i++)
		cfg.irq[i] = wires_irq(&f.wires, i);
	assert_int_equal(cv_mailbox_new(&cfg, &m), 0);
	wr(f.bus, MAILBOX + 0x418, 8, 0x1122334455667788);
	wr(f.bus, MAILBOX + 0x60, 1, 8); /* nobody has it enabled */
	wr(f.bus, MAILBOX + 0, 1, 8);    /* a core without a name */
	wr(f.bus, MAILBOX + 4, 1, 8);
	wr(f.bus, MAILBOX + 8, 1, 9);
	wr(f.bus, MAILBOX + 0x60, 1, 8);
	wr(f.bus, MAILBOX + 0x30, 1, 9); /* only one of these is pending */
	wr(f.bus, MAILBOX + 0x30, 1, 9);
	cv_mailbox_free(m);
	end(&f);
	assert_string_equal(
		f.file.text,
		"\"mail\",\"to\":\"big\",\"channel\":3,\"data\":\"0x1122334455667788\"}\n"
		"\"mail\",\"to\":\"small\",\"channel\":3,"
		"\"data\":\"0x1122334455667788\"}\n"
		"\"line\",\"to\":\"big\",\"level\":1}\n"
		"\"line\",\"to\":\"small\",\"level\":1}\n"
		"\"taken\",\"of\":\"small\",\"channel\":3}\n"
		"\"line\",\"to\":\"small\",\"level\":0}\n");
}

static void test_plic(void **state)
{
	struct plic *p;
	struct fixture f;
	struct irq output;
	struct plic_config cfg = {.base = PLIC, .size = 0x201000, .n_sources = 40, .n_contexts = 1};

	begin(&f);
	output = wires_irq(&f.wires, 0);
	cfg.bus = f.bus;
	cfg.trace = f.file.trace;
	cfg.outputs = &output;
	assert_int_equal(plic_new(&cfg, &p), 0);
	wr(f.bus, PLIC + 4 * 40, 4, 1);
	wr(f.bus, PLIC + 0x2004, 4, 1u << 8);
	irq_set(plic_irq(p, 40), true);
	assert_int_equal(rd(f.bus, PLIC + 0x200004, 4), 40);
	assert_int_equal(rd(f.bus, PLIC + 0x200004, 4), 0);
	wr(f.bus, PLIC + 0x200004, 4, 39);
	wr(f.bus, PLIC + 0x200004, 4, 40);
	plic_free(p);
	end(&f);
	assert_string_equal(f.file.text, "\"claim\",\"source\":40}\n\"complete\",\"source\":40}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_plic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
