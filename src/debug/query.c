/* SPDX-License-Identifier: MIT */
/* General queries: what the stub can do, which threads there are, and descriptions in pieces. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "debug/private.h"

#define HART_TEXT 64

bool gdb_get_thread(const struct gdb_session *s, const char **p, unsigned *hart)
{
	uint64_t id;

	*hart = CPU_MAX_HARTS;
	if (!strncmp(*p, "-1", 2)) {
		*p += 2;
		return true;
	}
	if (!gdb_get_number(p, &id) || id > gdb_n_harts(s))
		return false;
	if (id)
		*hart = (unsigned)id - 1;
	return true;
}

/* What gdb shows beside a thread. */
static void hart_text(struct gdb_session *s, unsigned hart, char out[HART_TEXT])
{
	static const char *const privileges[] = {"U mode", "S mode", "?", "M mode"};
	struct cpu *cpu = s->target->vm->cpu[hart];
	struct cpu_regs regs;

	cpu->vm->engine->get_regs(cpu, &regs);
	snprintf(out, HART_TEXT, "%s%s", privileges[regs.priv & 3],
		 cpu->vm->engine->is_stopped(cpu) ? ", not started" : "");
}

/* ---- answers in pieces ---- */

/* "OFFSET,LENGTH" of a text. */
static void piece(struct gdb_session *s, const char *args, const char *text, size_t len)
{
	uint64_t offset, n;

	if (!gdb_get_number(&args, &offset) || *args++ != ',' || !gdb_get_number(&args, &n) ||
	    offset > len) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	n = min_u64(n, min_u64(len - offset, GDB_PACKET_MAX - 1));
	gdb_begin(&s->out);
	gdb_put_text(&s->out, offset + n < len ? "m" : "l");
	gdb_put_bytes(&s->out, text + offset, n);
	gdb_end(&s->out);
}

static void q_features(struct gdb_session *s, const char *args)
{
	if (gdb_describe(s))
		gdb_error(s, GDB_E_SPACE);
	else
		piece(s, args, s->xml, s->xml_len);
}

static void q_threads(struct gdb_session *s, const char *args)
{
	char text[64 + CPU_MAX_HARTS * 160];
	int len = snprintf(text, sizeof(text), "<?xml version=\"1.0\"?>\n<threads>\n");

	for (unsigned i = 0; i < gdb_n_harts(s); i++) {
		char state[HART_TEXT];

		hart_text(s, i, state);
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"<thread id=\"%x\" core=\"%u\" name=\"hart %u\">%s</thread>\n",
				i + 1, i, i, state);
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len, "</threads>\n");
	piece(s, args, text, (size_t)len);
}

/* ---- the rest ---- */

static void q_supported(struct gdb_session *s, const char *args)
{
	char text[192];

	s->tell_break = strstr(args, "swbreak+");
	snprintf(text, sizeof(text),
		 "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;"
		 "vContSupported+;swbreak+",
		 GDB_PACKET_MAX);
	gdb_answer(s, text);
}

static void q_attached(struct gdb_session *s, const char *args)
{
	gdb_answer(s, "1"); /* leaving gdb detaches, and does not kill */
}

static void q_current(struct gdb_session *s, const char *args)
{
	gdb_begin(&s->out);
	gdb_put_text(&s->out, "QC");
	gdb_put_number(&s->out, s->hart + 1);
	gdb_end(&s->out);
}

static void q_first_threads(struct gdb_session *s, const char *args)
{
	gdb_begin(&s->out);
	for (unsigned i = 0; i < gdb_n_harts(s); i++) {
		gdb_put_text(&s->out, i ? "," : "m");
		gdb_put_number(&s->out, i + 1);
	}
	gdb_end(&s->out);
}

static void q_more_threads(struct gdb_session *s, const char *args)
{
	gdb_answer(s, "l");
}

static void q_thread_info(struct gdb_session *s, const char *args)
{
	char text[HART_TEXT];
	unsigned hart;

	if (!gdb_get_thread(s, &args, &hart) || hart == CPU_MAX_HARTS) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	hart_text(s, hart, text);
	gdb_begin(&s->out);
	gdb_put_hex(&s->out, text, strlen(text));
	gdb_end(&s->out);
}

static void q_command(struct gdb_session *s, const char *args)
{
	char command[256];
	size_t n = strlen(args) / 2;

	if (n >= sizeof(command) || !gdb_get_bytes(&args, command, n) || *args) {
		gdb_error(s, GDB_E_ARGS);
		return;
	}
	command[n] = '\0';
	gdb_monitor(s, command);
}

void gdb_query(struct gdb_session *s, const char *data, size_t len)
{
	static const struct {
		const char *name;
		bool more; /* arguments follow at once */
		void (*fn)(struct gdb_session *s, const char *args);
	} queries[] = {
		{"Supported", true, q_supported},
		{"Attached", true, q_attached},
		{"C", false, q_current},
		{"fThreadInfo", false, q_first_threads},
		{"sThreadInfo", false, q_more_threads},
		{"ThreadExtraInfo,", true, q_thread_info},
		{"Xfer:features:read:target.xml:", true, q_features},
		{"Xfer:threads:read::", true, q_threads},
		{"Rcmd,", true, q_command},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(queries); i++) {
		size_t n = strlen(queries[i].name);

		if (len >= n && !strncmp(data, queries[i].name, n) &&
		    (queries[i].more || !data[n])) {
			queries[i].fn(s, data + n);
			return;
		}
	}
	gdb_answer(s, "");
}

void gdb_set(struct gdb_session *s, const char *data)
{
	if (!strcmp(data, "StartNoAckMode")) {
		gdb_answer(s, "OK");
		s->no_ack = true;
	} else {
		gdb_answer(s, "");
	}
}
