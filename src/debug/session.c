/* SPDX-License-Identifier: MIT */
/*
 * The states of a conversation. Whoever connects and is silent stops nothing: the first packet
 * does, and is answered when the harts stand still. From there the client lets harts run and waits,
 * until one of them meets something, or the client interrupts; then all are held again, and one
 * event is reported. Other harts that have met a point will meet it again.
 */
#include "debug/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "debug/private.h"

#define SIGNAL_INT  2
#define SIGNAL_TRAP 5

static const struct cpu_debug_ops *ops_of(const struct gdb_session *s)
{
	return s->target->vm->engine->debug;
}

/* ---- answers ---- */

void gdb_answer(struct gdb_session *s, const char *text)
{
	gdb_begin(&s->out);
	gdb_put_text(&s->out, text);
	gdb_end(&s->out);
}

void gdb_error(struct gdb_session *s, unsigned number)
{
	const uint8_t byte = (uint8_t)number;

	gdb_begin(&s->out);
	gdb_put_text(&s->out, "E");
	gdb_put_hex(&s->out, &byte, 1);
	gdb_end(&s->out);
}

static void put_reason(struct gdb_session *s)
{
	static const char *const names[] = {[CPU_POINT_BREAK] = "swbreak",
					    [CPU_POINT_WRITE] = "watch",
					    [CPU_POINT_READ] = "rwatch",
					    [CPU_POINT_ACCESS] = "awatch"};

	if (s->stop.cause != CPU_DEBUG_POINT ||
	    (s->stop.point.kind == CPU_POINT_BREAK && !s->tell_break))
		return;
	gdb_put_text(&s->out, names[s->stop.point.kind]);
	gdb_put_text(&s->out, ":");
	if (s->stop.point.kind != CPU_POINT_BREAK)
		gdb_put_number(&s->out, s->stop.addr);
	gdb_put_text(&s->out, ";");
}

/* With the registers that gdb asks for first: sp, fp, pc. */
void gdb_report_stop(struct gdb_session *s)
{
	static const uint8_t regs[] = {2, 8, GDB_REG_PC};
	const uint8_t signal = (uint8_t)s->stop_signal;

	gdb_begin(&s->out);
	gdb_put_text(&s->out, "T");
	gdb_put_hex(&s->out, &signal, 1);
	gdb_put_text(&s->out, "thread:");
	gdb_put_number(&s->out, s->stop_hart + 1);
	gdb_put_text(&s->out, ";");
	put_reason(s);
	s->hart = s->stop_hart;
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
		uint64_t value = 0;
		unsigned size = gdb_reg_read(s, regs[i], &value);

		gdb_put_hex(&s->out, &regs[i], 1);
		gdb_put_text(&s->out, ":");
		gdb_put_hex(&s->out, &value, size);
		gdb_put_text(&s->out, ";");
	}
	gdb_end(&s->out);
}

/* ---- holding and going ---- */

static void hold(struct gdb_session *s)
{
	s->before = s->state;
	s->state = GDB_WAITING;
	s->target->hold(s->target->arg);
}

static void go(struct gdb_session *s, enum gdb_state state, uint64_t harts)
{
	s->state = state;
	s->interrupt = false;
	s->running = harts;
	s->target->go(s->target->arg, harts);
}

/* The event to report, of the hart that was reported last if it has one. */
static bool find_event(struct gdb_session *s)
{
	unsigned n = gdb_n_harts(s);

	for (unsigned i = 0; i < n; i++) {
		unsigned hart = (s->stop_hart + i) % n;
		struct cpu_debug_event event;

		ops_of(s)->event(s->target->vm->cpu[hart], &event);
		if (event.cause == CPU_DEBUG_NONE)
			continue;
		s->stop = event;
		s->stop_hart = hart;
		s->stop_signal = SIGNAL_TRAP;
		return true;
	}
	return false;
}

void gdb_resume(struct gdb_session *s, const enum gdb_action action[CPU_MAX_HARTS])
{
	uint64_t harts = 0;

	for (unsigned i = 0; i < gdb_n_harts(s); i++)
		if (action[i] != GDB_STAY)
			harts |= BIT(i);
	if (!harts) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	if (ops_of(s)->set_points(s->target->vm, s->point, s->n_points)) {
		gdb_error(s, GDB_E_SPACE);
		return;
	}
	for (unsigned i = 0; i < gdb_n_harts(s); i++)
		ops_of(s)->set_step(s->target->vm->cpu[i], action[i] == GDB_STEP);
	go(s, GDB_RUNNING, harts);
}

void gdb_detach(struct gdb_session *s)
{
	s->n_points = 0;
	s->leaving = false;
	s->held_for_client = false;
	ops_of(s)->set_points(s->target->vm, NULL, 0);
	for (unsigned i = 0; i < gdb_n_harts(s); i++)
		ops_of(s)->set_step(s->target->vm->cpu[i], false);
	go(s, GDB_FREE, UINT64_MAX);
}

void gdb_session_met(struct gdb_session *s)
{
	if (s->state == GDB_RUNNING)
		hold(s);
}

/* The client's first packet: where the harts are now is what it learns. */
static void begin(struct gdb_session *s)
{
	s->held_for_client = false;
	s->stop = (struct cpu_debug_event){.cause = CPU_DEBUG_NONE};
	s->stop_signal = SIGNAL_TRAP;
	s->stop_hart = 0;
	s->hart = 0;
	s->run_hart = CPU_MAX_HARTS;
}

static void running_held(struct gdb_session *s)
{
	if (find_event(s)) {
		gdb_report_stop(s);
	} else if (s->interrupt) {
		s->stop = (struct cpu_debug_event){.cause = CPU_DEBUG_NONE};
		s->stop_signal = SIGNAL_INT;
		if (!(s->running & BIT(s->stop_hart)))
			s->stop_hart = (unsigned)__builtin_ctzll(s->running);
		gdb_report_stop(s);
	} else {
		go(s, GDB_RUNNING, s->running);
	}
}

static void run_command(struct gdb_session *s)
{
	s->ready = false;
	gdb_command(s, (const char *)s->in.data, s->in.len);
}

void gdb_session_held(struct gdb_session *s)
{
	enum gdb_state before = s->before;

	if (s->state != GDB_WAITING)
		return;
	s->state = GDB_HELD;
	if (s->leaving) {
		gdb_detach(s);
	} else if (before == GDB_RUNNING) {
		running_held(s);
	} else if (s->ready) {
		begin(s);
		run_command(s);
	}
	s->wake(s->arg);
}

/* ---- the client ---- */

static void packet(struct gdb_session *s)
{
	if (!s->no_ack)
		gdb_put_raw(&s->out, '+');
	if (!s->target) {
		s->ready = true; /* for the next machine */
	} else if (s->in.data[0] == 'k') {
		/* Whoever kills hangs up at once: there may be nobody left when the harts stand
		 * still. Nothing has to be held for this. */
		s->target->kill(s->target->arg);
	} else if (s->state == GDB_RUNNING) {
		gdb_error(s, GDB_E_BUSY);
	} else if (s->state == GDB_HELD) {
		if (s->held_for_client)
			begin(s);
		run_command(s);
	} else {
		s->ready = true;
		hold(s);
	}
}

static void refuse(struct gdb_session *s, enum gdb_input what)
{
	if (!s->no_ack)
		gdb_put_raw(&s->out, what == GDB_INPUT_BAD ? '-' : '+');
	if (s->no_ack || what != GDB_INPUT_BAD)
		gdb_error(s, what == GDB_INPUT_BAD ? GDB_E_ARGS : GDB_E_MANY);
}

static void input(struct gdb_session *s, uint8_t byte)
{
	enum gdb_input what = gdb_parse(&s->in, byte);

	switch (what) {
	case GDB_INPUT_PACKET: packet(s); break;
	case GDB_INPUT_BAD:
	case GDB_INPUT_TOO_LONG: refuse(s, what); break;
	case GDB_INPUT_NAK:
		if (!s->no_ack)
			gdb_again(&s->out);
		break;
	case GDB_INPUT_INTERRUPT:
		if (s->state == GDB_RUNNING) {
			s->interrupt = true;
			hold(s);
		}
		break;
	case GDB_INPUT_ACK:
	case GDB_INPUT_MORE: break;
	}
}

size_t gdb_session_input(struct gdb_session *s, const uint8_t *bytes, size_t n)
{
	size_t used = 0;

	while (used < n && s->out.sent == s->out.len && s->state != GDB_WAITING && !s->ready)
		input(s, bytes[used++]);
	return used;
}

void gdb_session_open(struct gdb_session *s)
{
	memset(&s->in, 0, sizeof(s->in));
	s->out.sent = 0;
	s->out.len = 0;
	s->out.packet = SIZE_MAX;
	s->ready = false;
	s->no_ack = false;
	s->tell_break = false;
}

void gdb_session_close(struct gdb_session *s)
{
	s->ready = false;
	if (!s->target || s->held_for_client)
		return;
	switch (s->state) {
	case GDB_FREE: break;
	case GDB_WAITING: s->leaving = true; break;
	case GDB_HELD: gdb_detach(s); break;
	case GDB_RUNNING:
		s->leaving = true;
		hold(s);
		break;
	}
}

/* ---- the machine ---- */

void gdb_session_init(struct gdb_session *s)
{
	s->out.packet = SIZE_MAX;
}

void gdb_session_fini(struct gdb_session *s)
{
	free(s->xml);
	s->xml = NULL;
}

void gdb_session_attach(struct gdb_session *s, const struct gdb_target *t, bool wait)
{
	s->target = t;
	s->state = GDB_FREE;
	s->leaving = false;
	s->n_points = 0;
	s->held_for_client = wait;
	if (wait || s->ready)
		hold(s);
}

void gdb_session_gone(struct gdb_session *s, bool by_signal, unsigned status)
{
	const uint8_t byte = (uint8_t)status;
	bool expected = s->state == GDB_RUNNING ||
			(s->state == GDB_WAITING && s->before == GDB_RUNNING && !s->leaving);

	s->target = NULL;
	s->state = GDB_FREE;
	free(s->xml);
	s->xml = NULL;
	if (!expected)
		return;
	gdb_begin(&s->out);
	gdb_put_text(&s->out, by_signal ? "X" : "W");
	gdb_put_hex(&s->out, &byte, 1);
	gdb_end(&s->out);
	s->wake(s->arg);
}
