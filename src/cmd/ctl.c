/* SPDX-License-Identifier: MIT */
/*
 * One request, one answer: what the verbs mean is the server's affair. Here stands for each what
 * its operand is called on the wire and how its answer is printed.
 *
 * The server closes the connection when its process is at its end, disks written; so waiting for
 * that end is waiting for the end of the connection.
 */
#include "cmd/ctl.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "cmd/ctl_print.h"
#include "base/unix_socket.h"

#define STATUS_USAGE  2
#define STATUS_NOBODY 3
#define OPERANDS_MAX  4

struct ctl_options {
	bool json;
	bool wait;
	unsigned format;
};

struct ctl_verb {
	const char *name;
	/* The arguments that operands are; NULL: it takes none. The second is a path. */
	const char *operand, *path;
	void (*print)(const json_t *answer);
	bool wait; /* for the end of the machine */
};

static const struct ctl_verb verbs[] = {
	{"status", NULL, NULL, ctl_print_status, false},
	{"stats", NULL, NULL, ctl_print_stats, false},
	{"pause", NULL, NULL, ctl_print_state, false},
	{"resume", NULL, NULL, ctl_print_state, false},
	{"powerbutton", NULL, NULL, ctl_print_state, false},
	{"quit", NULL, NULL, ctl_print_state, true},
	{"fault", "rule", NULL, ctl_print_faults, false},
	{"help", NULL, NULL, ctl_print_help, false},
	{"link", "state", NULL, ctl_print_state, false},
	{"small", "action", "firmware", ctl_print_small, false},
	{"balloon", "size", NULL, ctl_print_state, false},
	{"diagnose", NULL, NULL, ctl_print_diagnosis, false},
};

static const char *const formats[] = {"json", "openmetrics", NULL};

#define AT(member) .offset = offsetof(struct ctl_options, member)

static const struct opt ctl_table[] = {
	{.help = "Options"},
	{.name = "json", .kind = OPT_FLAG, AT(json), .help = "print the answer as it comes"},
	{.name = "wait",
	 .kind = OPT_FLAG,
	 AT(wait),
	 .help = "then wait for the end of the machine (quit always does)"},
	{.name = "format",
	 .arg = "json|openmetrics",
	 .kind = OPT_CHOICE,
	 AT(format),
	 .choices = formats,
	 .help = "of stats"},
	{0},
};

/* ---- the command line ---- */

/* Options may stand before, between and behind the operands. */
static int parse(int argc, char **argv, struct ctl_options *o, const char **operand,
		 unsigned *n_operands, struct err *e)
{
	while (argc > 0) {
		int used, ret = opt_parse(ctl_table, o, argc, argv, &used, e);

		if (ret)
			return ret;
		argc -= used;
		argv += used;
		if (!argc)
			break;
		if (*n_operands == OPERANDS_MAX)
			return err_set(e, -EINVAL, "%s: too many arguments; see linnet ctl --help",
				       argv[0]);
		operand[(*n_operands)++] = argv[0];
		argc--;
		argv++;
	}
	if (*n_operands < 2)
		return err_set(e, -EINVAL, "give PATH and VERB; see linnet ctl --help");
	return 0;
}

static const struct ctl_verb *find_verb(const char *name, struct err *e)
{
	const char *names[ARRAY_SIZE(verbs) + 1] = {NULL};
	const char *near;

	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
		names[i] = verbs[i].name;
	}
	near = opt_nearest(name, names);
	err_set(e, -EINVAL, "there is no verb %s; %s%s%s", name,
		near ? "did you mean " : "see linnet ctl --help", near ? near : "",
		near ? "?" : "");
	return NULL;
}

/* The machine's process has a directory of its own. */
static json_t *from_root(const char *path)
{
	char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	json_t *v = cwd ? json_sprintf("%s/%s", cwd, path) : json_string(path);

	free(cwd);
	return v;
}

static json_t *make_request(const struct ctl_verb *v, const struct ctl_options *o,
			    const char *const *operand)
{
	json_t *args = json_object();

	if (operand[0])
		json_object_set_new(args, v->operand, json_string(operand[0]));
	if (operand[1])
		json_object_set_new(args, v->path, from_root(operand[1]));
	if (o->format)
		json_object_set_new(args, "format", json_string(formats[o->format]));
	return json_pack("{s:s,s:o}", "verb", v->name, "args", args);
}

/* ---- the conversation ---- */

/* A server that has no room for a client says so and ends the connection, perhaps before it has
 * read anything: that the request cannot be sent is no reason not to look for its answer. */
static int send_request(int fd, const json_t *request, struct err *e)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) + 1 : 0;

	if (!text)
		return err_set(e, -ENOMEM, "out of memory");
	text[len - 1] = '\n';
	for (size_t at = 0; at < len;) {
		ssize_t n = send(fd, text + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			break;
		at += n < 0 ? 0 : (size_t)n;
	}
	free(text);
	return 0;
}

/* Reads a line without its end: *line is the caller's to free. */
static int read_line(FILE *f, char **line, struct err *e)
{
	size_t size = 0;
	ssize_t n = getline(line, &size, f);

	if (n > 0 && (*line)[n - 1] == '\n') {
		(*line)[n - 1] = '\0';
		return 0;
	}
	return err_set(e, -EPIPE, "the connection ended without an answer");
}

static void wait_for_end(FILE *f)
{
	char buf[256];

	while (fread(buf, 1, sizeof(buf), f) > 0)
		continue;
}

static int print_answer(const struct ctl_verb *v, const struct ctl_options *o, const char *line)
{
	json_error_t error;
	json_t *answer = json_loads(line, 0, &error);
	const json_t *failure = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(failure, "message"));
	int status = json_is_true(json_object_get(answer, "ok")) ? EXIT_SUCCESS : EXIT_FAILURE;

	if (o->json)
		printf("%s\n", line);
	else if (status)
		fprintf(stderr, "linnet ctl: %s: %s\n", v->name,
			message ? message : "the answer makes no sense");
	else
		v->print(answer);
	json_decref(answer);
	return status;
}

static int converse(int fd, const struct ctl_verb *v, const struct ctl_options *o,
		    const json_t *request, struct err *e)
{
	FILE *f = fdopen(fd, "r");
	char *line = NULL;
	int ret, status = STATUS_NOBODY;

	if (!f) {
		close(fd);
		return err_set(e, STATUS_NOBODY, "%s", strerror(errno));
	}
	ret = send_request(fd, request, e);
	if (!ret)
		ret = read_line(f, &line, e);
	if (!ret) {
		status = print_answer(v, o, line);
		(void)fflush(stdout); /* main() looks at it again */
		if (!status && (v->wait || o->wait))
			wait_for_end(f);
	}
	free(line);
	(void)fclose(f); /* only read from */
	return status;
}

static int run(const char *path, const struct ctl_verb *v, const struct ctl_options *o,
	       const char *const *operand, struct err *e)
{
	json_t *request;
	int fd, status;

	if (!strncmp(path, "unix:", 5)) /* as --control has it */
		path += 5;
	fd = unix_socket_connect(path, SOCK_STREAM);
	if (fd < 0)
		return err_set(e, STATUS_NOBODY,
			       "%s: %s; is there a machine that was started with --control "
			       "unix:%s?",
			       path, strerror(-fd), path);
	request = make_request(v, o, operand);
	status = converse(fd, v, o, request, e);
	json_decref(request);
	return status;
}

static int cmd_ctl(int argc, char **argv)
{
	const char *operand[OPERANDS_MAX] = {"", "", NULL, NULL};
	struct ctl_options o = {0};
	const struct ctl_verb *v;
	struct err e = {0};
	unsigned n = 0;
	int status, ret = parse(argc - 1, argv + 1, &o, operand, &n, &e);

	if (ret == OPT_WANTS_HELP) {
		command_print_help(stdout, &ctl_command);
		return EXIT_SUCCESS;
	}
	v = ret ? NULL : find_verb(operand[1], &e);
	if (v && operand[2] && !v->operand) {
		err_set(&e, -EINVAL, "%s: %s takes no argument", operand[2], v->name);
		v = NULL;
	} else if (v && operand[3] && !v->path) {
		err_set(&e, -EINVAL, "%s: too many arguments; see linnet ctl --help", operand[3]);
		v = NULL;
	}
	status = v ? run(operand[0], v, &o, operand + 2, &e) : STATUS_USAGE;
	if (*e.text)
		fprintf(stderr, "linnet ctl: %s\n", e.text);
	return status;
}

const struct command ctl_command = {
	.name = "ctl",
	.help = "ask or steer a machine that runs with --control",
	.run = cmd_ctl,
	.usage = "[OPTIONS] PATH VERB [OPTIONS]",
	.about =
		"Asks or steers a machine that was started by `linnet run --control unix:PATH`.\n\n"
		"Verbs:\n"
		"  status       how the machine and its devices are\n"
		"  stats        what harts, devices and queues have counted\n"
		"  pause        the guest and its time stand still\n"
		"  resume       the guest goes on\n"
		"  link         the network's cable: link up, link down\n"
		"  small        the small core of a duo: small stop, small restart [FIRMWARE]\n"
		"  powerbutton  press the guest's power button: it shuts down in good order\n"
		"  quit         end the machine now; returns when its disks are written\n"
		"  help         what the machine's Linnet can be asked for\n\n"
		"Exit status: 0; 1 the machine refused; 2 wrong usage; 3 nobody answers at PATH",
	.options = ctl_table,
};
