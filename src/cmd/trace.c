/* SPDX-License-Identifier: MIT */
/* Line by line, so that a trace may be longer than memory. */
#include "cmd/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

struct options {
	bool all, chrome, pcap;
};

#define AT(member) .offset = offsetof(struct options, member)

static const struct opt trace_table[] = {
	{.help = "Options"},
	{.name = "all",
	 .kind = OPT_FLAG,
	 AT(all),
	 .help = "also devices, wires, and interrupts of the big core"},
	{.name = "chrome",
	 .kind = OPT_FLAG,
	 AT(chrome),
	 .help = "print it in Chrome's format, for ui.perfetto.dev"},
	{.name = "pcap",
	 .kind = OPT_FLAG,
	 AT(pcap),
	 .help = "print its RPMsg messages as a pcap file, for Wireshark"},
	{0},
};

static int show(FILE *in, const char *path, const struct trace_view *view, void *arg, struct err *e)
{
	struct trace_event event;
	unsigned long n = 0;
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	if (view->begin)
		view->begin(arg, stdout);
	while (!ret && getline(&line, &size, in) > 0) {
		n++;
		ret = trace_parse(line, &event);
		if (ret)
			err_set(e, ret, "%s:%lu: is no event of a trace of --trace", path, n);
		else
			view->event(arg, stdout, &event);
	}
	if (!ret && ferror(in))
		ret = err_set(e, -EIO, "%s: cannot be read", path);
	if (view->end)
		view->end(arg, stdout);
	free(line);
	return ret;
}

static int cmd_trace(int argc, char **argv)
{
	struct options o = {0};
	struct trace_chart chart;
	struct trace_chrome chrome = {0};
	struct err e = {0};
	int used, status, ret;
	FILE *in;

	if (!command_parse(&trace_command, &o, argc, argv, &used, &status))
		return status;
	if (argc - used != 1) {
		fprintf(stderr, "linnet trace: give one FILE; see linnet trace --help\n");
		return 2;
	}
	if (o.pcap && isatty(STDOUT_FILENO)) {
		fprintf(stderr, "linnet trace: --pcap: is no text; write it to a file with >\n");
		return 2;
	}
	in = fopen(argv[used], "re");
	if (!in) {
		fprintf(stderr, "linnet trace: %s: %s\n", argv[used], strerror(errno));
		return EXIT_FAILURE;
	}
	chart.all = o.all;
	if (o.pcap)
		ret = show(in, argv[used], &trace_pcap_view, NULL, &e);
	else if (o.chrome)
		ret = show(in, argv[used], &trace_chrome_view, &chrome, &e);
	else
		ret = show(in, argv[used], &trace_chart_view, &chart, &e);
	(void)fclose(in); /* only read from */
	if (!ret && (fflush(stdout) || ferror(stdout)))
		ret = err_set(&e, -EIO, "not all could be written");
	if (ret)
		fprintf(stderr, "linnet trace: %s\n", e.text);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command trace_command = {
	.name = "trace",
	.help = "show what both cores of a duo did to each other",
	.run = cmd_trace,
	.usage = "[OPTIONS] FILE",
	.about = "Shows a trace that was written by `linnet run --machine duo --trace FILE`: a "
		 "line for\n"
		 "each event, with the time and the instructions of both cores, and a column for "
		 "each\n"
		 "core.\n",
	.options = trace_table,
};
