/* SPDX-License-Identifier: MIT */
/* `linnet trace`: a trace of `linnet run --trace` (base/trace.h) as a chart, or for other programs.
 * Main thread. */
#ifndef CMD_TRACE_H
#define CMD_TRACE_H

#include <stdio.h>

#include "base/trace.h"
#include "cmd/command.h"

extern const struct command trace_command;

/* A reader of events, one call for each in the order of the file; begin and end may be NULL. */
struct trace_view {
	void (*begin)(void *arg, FILE *out);
	void (*event)(void *arg, FILE *out, const struct trace_event *e);
	void (*end)(void *arg, FILE *out);
};

/* trace_read.c: one line of the file as an event. 0, or -EINVAL. */
int trace_parse(const char *line, struct trace_event *e);
/* Its kind and what there is to know of it, for people: "mail 0, 0x200011300". */
#define TRACE_TEXT_MAX 64u
void trace_text(const struct trace_event *e, char out[TRACE_TEXT_MAX]);
/* And what a message's header has besides: ", flags 0x1, reserved 0x2", each unless it is 0. */
#define TRACE_HEADER_TEXT_MAX 48u
void trace_header_text(const struct trace_event *e, char out[TRACE_HEADER_TEXT_MAX]);

/* A message sequence chart: a column for each core. arg: struct trace_chart. */
extern const struct trace_view trace_chart_view;
struct trace_chart {
	bool all; /* kicks and interrupts of devices too */
};

/* Chrome's trace format ("JSON Object Format"), which Perfetto reads. arg: struct trace_chrome,
 * zeroed. */
extern const struct trace_view trace_chrome_view;
struct trace_chrome {
	unsigned n;          /* events written */
	unsigned flow[2][8]; /* of the message that rings in a core's channel; 0: none */
	unsigned n_flows;
};

/* Messages of RPMsg as a file for tcpdump and Wireshark. arg: NULL. */
extern const struct trace_view trace_pcap_view;

#endif
