/* SPDX-License-Identifier: MIT */
/* A trace into a file of its own, and what it has in the end. */
#ifndef TEST_LIB_TRACE_FILE_H
#define TEST_LIB_TRACE_FILE_H

struct loop;
struct trace;

struct trace_file {
	char path[32];
	char text[16384]; /* after trace_file_end(): of each line what stands behind "event": */
	struct loop *loop;
	struct trace *trace;
};

/* Begins a trace on a loop of its own; both end with trace_file_end(). */
void trace_file_begin(struct trace_file *f);
void trace_file_end(struct trace_file *f);

#endif
