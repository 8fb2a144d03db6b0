/* SPDX-License-Identifier: MIT */
/* The causes for which no RPMsg channel comes up, each from what is to be seen of it. The same with
 * programs on both cores: system/link/faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "machine/duo_link.h"

#define RINGS 0x8fc00000u

/* A channel that is up: three names, which Linux has read. */
static struct link_facts good(void)
{
	return (struct link_facts){
		.small = {.state = MACHINE_SMALL_RUNNING, .insns = 1000},
		.rings = RINGS,
		.usual = RINGS,
		.num = 256,
		.looked = true,
		.looked_avail = true,
		.announced = 3,
		.ring = {{.avail = 259, .used = 3, .kicks = 3, .messages = 3}, {.kicks = 1}},
		.irq = {{.source = 101, .is_on = true, .priority = 1},
			{.source = 61, .is_on = true, .priority = 1}},
	};
}

/* The same before anything was announced. */
static struct link_facts mute(void)
{
	struct link_facts f = good();

	f.announced = 0;
	f.ring[LINK_TO_BIG] = (struct link_ring){.avail = 256};
	return f;
}

static void expect(const struct link_facts *f, const char *part)
{
	char text[DIAGNOSE_TEXT];

	assert_true(link_verdict(f, text));
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
	assert_true(strlen(text) < DIAGNOSE_TEXT - 1); /* not cut */
}

static void test_good(void **state)
{
	struct link_facts f = good();
	char text[DIAGNOSE_TEXT];

	assert_false(link_verdict(&f, text));
	assert_string_equal(text, "it works: 3 names announced");
	assert_true(link_is_up(&f) && link_was_tried(&f) && !link_is_broken(&f));
	link_status_text(&f, text);
	assert_string_equal(text, "small core running, 1000 instructions; 3 names announced");
	link_ring_text(&f, LINK_TO_BIG, text);
	assert_string_equal(text, "to big core, 256 entries, available index 259, used index 3, "
				  "3 messages, 3 kicks");
	/* Both indices wrap. */
	f.ring[LINK_TO_BIG].used = 0xffff;
	f.ring[LINK_TO_BIG].avail = 255;
	assert_false(link_verdict(&f, text));
	f = (struct link_facts){.small.state = MACHINE_SMALL_RUNNING};
	assert_false(link_was_tried(&f));
	link_ring_text(&f, LINK_TO_SMALL, text);
	assert_string_equal(text, "not set up");
}

static void test_small(void **state)
{
	struct link_facts f = good();

	f.small = (struct machine_small_info){.state = MACHINE_SMALL_CRASHED,
					      .crash = {.cause = 2, .pc = 0x8fe00010}};
	expect(&f, "has crashed, cause 0x2 at pc 0x8fe00010");
	f.small.state = MACHINE_SMALL_STOPPED;
	expect(&f, "no firmware runs");
	f = mute();
	f.rings = 0;
	expect(&f, "no rings: load virtio_rpmsg_bus");
	f.irq[LINK_TO_BIG].is_on = false;
	expect(&f, "source 101 is off): load duo_mailbox");
}

static void test_rings(void **state)
{
	struct link_facts f = mute();

	f.other_align = 16;
	expect(&f, "aligned to 16, and Linux' is aligned to 4096");
	assert_true(link_is_broken(&f));
	f = mute();
	f.other_num = 512;
	expect(&f, "Linux' rings have 256 entries, and the small core writes where the used ring "
		   "is with 512:");
	f.other_num = LINK_FEWER;
	expect(&f, "with 128 or fewer");
	f = mute();
	f.num = 64;
	f.ring[LINK_TO_BIG].avail = 64;
	expect(&f, "rings have 64 entries, and the small core has used none: ");
	f.looked_avail = false;
	expect(&f, "none, nor looked where");
	f = mute();
	f.looked = f.looked_avail = false;
	expect(&f, "never looked outside of its own memory, so not at Linux' rings at 0x8fc00000");
	f.looks = 0x8fd01000;
	expect(&f, "rings at 0x8fc00000, and the small core has never looked there, but at "
		   "0x8fd01000");
}

static void test_stale(void **state)
{
	struct link_facts f = good();

	f.ring[LINK_TO_BIG].used_at_start = 5;
	expect(&f, "counts from 0 (used index 3) where Linux is at 5");
	f.ring[LINK_TO_BIG].used = 5;
	expect(&f, "the used index is still 5");
	f.ring[LINK_TO_SMALL].used = 1; /* it does go on */
	f.ring[LINK_TO_BIG].avail = 261;
	assert_false(link_is_broken(&f));
	f = good();
	f.unwritten = 7;
	expect(&f, "used index is 3, and 7 entries below it were never written");
}

static void test_interrupts(void **state)
{
	struct link_facts f = mute();
	struct link_irq *i = &f.irq[LINK_TO_SMALL];

	i->rung = i->enabled = 1;
	i->pending = true;
	expect(&f, "source 61 stands before the small core, which does not take it");
	i->pending = false;
	expect(&f, "the edge is lost: the mailbox' line to the small core was high before");
	i->claimed = true;
	expect(&f, "claimed source 61 and not completed it");
	i->threshold = 1;
	expect(&f, "has priority 1, and its threshold is 1");
	i->is_on = false;
	expect(&f, "source 61 is off");
	i->masked = 3;
	expect(&f, "INT_MASK is 0x3");
	i->enabled = 0xfe;
	expect(&f, "channels 0x1 ring at the small core, and EN is 0xfe");
	f = mute();
	f.ring[LINK_TO_SMALL].kicks = 0;
	expect(&f, "Linux has given 256 buffers and never kicked");
	f.ring[LINK_TO_SMALL].lost = 2;
	expect(&f, "the edge is lost: kicks (2) to the small core");
	/* What rings at Linux matters when there is something to read. */
	f = mute();
	f.irq[LINK_TO_BIG] = (struct link_irq){.source = 101, .rung = 1, .enabled = 1};
	expect(&f, "announced nothing");
	f.ring[LINK_TO_BIG].messages = 1;
	expect(&f, "source 101 is off");
}

static void test_silence(void **state)
{
	struct link_facts f = mute();

	expect(&f, "announced nothing (messages: 0)");
	f.early = 2;
	expect(&f, "kicked (2) before Linux had given buffers");
	f = good();
	f.ring[LINK_TO_BIG].avail = 256; /* Linux has given none of these back */
	assert_false(link_is_up(&f));
	expect(&f, "Linux was told of messages (3) and has read none");
	f.ring[LINK_TO_BIG].kicks = 0;
	expect(&f, "never kicked, though it has sent messages (3)");
}

/* Nonsense in all of them is some verdict, whole. */
static void test_nonsense(void **state)
{
	struct link_facts f;
	char text[DIAGNOSE_TEXT];

	memset(&f, 0xff, sizeof(f));
	f.small.state = MACHINE_SMALL_RUNNING;
	f.looked = f.looked_avail = true;
	for (unsigned i = 0; i < 2; i++)
		f.irq[i].is_on = f.irq[i].pending = f.irq[i].claimed = true;
	assert_true(link_verdict(&f, text));
	link_status_text(&f, text);
	link_ring_text(&f, LINK_TO_SMALL, text);
	assert_non_null(strstr(text, "18446744073709551615 kicks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),       cmocka_unit_test(test_small),
		cmocka_unit_test(test_rings),      cmocka_unit_test(test_stale),
		cmocka_unit_test(test_interrupts), cmocka_unit_test(test_silence),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
