/* SPDX-License-Identifier: MIT */
/*
 * Each core, and the host, is a thread of one process. An interrupt is a slice from its claim to
 * its completion; a message is a flow from where it is sent to where its channel is cleared; the
 * rest are instants.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "cmd/trace.h"

static void begin_event(struct trace_chrome *c, FILE *out, const char *phase, unsigned thread)
{
	fprintf(out, "%s\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%u", c->n++ ? "," : "", phase, thread);
}

static void print_begin(void *arg, FILE *out)
{
	static const char *const names[] = {"big core", "small core", "host"};

	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", out);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		begin_event(arg, out, "M", i + 1);
		fprintf(out, ",\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}", names[i]);
	}
}

static void print_time(FILE *out, const struct trace_event *e)
{
	fprintf(out, ",\"ts\":%" PRIu64 ".%03" PRIu64, e->time_ns / 1000, e->time_ns % 1000);
}

static void print_args(FILE *out, const struct trace_event *e)
{
	fprintf(out, ",\"args\":{\"big\":%" PRIu64 ",\"small\":%" PRIu64 "}}", e->insns[0],
		e->insns[1]);
}

static void print_flow(struct trace_chrome *c, FILE *out, const struct trace_event *e, bool begin,
		       unsigned id)
{
	begin_event(c, out, begin ? "s" : "f", e->core + 1u);
	print_time(out, e);
	fprintf(out, ",\"name\":\"mail\",\"cat\":\"mail\",\"id\":%u%s}", id,
		begin ? "" : ",\"bp\":\"e\"");
}

static void print_flows(struct trace_chrome *c, FILE *out, const struct trace_event *e)
{
	unsigned *flow = &c->flow[!strcmp(e->label, "small")][e->a & 7];

	if (e->kind == TRACE_MAIL) {
		*flow = ++c->n_flows;
		print_flow(c, out, e, true, *flow);
	} else if (e->kind == TRACE_TAKEN && *flow) {
		print_flow(c, out, e, false, *flow);
		*flow = 0;
	}
}

static void print_event(void *arg, FILE *out, const struct trace_event *e)
{
	struct trace_chrome *c = arg;
	char text[TRACE_TEXT_MAX], header[TRACE_HEADER_TEXT_MAX];

	trace_text(e, text);
	trace_header_text(e, header);
	switch ((enum trace_kind)e->kind) {
	case TRACE_CLAIM:
		begin_event(c, out, "B", e->core + 1u);
		print_time(out, e);
		fprintf(out, ",\"name\":\"interrupt %" PRIu64 "\"", e->a);
		break;
	case TRACE_COMPLETE:
		begin_event(c, out, "E", e->core + 1u);
		print_time(out, e);
		break;
	default:
		begin_event(c, out, "i", e->core + 1u);
		print_time(out, e);
		fprintf(out, ",\"s\":\"t\",\"name\":\"%s%s\"", text, header);
		break;
	}
	print_args(out, e);
	print_flows(c, out, e);
}

static void print_end(void *arg, FILE *out)
{
	fputs("\n]}\n", out);
}

const struct trace_view trace_chrome_view = {
	.begin = print_begin, .event = print_event, .end = print_end};
