/* SPDX-License-Identifier: MIT */
/*
 *	        ms    big instructions  small
 *	  1612.345   161234567    70012   o------ mail 0, 0x200011300 ------>|
 *	  1612.347   161234570    70031   |                                  o claim 61
 *
 * A line for each event: a message leads from its sender's column to the receiver's, and what else
 * a core does stands to the right of its column. What is rarely there of a message's header stands
 * behind the chart.
 */
#include <inttypes.h>
#include <string.h>

#include "cmd/trace.h"

#define GAP 36 /* between the columns of the cores */

static void print_head(void *arg, FILE *out)
{
	fprintf(out, "%12s %14s %14s   %-*s %s\n", "ms", "instructions:", "", GAP, "", "");
	fprintf(out, "%12s %14s %14s   %-*s %s\n", "", "big", "small", GAP, "big", "small");
}

static bool is_wanted(const struct trace_chart *chart, const struct trace_event *e)
{
	switch ((enum trace_kind)e->kind) {
	case TRACE_LINE:
	case TRACE_RING:
	case TRACE_KICK:
	case TRACE_INTERRUPT:
	case TRACE_COMPLETE: return chart->all;
	case TRACE_CLAIM: return chart->all || e->core == TRACE_SMALL;
	default: return true;
	}
}

static void print_arrow(FILE *out, const char *text, bool to_small)
{
	int room = GAP - 4, len = (int)strlen(text), left;

	len = len < room ? len : room;
	left = (room - len) / 2;
	fputs(to_small ? "o" : "|<", out);
	for (int i = 0; i < left; i++)
		fputc('-', out);
	fprintf(out, " %.*s ", len, text);
	for (int i = 0; i < room - len - left; i++)
		fputc('-', out);
	fputs(to_small ? ">|" : "o", out);
}

static void print_event(void *arg, FILE *out, const struct trace_event *e)
{
	bool message = e->kind == TRACE_MAIL || e->kind == TRACE_RPMSG;
	bool to_small = !strcmp(e->label, "small");
	char text[TRACE_TEXT_MAX], header[TRACE_HEADER_TEXT_MAX];

	if (!is_wanted(arg, e))
		return;
	trace_text(e, text);
	trace_header_text(e, header);
	fprintf(out, "%8" PRIu64 ".%03" PRIu64 " %14" PRIu64 " %14" PRIu64 "   ",
		e->time_ns / 1000000, e->time_ns / 1000 % 1000, e->insns[0], e->insns[1]);
	if (message && e->core == (to_small ? TRACE_BIG : TRACE_SMALL))
		print_arrow(out, text, to_small);
	else if (e->core == TRACE_SMALL)
		fprintf(out, "|%*s o %s", GAP - 1, "", text);
	else
		fprintf(out, "%c %-*.*s |", e->core == TRACE_BIG ? 'o' : '|', GAP - 2, GAP - 2,
			text);
	fprintf(out, "%s\n", *header ? header + 1 : "");
}

const struct trace_view trace_chart_view = {.begin = print_head, .event = print_event};
