/* SPDX-License-Identifier: MIT */
#include "trace_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/trace.h"

void trace_file_begin(struct trace_file *f)
{
	int fd;

	*f = (struct trace_file){.path = "/tmp/test_trace.XXXXXX"};
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(trace_open(f->loop, "", f->path, &f->trace, NULL), 0);
}

void trace_file_end(struct trace_file *f)
{
	char line[TRACE_LINE_MAX + 2];
	FILE *in;
	int n = 0;

	assert_int_equal(trace_close(f->trace), 0);
	in = fopen(f->path, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		n += snprintf(f->text + n, sizeof(f->text) - (size_t)n, "%s",
			      strstr(line, "\"event\":") + strlen("\"event\":"));
	(void)fclose(in);
	unlink(f->path);
	loop_free(f->loop);
}
