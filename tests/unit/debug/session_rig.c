/* SPDX-License-Identifier: MIT */
#include "session_rig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "lib/empty_bus.h"

#define TURN 100u /* instructions */

static const uint32_t loop_code[] = {
	0x00001297, /* 00: auipc t0, 1 */
	0x00138393, /* 04: addi t2, t2, 1 */
	0x0072b023, /* 08: sd t2, 0(t0) */
	0xff9ff06f, /* 0c: j 04 */
};

static void hold(void *arg)
{
	struct session_rig *r = arg;

	assert(!r->asked);
	r->asked = true;
}

static void go(void *arg, uint64_t harts)
{
	struct session_rig *r = arg;

	r->running = harts;
}

static void kill_machine(void *arg)
{
	struct session_rig *r = arg;

	r->killed = true;
}

static void wake(void *arg)
{
}

static uint64_t no_time(void *arg, struct cpu *cpu)
{
	return 0;
}

struct session_rig *session_rig_new(bool wait)
{
	struct session_rig *r = calloc(1, sizeof(*r));
	const struct cpu_engine *engine = cpu_engines[0];
	struct cpu_vm_config cfg = {.env = {.time_now = no_time},
				    .n_harts = RIG_HARTS,
				    .timebase_hz = 10000000,
				    .in_turns = true};
	struct err e;
	int err;

	assert(r);
	err = gmem_new(&r->mem) || gmem_add_ram(r->mem, RAM, RAM_SIZE);
	r->bus = empty_bus_new();
	assert(!err && r->bus);
	cfg.mem = r->mem;
	cfg.bus = r->bus;
	err = engine->vm_new(&cfg, &r->vm, &e);
	for (unsigned i = 0; i < RIG_HARTS && !err; i++)
		err = engine->cpu_new(r->vm, i, &r->vm->cpu[i]);
	assert(!err);
	memcpy(gmem_map(r->mem, RAM, sizeof(loop_code)), loop_code, sizeof(loop_code));
	engine->start(r->vm->cpu[0], RAM, 0);
	r->running = UINT64_MAX;
	r->target = (struct gdb_target){
		.vm = r->vm, .arg = r, .hold = hold, .go = go, .kill = kill_machine};
	r->session.wake = wake;
	gdb_session_init(&r->session);
	gdb_session_attach(&r->session, &r->target, wait);
	gdb_session_open(&r->session);
	return r;
}

void session_rig_free(struct session_rig *r)
{
	gdb_session_fini(&r->session);
	r->vm->engine->vm_free(r->vm);
	empty_bus_free(r->bus);
	gmem_free(r->mem);
	free(r);
}

/* ---- the machine ---- */

static void turn(struct session_rig *r)
{
	if (r->asked) {
		r->asked = false;
		r->running = 0;
		gdb_session_held(&r->session);
		return;
	}
	for (unsigned i = 0; i < RIG_HARTS; i++) {
		if (!(r->running & BIT(i)))
			continue;
		r->turns++;
		if (r->vm->engine->run(r->vm->cpu[i], TURN) != CPU_EXIT_DEBUG)
			continue;
		r->running &= ~BIT(i);
		gdb_session_met(&r->session);
	}
}

/* ---- the client ---- */

static void see(struct session_rig *r, uint8_t c)
{
	assert(r->len < sizeof(r->seen) - 1);
	r->seen[r->len++] = (char)c;
	r->seen[r->len] = '\0';
}

/* Reads one item of the output; where it ends. */
static size_t read_item(struct session_rig *r, const uint8_t *p, size_t n)
{
	char sum_text[3] = "";
	uint8_t sum = 0;
	size_t i;

	see(r, ' ');
	if (*p == '+' || *p == '-') {
		see(r, *p);
		return 1;
	}
	assert(*p == '$');
	for (i = 1; i < n && p[i] != '#'; i++) {
		bool escape = p[i] == '}';

		sum = (uint8_t)(sum + p[i]);
		if (escape)
			sum = (uint8_t)(sum + p[++i]);
		see(r, escape ? p[i] ^ 0x20 : p[i]);
	}
	assert(i - 1 <= 2 * GDB_PACKET_MAX && i + 2 < n);
	memcpy(sum_text, p + i + 1, 2);
	assert(strtoul(sum_text, NULL, 16) == sum);
	return i + 3;
}

static void read_output(struct session_rig *r)
{
	struct gdb_output *o = &r->session.out;

	while (o->sent < o->len) {
		r->len = r->len > GDB_PACKET_MAX / 2 ? 0 : r->len;
		o->sent += read_item(r, o->buf + o->sent, o->len - o->sent);
	}
}

void session_rig_send(struct session_rig *r, const void *bytes, size_t n, unsigned turns)
{
	const uint8_t *p = bytes;

	read_output(r);
	while (n || r->asked || turns) {
		size_t used = gdb_session_input(&r->session, p, n);

		read_output(r);
		p += used;
		n -= used;
		if (used)
			continue;
		assert(r->asked || turns); /* else nobody could ever take the rest */
		if (!r->asked)
			turns--;
		turn(r);
		read_output(r);
	}
}

const char *session_rig_ask(struct session_rig *r, const char *text)
{
	char packet[GDB_PACKET_MAX + 8];
	uint8_t sum = 0;
	int n;

	for (const char *p = text; *p; p++)
		sum = (uint8_t)(sum + (uint8_t)*p);
	n = snprintf(packet, sizeof(packet), "$%s#%02x", text, sum);
	r->len = 0;
	r->seen[0] = '\0';
	session_rig_send(r, packet, (size_t)n, 0);
	return r->seen;
}
