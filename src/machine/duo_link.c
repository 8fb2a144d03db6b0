/* SPDX-License-Identifier: MIT */
/*
 * The causes are in an order: first the core that does not run, then what stands in memory where it
 * must not, which nothing else can have written there; then who was not told, by the mailbox first
 * and by its own interrupt controller second; and what did not happen comes last, since each of the
 * others leads to that.
 */
#include "machine/duo_link.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/bits.h"

static const char *const core_names[] = {
	[LINK_TO_BIG] = "big core", [LINK_TO_SMALL] = "small core"};

/* A cause that fits: true, for its caller to return. */
__attribute__((format(printf, 2, 3))) static bool because(char out[DIAGNOSE_TEXT], const char *fmt,
							  ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(out, DIAGNOSE_TEXT, fmt, args);
	va_end(args);
	return true;
}

/* Messages of the small core whose buffers Linux has not given back. */
static unsigned unread(const struct link_facts *f)
{
	const struct link_ring *r = &f->ring[LINK_TO_BIG];

	return (uint16_t)(f->num - (uint16_t)(r->avail - r->used));
}

bool link_is_up(const struct link_facts *f)
{
	return f->rings && f->announced && unread(f) < f->ring[LINK_TO_BIG].messages;
}

bool link_was_tried(const struct link_facts *f)
{
	return f->rings || f->early || f->ring[LINK_TO_BIG].kicks || f->ring[LINK_TO_SMALL].kicks;
}

/* ---- the small core ---- */

static bool has_crashed(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	const struct cpu_crash *c = &f->small.crash;

	return f->small.state == MACHINE_SMALL_CRASHED &&
	       because(out,
		       "the small core has crashed, cause 0x%" PRIx64 " at pc 0x%" PRIx64
		       ": mend its firmware, and start it again",
		       c->cause, c->pc);
}

static bool is_stopped(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return f->small.state == MACHINE_SMALL_STOPPED &&
	       because(out,
		       "no firmware runs on the small core: give --small-core, or start one in "
		       "Linux by /sys/class/remoteproc/remoteproc0/state");
}

/* ---- what stands in memory ---- */

static bool has_no_rings(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	if (f->rings)
		return false;
	if (!f->irq[LINK_TO_BIG].is_on)
		return because(out,
			       "Linux has made no rings, and nobody there listens to the mailbox "
			       "(source %u is off): load duo_mailbox and duo_rproc, which starts "
			       "the firmware, and virtio_rpmsg_bus",
			       f->irq[LINK_TO_BIG].source);
	return because(out,
		       "Linux has made no rings: load virtio_rpmsg_bus, and let duo_rproc start "
		       "the firmware, whose resource table asks for a device 7");
}

static bool is_of_another_alignment(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return f->other_align &&
	       because(out,
		       "the alignment differs: the small core writes a used ring that is aligned "
		       "to %" PRIu32 ", and Linux' is aligned to %u: build the firmware with that "
		       "(RPMsg-Lite: VRING_ALIGN)",
		       f->other_align, LINK_ALIGN);
}

static bool is_of_another_count(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return f->other_num &&
	       because(out,
		       "the number of buffers differs: Linux' rings have %" PRIu32 " entries, and "
		       "the small core writes where the used ring is with %" PRIu32
		       "%s: build the firmware with %" PRIu32 " (RPMsg-Lite: RL_BUFFER_COUNT)",
		       f->num, f->other_num, f->other_num == LINK_FEWER ? " or fewer" : "", f->num);
}

#define RESUME "let it go on at the used index it finds, or stop and start it by Linux' remoteproc"

static bool is_stale(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	const struct link_ring *r = &f->ring[LINK_TO_BIG], *to_small = &f->ring[LINK_TO_SMALL];

	if (r->used_at_start && r->used == r->used_at_start && to_small->kicks &&
	    to_small->used == to_small->used_at_start)
		return because(
			out,
			"the small core was restarted behind Linux' back: the used index is "
			"still %u, from before, and Linux has not made its rings anew: " RESUME,
			r->used);
	if (r->used_at_start && (int16_t)(r->used - r->used_at_start) < 0)
		return because(out,
			       "stale index: the small core was restarted, and counts from 0 "
			       "(used index %u) where Linux is at %u: " RESUME,
			       r->used, r->used_at_start);
	if (f->unwritten)
		return because(out,
			       "stale index: Linux has made its rings anew, and the small core "
			       "counts on from before: its used index is %u, and %u entries below "
			       "it were never written: begin at 0 when the used index is 0",
			       r->used, f->unwritten);
	return false;
}

/* ---- interrupts ---- */

/* The mailbox interrupts, and its source gets no further. */
static bool stops_at_controller(const struct link_irq *i, const char *core, char out[DIAGNOSE_TEXT])
{
	if (!i->is_on)
		return because(out,
			       "the interrupt is masked: the mailbox interrupts the %s, and source "
			       "%u is off at its PLIC: enable it",
			       core, i->source);
	if (i->priority <= i->threshold)
		return because(out,
			       "the interrupt is masked: source %u of the %s has priority %" PRIu32
			       ", and its threshold is %" PRIu32 ": give it a higher priority",
			       i->source, core, i->priority, i->threshold);
	if (i->claimed)
		return because(out,
			       "the %s has claimed source %u and not completed it: it is stuck in "
			       "its handler, or was restarted there, which does not reset the "
			       "PLIC: complete the source before enabling it",
			       core, i->source);
	if (!i->pending)
		return because(out,
			       "the edge is lost: the mailbox' line to the %s was high before "
			       "source %u was on: clear INT_CLR when the handler is in place",
			       core, i->source);
	return because(out,
		       "the interrupt is masked: source %u stands before the %s, which does not "
		       "take it: its mie or mstatus has interrupts off, or it hangs",
		       i->source, core);
}

/* The core has not heard of kicks that were sent to it. */
static bool is_deaf(const struct link_facts *f, enum link_way way, char out[DIAGNOSE_TEXT])
{
	const struct link_irq *i = &f->irq[way];
	const struct link_ring *r = &f->ring[way];

	if (!i->rung)
		return r->lost && !r->kicks &&
		       because(out,
			       "the edge is lost: kicks (%" PRIu64
			       ") to the %s were sent while the "
			       "mailbox had their channel enabled for nobody: set EN, then SET",
			       r->lost, core_names[way]);
	if (!(i->rung & i->enabled))
		return because(out,
			       "the interrupt is masked: channels 0x%x ring at the %s, and EN is "
			       "0x%x: somebody has written that register whole: change one bit",
			       i->rung, core_names[way], i->enabled);
	if (!(i->rung & i->enabled & ~i->masked))
		return because(out,
			       "the interrupt is masked: channels 0x%x ring at the %s, and "
			       "INT_MASK is 0x%x: clear it",
			       i->rung, core_names[way], i->masked);
	return stops_at_controller(i, core_names[way], out);
}

static bool small_is_deaf(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return is_deaf(f, LINK_TO_SMALL, out);
}

static bool big_is_deaf(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return f->ring[LINK_TO_BIG].messages && is_deaf(f, LINK_TO_BIG, out);
}

/* ---- what did not happen ---- */

static bool big_never_kicked(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return !f->ring[LINK_TO_SMALL].kicks && !f->announced &&
	       because(out,
		       "Linux has given %u buffers and never kicked, for which the small core may "
		       "wait: send command 0 or 1 by the mailbox behind the setup of the rings",
		       f->ring[LINK_TO_BIG].avail);
}

/* Without a sign of life in the rings. */
static bool is_elsewhere(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	if (f->looked || f->ring[LINK_TO_BIG].used)
		return false;
	if (!f->looks)
		return because(out,
			       "the small core has never looked outside of its own memory, so not "
			       "at Linux' rings at 0x%" PRIx64
			       ": its firmware does not speak RPMsg, or still waits for something",
			       f->rings);
	return because(out,
		       "the ring address differs: Linux has its rings at 0x%" PRIx64
		       ", and the small core has never looked there, but at 0x%" PRIx64
		       ": give both sides one address (memory-region in the device tree, or the "
		       "resource table)",
		       f->rings, f->looks);
}

/* The available ring is what it looks at first, and its place says how many entries there are. */
static bool is_of_unusual_count(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return !f->ring[LINK_TO_BIG].used && (!f->looked_avail || f->num != LINK_NUM) &&
	       because(out,
		       "the number of buffers differs: Linux' rings have %" PRIu32
		       " entries, and the small core has used none%s: build it with that "
		       "(RPMsg-Lite: RL_BUFFER_COUNT), or have its resource table ask for its "
		       "own, as a rule %u",
		       f->num, f->looked_avail ? "" : ", nor looked where Linux' available ring is",
		       LINK_NUM);
}

static bool announced_early(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return f->early && !f->announced &&
	       because(out,
		       "announced too early: the small core has kicked (%u) before Linux had given "
		       "buffers, and announced nothing since: wait for Linux' first kick, or start "
		       "it behind Linux (--small-core-after linux)",
		       f->early);
}

static bool small_never_kicked(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	const struct link_ring *r = &f->ring[LINK_TO_BIG];

	return r->used && !r->kicks &&
	       because(out,
		       "the small core never kicked, though it has sent messages (%u): send "
		       "command 0 by "
		       "the mailbox behind the used index",
		       r->used);
}

static bool is_unread(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return f->announced &&
	       because(out,
		       "Linux was told of messages (%u) and has read none: its driver hangs, or it "
		       "looks at other rings than those at 0x%" PRIx64,
		       unread(f), f->rings);
}

static bool is_silent(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	return because(out,
		       "the small core has seen Linux' buffers and kicks, and announced nothing "
		       "(messages: %" PRIu64 "): a channel needs a message to address 53 "
		       "(RPMsg-Lite: rpmsg_ns_announce); an endpoint made by hand does not",
		       f->ring[LINK_TO_BIG].messages);
}

bool link_is_broken(const struct link_facts *f)
{
	char text[DIAGNOSE_TEXT];

	return f->rings && (is_of_another_alignment(f, text) || is_of_another_count(f, text) ||
			    is_stale(f, text));
}

bool link_verdict(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	static bool (*const broken[])(const struct link_facts *, char *) = {
		has_crashed,         is_stopped, has_no_rings, is_of_another_alignment,
		is_of_another_count, is_stale};
	static bool (*const missing[])(const struct link_facts *, char *) = {
		small_is_deaf,       big_never_kicked, is_elsewhere,
		is_of_unusual_count, big_is_deaf,      announced_early,
		small_never_kicked,  is_unread,        is_silent};

	for (unsigned i = 0; i < ARRAY_SIZE(broken); i++)
		if (broken[i](f, out))
			return true;
	if (link_is_up(f)) {
		(void)because(out, "it works: %u names announced", f->announced);
		return false;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(missing); i++)
		if (missing[i](f, out))
			break;
	return true;
}

/* ---- how far it has come ---- */

void link_status_text(const struct link_facts *f, char out[DIAGNOSE_TEXT])
{
	static const char *const states[] = {[MACHINE_SMALL_STOPPED] = "stopped",
					     [MACHINE_SMALL_RUNNING] = "running",
					     [MACHINE_SMALL_CRASHED] = "crashed"};

	(void)because(out, "small core %s, %" PRIu64 " instructions; %u names announced",
		      states[f->small.state], f->small.insns, f->announced);
}

void link_ring_text(const struct link_facts *f, enum link_way way, char out[DIAGNOSE_TEXT])
{
	const struct link_ring *r = &f->ring[way];

	if (!f->rings) {
		(void)because(out, "not set up");
		return;
	}
	(void)because(out,
		      "to %s, %" PRIu32 " entries, available index %u, used index %u, %" PRIu64
		      " messages, %" PRIu64 " kicks",
		      core_names[way], f->num, r->avail, r->used, r->messages, r->kicks);
}
