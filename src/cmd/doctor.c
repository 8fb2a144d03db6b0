/* SPDX-License-Identifier: MIT */
/* Runs the probes one after the other; what follows from a finding is in the probe, how it is shown
 * here. */
#include "cmd/doctor.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/opt.h"
#include "cmd/doctor_probe.h"

#define APART_S 5

struct doctor_options {
	bool json;
};

static const struct opt doctor_table[] = {
	{.name = "json",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct doctor_options, json),
	 .help = "print the same as a JSON object"},
	{0},
};

void doctor_found(struct doctor_finding *f, enum doctor_state state, const char *fmt, ...)
{
	va_list ap;

	f->state = state;
	va_start(ap, fmt);
	(void)vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
}

void doctor_cure(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->cure, sizeof(f->cure), fmt, ap);
	va_end(ap);
}

const char *doctor_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	*buf = '\0';
	if (f && !fgets(buf, (int)size, f))
		*buf = '\0';
	if (f)
		(void)fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

int doctor_apart(int (*fn)(void))
{
	int status;
	pid_t pid;

	(void)fflush(NULL); /* or the other process would print it again */
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		(void)signal(SIGALRM, SIG_DFL);
		(void)alarm(APART_S);
		_exit(fn());
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WTERMSIG(status) == SIGALRM ? -ETIMEDOUT : -EINTR;
}

/* Text in lines that fit a terminal, all of them indented. */
static void print_wrapped(const char *text, int indent, const char *first)
{
	const int width = 79 - indent;
	int len;

	while (*text) {
		len = (int)strlen(text);
		if (len > width) {
			len = width;
			while (len && text[len] != ' ')
				len--;
			if (!len)
				len = (int)strcspn(text, " ");
		}
		printf("%*s%.*s\n", indent, first, len, text);
		first = "";
		text += len;
		text += strspn(text, " ");
	}
}

static void print_finding(const struct doctor_probe *p, const struct doctor_finding *f)
{
	static const char *const marks[] = {"ok", "limited", "missing"};
	bool fatal = p->needed && f->state == DOCTOR_MISSING;
	char left[48];

	(void)snprintf(left, sizeof(left), "%-8s %-11s ", fatal ? "NEEDED" : marks[f->state],
		       p->name);
	print_wrapped(f->found, 21, left);
	if (*f->cure)
		print_wrapped(f->cure, 24, "-> ");
}

static void print_all(const struct doctor_finding *findings, bool works)
{
	for (unsigned i = 0; i < doctor_n_probes; i++)
		print_finding(&doctor_probes[i], &findings[i]);
	printf("\n%s\n", works ? "linnet run works here."
			       : "linnet run does not work here until what is NEEDED is there.");
}

static int print_json(const struct doctor_finding *findings, bool works)
{
	static const char *const states[] = {"ok", "limited", "missing"};
	json_t *all = json_array(), *root;
	int ret = 0;

	for (unsigned i = 0; i < doctor_n_probes && !ret; i++)
		ret = json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "name", doctor_probes[i].name,
				  "purpose", doctor_probes[i].purpose, "needed",
				  doctor_probes[i].needed, "state", states[findings[i].state],
				  "found", findings[i].found, "cure", findings[i].cure));
	root = json_pack("{s:b, s:o}", "run_works", works, "probes", all);
	if (!ret)
		ret = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
	json_decref(root);
	printf("\n");
	return ret;
}

static int cmd_doctor(int argc, char **argv)
{
	struct doctor_finding *findings;
	struct doctor_options o = {0};
	bool works = true;
	int status;

	if (!command_parse(&doctor_command, &o, argc, argv, NULL, &status))
		return status;
	findings = calloc(doctor_n_probes, sizeof(*findings));
	if (!findings) {
		fprintf(stderr, "linnet doctor: out of memory\n");
		return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < doctor_n_probes; i++) {
		doctor_probes[i].look(&findings[i]);
		works &= !doctor_probes[i].needed || findings[i].state != DOCTOR_MISSING;
	}
	status = works ? EXIT_SUCCESS : EXIT_FAILURE;
	if (!o.json) {
		print_all(findings, works);
	} else if (print_json(findings, works)) {
		fprintf(stderr, "linnet doctor: this cannot be written as JSON\n");
		status = EXIT_FAILURE;
	}
	free(findings);
	return status;
}

static const struct command_chapter chapters[] = {
	{"EXIT STATUS",
	 "0 when `linnet run` works without further options, whatever else is missing; 1 when it "
	 "does not; 2 when the options are wrong."},
	{"FILES",
	 "Nothing is changed, downloaded or written. What `linnet run` would download first is "
	 "looked for in the cache, $XDG_CACHE_HOME/linnet or ~/.cache/linnet."},
	{NULL, NULL},
};

const struct command doctor_command = {
	.name = "doctor",
	.help = "say what this host offers and what it lacks",
	.run = cmd_doctor,
	.usage = "[OPTIONS]",
	.about = "Looks at this host: what `linnet run` needs, what makes it better, and what to\n"
		 "do about what is missing. Only what is marked NEEDED keeps it from working.",
	.options = doctor_table,
	.more = chapters,
};
