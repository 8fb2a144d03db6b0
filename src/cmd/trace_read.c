/* SPDX-License-Identifier: MIT */
/* A line says by its event's name which members it has: the table is that of the writer. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/trace.h"

static bool get_number(const json_t *line, const char *name, bool hex, uint64_t *out)
{
	const json_t *v = json_object_get(line, name);
	const char *text = json_string_value(v);
	char *end;

	if (!hex) {
		*out = (uint64_t)json_integer_value(v);
		return json_is_integer(v);
	}
	if (!text)
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return !errno && end != text && !*end;
}

/* What is left out where it is 0. */
static bool get_unless_zero(const json_t *line, const char *name, uint32_t *out)
{
	uint64_t v = 0;

	if (name && json_object_get(line, name) && !get_number(line, name, true, &v))
		return false;
	*out = (uint32_t)v;
	return v <= UINT32_MAX;
}

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool get_data(const json_t *line, const char *name, struct trace_event *e)
{
	const char *text = json_string_value(json_object_get(line, name));
	size_t len = text ? strlen(text) : 1;

	if (len % 2 || len / 2 > sizeof(e->data))
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = digit_of(text[i]), low = digit_of(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		e->data[e->n_data++] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int find_name(const json_t *line, const char *name, const char *const *names, unsigned n)
{
	const char *text = json_string_value(json_object_get(line, name));

	for (unsigned i = 0; i < n && text; i++)
		if (!strcmp(names[i], text))
			return (int)i;
	return -1;
}

static int find_kind(const json_t *line)
{
	const char *names[TRACE_N_KINDS];

	for (unsigned i = 0; i < TRACE_N_KINDS; i++)
		names[i] = trace_kinds[i].name;
	return find_name(line, "event", names, TRACE_N_KINDS);
}

static bool fill_in(const json_t *line, struct trace_event *e)
{
	static const char *const cores[] = {"big", "small", "host"};
	int kind = find_kind(line), core = find_name(line, "core", cores, 3);
	const struct trace_kind_info *k = &trace_kinds[kind < 0 ? 0 : kind];
	const char *label = k->label ? json_string_value(json_object_get(line, k->label)) : "";

	*e = (struct trace_event){.kind = (uint8_t)kind, .core = (uint8_t)core};
	if (kind < 0 || core < 0 || !label || strlen(label) >= sizeof(e->label))
		return false;
	memcpy(e->label, label, strlen(label));
	return get_number(line, "t", false, &e->time_ns) &&
	       get_number(line, "big", false, &e->insns[0]) &&
	       get_number(line, "small", false, &e->insns[1]) &&
	       (!k->a || get_number(line, k->a, k->hex_a, &e->a)) &&
	       (!k->b || get_number(line, k->b, k->hex_b, &e->b)) &&
	       (!k->c || get_number(line, k->c, false, &e->c)) &&
	       get_unless_zero(line, k->d, &e->d) && get_unless_zero(line, k->e, &e->e) &&
	       (!k->data || get_data(line, k->data, e));
}

int trace_parse(const char *line, struct trace_event *e)
{
	json_error_t error;
	json_t *v = json_loads(line, 0, &error);
	bool good = v && fill_in(v, e);

	json_decref(v);
	return good ? 0 : -EINVAL;
}

void trace_header_text(const struct trace_event *e, char out[TRACE_HEADER_TEXT_MAX])
{
	size_t len = 0;

	*out = 0;
	if (e->kind != TRACE_RPMSG)
		return;
	if (e->d)
		len = (size_t)snprintf(out, TRACE_HEADER_TEXT_MAX, ", flags 0x%" PRIx32, e->d);
	if (e->e)
		(void)snprintf(out + len, TRACE_HEADER_TEXT_MAX - len, ", reserved 0x%" PRIx32,
			       e->e);
}

void trace_text(const struct trace_event *e, char out[TRACE_TEXT_MAX])
{
	switch ((enum trace_kind)e->kind) {
	case TRACE_MAIL:
		(void)snprintf(out, TRACE_TEXT_MAX, "mail %" PRIu64 ", 0x%" PRIx64, e->a, e->b);
		break;
	case TRACE_RING:
		(void)snprintf(out, TRACE_TEXT_MAX, "ring to %s: %" PRIu64 ", used %" PRIu64,
			       e->label, e->a, e->b);
		break;
	case TRACE_RPMSG:
		(void)snprintf(out, TRACE_TEXT_MAX, "rpmsg %" PRIu64 " > %" PRIu64 ", %" PRIu64,
			       e->a, e->b, e->c);
		break;
	case TRACE_ANNOUNCE:
		(void)snprintf(out, TRACE_TEXT_MAX, "%s %s at %" PRIu64,
			       e->b & 1 ? "takes back" : "announces", e->label, e->a);
		break;
	case TRACE_START:
		(void)snprintf(out, TRACE_TEXT_MAX, "start of %s at 0x%" PRIx64, e->label, e->a);
		break;
	case TRACE_STOP: (void)snprintf(out, TRACE_TEXT_MAX, "stop of %s", e->label); break;
	case TRACE_CRASH:
		(void)snprintf(out, TRACE_TEXT_MAX, "crash at 0x%" PRIx64 ", cause 0x%" PRIx64,
			       e->a, e->b);
		break;
	case TRACE_POWER_ON: (void)snprintf(out, TRACE_TEXT_MAX, "power on: %s", e->label); break;
	case TRACE_MISSING:
		(void)snprintf(out, TRACE_TEXT_MAX, "%" PRIu64 " events are missing", e->a);
		break;
	case TRACE_LINE:
		(void)snprintf(out, TRACE_TEXT_MAX, "mailbox interrupts %s: %s", e->label,
			       e->a ? "on" : "off");
		break;
	case TRACE_KICK:
	case TRACE_INTERRUPT:
		(void)snprintf(out, TRACE_TEXT_MAX, "%s of %s, queue %" PRIu64,
			       trace_kinds[e->kind].name, e->label, e->a);
		break;
	case TRACE_TAKEN:
	case TRACE_CLAIM:
	case TRACE_COMPLETE:
	case TRACE_N_KINDS:
		(void)snprintf(out, TRACE_TEXT_MAX, "%s %" PRIu64, trace_kinds[e->kind].name, e->a);
		break;
	}
}
