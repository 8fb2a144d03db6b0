/* SPDX-License-Identifier: MIT */
/* Conversations with a machine of two harts: what is asked, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "session_rig.h"

#define CTRL_C "\x03"

static int setup(void **state)
{
	*state = session_rig_new(false);
	return 0;
}

static int setup_wait(void **state)
{
	*state = session_rig_new(true);
	return 0;
}

static int teardown(void **state)
{
	session_rig_free(*state);
	return 0;
}

static void expect(struct session_rig *r, const char *ask, const char *answer)
{
	assert_string_equal(session_rig_ask(r, ask), answer);
}

static void expect_begin(struct session_rig *r, const char *ask, const char *answer)
{
	const char *seen = session_rig_ask(r, ask);

	if (strncmp(seen, answer, strlen(answer)) != 0)
		assert_string_equal(seen, answer);
}

/* Whoever says nothing stops nothing. */
static void first_word(void **state)
{
	struct session_rig *r = *state;

	session_rig_send(r, "+++" CTRL_C "hello", 9, 5);
	assert_int_equal(r->turns, 10);
	expect_begin(r, "?", " + T05thread:1;");
	session_rig_send(r, "", 0, 5);
	assert_int_equal(r->turns, 10);
}

static void registers(void **state)
{
	struct session_rig *r = *state;

	expect_begin(r, "?", " + T05thread:1;");
	expect(r, "p1f", " + 0000000000000000");
	expect(r, "P1f=efbeadde00000000", " + OK");
	expect(r, "p1f", " + efbeadde00000000");
	expect(r, "P21=0102030405060708", " + OK"); /* ft0 */
	expect(r, "p21", " + 0102030405060708");
	expect(r, "p381", " + 0000000000000000"); /* mscratch: 65 + 0x340 */
	expect(r, "P381=1111111111111111", " + OK");
	expect(r, "p381", " + 1111111111111111");
	expect(r, "p44", " + 00000000");               /* fcsr */
	expect(r, "p1041", " + 0300000000000000");     /* priv */
	expect(r, "P1041=0200000000000000", " + E16"); /* there is none */
	expect(r, "P1041=0100000000000000", " + OK");
	expect(r, "p1042", " + E16");
	expect(r, "pffffffff", " + E16");
	expect(r, "p", " + E16");
	expect(r, "P1f=12", " + E16");
	expect(r, "Pf55=0000000000000000", " + E01"); /* mhartid */
	assert_int_equal(strlen(session_rig_ask(r, "g")), 3 + 33 * 16);
	expect(r, "G00", " + E16");
}

static void all_registers(void **state)
{
	struct session_rig *r = *state;
	char text[3 + 33 * 16] = "G";

	for (unsigned i = 0; i < 33; i++)
		snprintf(text + 1 + 16 * i, 17, "%02x00000080000000", i & ~1u);
	expect(r, text, " + OK");
	expect(r, "p0", " + 0000000000000000"); /* x0 */
	expect(r, "p5", " + 0400000080000000");
	expect(r, "p20", " + 2000000080000000");
}

static void memory(void **state)
{
	struct session_rig *r = *state;

	expect(r, "m80000004,4", " + 93831300");
	expect(r, "M80002000,3:0a0b0c", " + OK");
	expect(r, "m80001fff,5", " + 000a0b0c00");
	expect(r, "m8000fffe,8", " + 0000"); /* to the end of memory */
	expect(r, "m80010000,1", " + E0e");
	expect(r, "mffffffffffffffff,2", " + E0e");
	expect(r, "M8000ffff,2:0102", " + E0e");
	expect(r, "M80002000,3:0a0b", " + E16");
	expect(r, "m80002000", " + E16");
	expect(r, "m80002000,0", " + ");
	assert_int_equal(strlen(session_rig_ask(r, "m80000000,ffffff")), 3 + GDB_PACKET_MAX);
	/* X80002000,4:} escaped, 0, #, * */
	session_rig_send(r, "$X80002000,4:}]\0}\x03*#00", 22, 0);
	expect(r, "m80002000,4", " + 7d00232a");
	expect(r, "X80002000,0:", " + OK");
	expect(r, "X80002000,2:a", " + E16");
}

/* Code that a debugger writes is what runs next. */
static void patch(void **state)
{
	struct session_rig *r = *state;

	session_rig_send(r, "", 0, 3);
	expect(r, "M80000004,4:93832300", " + OK"); /* addi t2, t2, 2 */
	expect(r, "P7=0000000000000000", " + OK");
	expect(r, "Z2,80001000,8", " + OK");
	expect_begin(r, "vCont;c:1", " +");
	session_rig_send(r, "", 0, 5);
	expect(r, "p7", " + 0200000000000000");
}

static void breakpoints(void **state)
{
	struct session_rig *r = *state;

	expect_begin(r, "qSupported:swbreak+", " + PacketSize=4000;");
	expect(r, "Z0,80000008,4", " + OK");
	expect(r, "Z0,80000008,4", " + OK"); /* twice is once */
	expect(r, "vCont;c", " +");
	session_rig_send(r, "", 0, 3);
	assert_non_null(strstr(r->seen, " T05thread:1;swbreak:;"));
	expect(r, "p20", " + 0800008000000000");
	expect(r, "z0,80000008,4", " + OK");
	expect(r, "vCont;s:1", " +");
	session_rig_send(r, "", 0, 3);
	assert_non_null(strstr(r->seen, " T05thread:1;02:"));
	expect(r, "p20", " + 0c00008000000000");
	expect(r, "vCont;c", " +");
	session_rig_send(r, "", 0, 20);
	assert_string_equal(r->seen, " +"); /* it is gone */
	session_rig_send(r, CTRL_C, 1, 3);
	assert_non_null(strstr(r->seen, " T02thread:1;"));
}

static void watchpoint(void **state)
{
	struct session_rig *r = *state;

	expect(r, "Z2,80001000,8", " + OK");
	expect(r, "c", " +");
	session_rig_send(r, "", 0, 3);
	assert_non_null(strstr(r->seen, "T05thread:1;watch:80001000;"));
	expect(r, "p20", " + 0800008000000000");
}

static void bad_points(void **state)
{
	struct session_rig *r = *state;
	char text[64];

	expect(r, "Z0,80000001,4", " + E16"); /* no instruction is there */
	expect(r, "Z2,80001000,0", " + E16");
	expect(r, "Z2,80001000,ffffffff", " + E16");
	expect(r, "Z5,80001000,4", " + E16");
	expect(r, "Z0", " + E16");
	expect(r, "z0,80000008,4", " + OK"); /* it was not there */
	for (unsigned i = 0; i < CPU_MAX_POINTS; i++) {
		snprintf(text, sizeof(text), "Z1,%x,4", 0x80008000 + 2 * i);
		expect(r, text, " + OK");
	}
	expect(r, "Z0,80000008,4", " + E1c");
}

static void threads(void **state)
{
	struct session_rig *r = *state;

	expect(r, "qfThreadInfo", " + m1,2");
	expect(r, "qsThreadInfo", " + l");
	expect(r, "T2", " + OK");
	expect(r, "T3", " + E16");
	expect(r, "Hg2", " + OK");
	expect(r, "qC", " + QC2");
	expect(r, "p20", " + 0000000000000000");
	expect(r, "Hg3", " + E16");
	expect(r, "Hx1", " + E16");
	expect(r, "qThreadExtraInfo,2", " + 4d206d6f64652c206e6f742073746172746564");
	assert_non_null(strstr(session_rig_ask(r, "qXfer:threads:read::0,1000"),
			       "<thread id=\"2\" core=\"1\" name=\"hart 1\">M mode, not started<"));
}

/* One hart alone; a hart that is not started takes a step that goes nowhere. */
static void harts_alone(void **state)
{
	struct session_rig *r = *state;

	expect(r, "vCont;s:2", " +");
	session_rig_send(r, "", 0, 3);
	assert_non_null(strstr(r->seen, " T05thread:2;"));
	expect(r, "Hg1", " + OK");
	expect(r, "p7", " + 0000000000000000"); /* hart 0 has not moved */
	expect(r, "Hc1", " + OK");
	expect(r, "s", " +");
	session_rig_send(r, "", 0, 3);
	expect(r, "p20", " + 0400008000000000");
	expect(r, "vCont;t:1", " + E16");
	expect(r, "vCont;c:3", " + E16");
	expect(r, "vCont;", " + E16");
	expect(r, "vCont;c:1x", " + E16");
}

static void description(void **state)
{
	struct session_rig *r = *state;
	const char *seen = session_rig_ask(r, "qXfer:features:read:target.xml:0,3fff");

	assert_non_null(strstr(seen, " + l<?xml"));
	assert_non_null(strstr(seen, "name=\"satp\" bitsize=\"64\" type=\"int\" group=\"csr\" "
				     "regnum=\"449\""));
	assert_non_null(strstr(seen, "org.gnu.gdb.riscv.virtual"));
	assert_null(strstr(seen, "scountovf"));
	expect(r, "qXfer:features:read:target.xml:2,3", " + mxml");
	expect(r, "qXfer:features:read:target.xml:fffff,3", " + E16");
	expect(r, "qXfer:features:read:other.xml:0,3", " + ");
}

static void monitor_commands(void **state)
{
	struct session_rig *r = *state;

	expect(r, "qRcmd,70687973203078383030303130303020", /* "phys 0x80001000 " */
	       " + "
	       "6769766520616e20616464726573733a206d6f6e69746f722070687973203078666666666666666638"
	       "303030303030300a");
	expect(r, "qRcmd,63737220307833343220", /* "csr 0x342 " */
	       " + "
	       "676976652061206e616d65206f722061206e756d6265722062656c6f77203078313030303a206d6f6e"
	       "69746f722063737220736174700a");
	expect(r, "qRcmd,637372206d736372617463685", " + E16");
	expect(r, "qRcmd,637372206d73637261746368", " + 3078300a"); /* csr mscratch: 0x0 */
	assert_non_null(strstr(session_rig_ask(r, "qRcmd,7068797320307838303030313030"),
			       "697320706879736963616c")); /* "is physical" */
	assert_non_null(strstr(session_rig_ask(r, "qRcmd,68656c70"), "70687973"));
	expect_begin(r, "qRcmd,6e6f", " + 6d6f6e69746f72206e6f3a20");
}

static void acknowledgements(void **state)
{
	struct session_rig *r = *state;

	session_rig_send(r, "$qC#00", 6, 0);
	assert_string_equal(r->seen, " -");
	expect(r, "qC", " + QC1");
	r->len = 0;
	session_rig_send(r, "-", 1, 0);
	assert_string_equal(r->seen, " QC1");
	expect(r, "QStartNoAckMode", " + OK");
	expect(r, "qC", " QC1");
	r->len = 0;
	session_rig_send(r, "$qC#00", 6, 0);
	assert_string_equal(r->seen, " E16");
	expect(r, "Qother", " ");
	expect(r, "unknown", " ");
	expect(r, "", " ");
	expect(r, "vMustReplyEmpty", " ");
	expect(r, "vCont?", " vCont;c;C;s;S");
	expect(r, "qAttached", " 1");
}

static void detach(void **state)
{
	struct session_rig *r = *state;
	unsigned turns;

	expect(r, "Z0,80000008,4", " + OK");
	expect(r, "D", " + OK");
	turns = r->turns;
	session_rig_send(r, "", 0, 5);
	assert_int_equal(r->turns, turns + 10);
	expect_begin(r, "?", " + T05"); /* and back */
}

/* A client that vanishes takes its breakpoints with it. */
static void vanish(void **state)
{
	struct session_rig *r = *state;

	expect(r, "Z0,80000008,4", " + OK");
	expect(r, "c", " +");
	gdb_session_close(&r->session);
	session_rig_send(r, "", 0, 10);
	assert_int_equal(r->running, UINT64_MAX);
	gdb_session_open(&r->session);
	expect_begin(r, "?", " + T05");
	expect(r, "c", " +");
	session_rig_send(r, "", 0, 10);
	assert_string_equal(r->seen, " +");
	expect(r, "g", " + E10"); /* busy */
	expect(r, "k", " +");
	assert_true(r->killed);
}

/* A kill counts, whatever the harts were doing and however soon the client hangs up. */
static void kill_and_hang_up(void **state)
{
	struct session_rig *r = *state;

	assert_int_equal(gdb_session_input(&r->session, (const uint8_t *)"$k#6b", 5), 5);
	gdb_session_close(&r->session);
	assert_true(r->killed);
	r->killed = false;
	gdb_session_open(&r->session);
	expect_begin(r, "?", " + T05");
	assert_int_equal(gdb_session_input(&r->session, (const uint8_t *)"$k#6b", 5), 5);
	gdb_session_close(&r->session);
	assert_true(r->killed);
}

static void waits(void **state)
{
	struct session_rig *r = *state;

	session_rig_send(r, "", 0, 5);
	gdb_session_close(&r->session); /* without a word: the wait goes on */
	gdb_session_open(&r->session);
	session_rig_send(r, "", 0, 5);
	assert_int_equal(r->turns, 0);
	expect_begin(r, "?", " + T05thread:1;");
	expect(r, "D", " + OK");
	session_rig_send(r, "", 0, 5);
	assert_int_equal(r->turns, 10);
}

static void gone(void **state)
{
	struct session_rig *r = *state;

	expect(r, "c", " +");
	gdb_session_gone(&r->session, false, 42);
	session_rig_send(r, "+", 1, 0);
	assert_string_equal(r->seen, " + W2a");
	expect(r, "qC", " +"); /* whoever asks between two machines asks the next one */
	gdb_session_attach(&r->session, &r->target, false);
	session_rig_send(r, "", 0, 0);
	assert_string_equal(r->seen, " + QC1");
	expect_begin(r, "?", " + T05");
	r->len = 0;
	r->seen[0] = '\0';
	gdb_session_gone(&r->session, true, 15); /* it was not waiting for this */
	assert_int_equal(r->session.out.sent, r->session.out.len);
}

/* The client has asked, and before the harts stood still the machine was gone. */
static void gone_while_asked(void **state)
{
	struct session_rig *r = *state;

	assert_int_equal(gdb_session_input(&r->session, (const uint8_t *)"$qC#b4", 6), 6);
	assert_true(r->asked);
	r->asked = false;
	gdb_session_gone(&r->session, false, 0);
	gdb_session_attach(&r->session, &r->target, false);
	session_rig_send(r, "", 0, 0);
	assert_string_equal(r->seen, " + QC1");
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(first_word),
		T(registers),
		T(all_registers),
		T(memory),
		T(patch),
		T(breakpoints),
		T(watchpoint),
		T(bad_points),
		T(threads),
		T(harts_alone),
		T(description),
		T(monitor_commands),
		T(acknowledgements),
		T(detach),
		T(vanish),
		T(kill_and_hang_up),
		T(gone),
		T(gone_while_asked),
		cmocka_unit_test_setup_teardown(waits, setup_wait, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
