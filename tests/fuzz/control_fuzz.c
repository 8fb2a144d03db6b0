/* SPDX-License-Identifier: MIT */
/*
 * What a client of the control socket may send. The input is cut into pieces by its own bytes
 * (0x01: what was written so far is looked at; 0x02: the client reads; 0x03: what was asked for is
 * answered), so that lines come in parts and together, and answers wait.
 *
 * Each line that comes back is a JSON object with either "ok" or "error", and there are no more of
 * them than lines have been sent.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "control/control.h"
#include "require.h"

#define ANSWERS_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct loop *loop;
	struct control *control;
	struct control_calls later;
	int fd;
	char *answers;
	size_t n_answers;
};

static void echo(void *arg, struct control_call *call)
{
	const char *text = control_arg(call, "text");

	if (text)
		control_fail(call, CONTROL_E_STATE, "%s", text);
	else
		control_answer(call, NULL);
}

static void later(void *arg, struct control_call *call)
{
	control_calls_put(&((struct world *)arg)->later, call);
}

static const char *const args[] = {"text", NULL};

static const struct control_verb verbs[] = {
	{.name = "echo", .help = "says it again", .args = args, .handle = echo},
	{.name = "later", .help = "answers later", .handle = later},
	{0},
};

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 1000 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

static void hear(struct world *w)
{
	ssize_t n;

	turn(w);
	n = recv(w->fd, w->answers + w->n_answers, ANSWERS_MAX - w->n_answers, MSG_DONTWAIT);
	if (n > 0)
		w->n_answers += (size_t)n;
}

static void answer_all(struct world *w)
{
	struct control_call *call;

	while ((call = control_calls_take(&w->later)))
		control_answer(call, json_pack("{s:i}", "n", 1));
}

/* Writes a piece; whether the server takes it all does not matter. */
static void write_piece(struct world *w, const uint8_t *p, size_t len)
{
	if (len)
		(void)send(w->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void check_line(const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);

	require(json_is_object(j));
	require(json_is_true(json_object_get(j, "ok")) !=
		json_is_object(json_object_get(j, "error")));
	json_decref(j);
}

static void check_answers(const struct world *w, size_t n_sent)
{
	const char *p = w->answers, *end = w->answers + w->n_answers;
	size_t n = 0;

	for (const char *nl; (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1, n++)
		check_line(p, (size_t)(nl - p));
	require(n <= n_sent);
}

static void world_init(struct world *w)
{
	int fd[2];

	*w = (struct world){.answers = malloc(ANSWERS_MAX)};
	require(w->answers && !loop_new(&w->loop) && !control_new(w->loop, &w->control));
	require(!control_register(w->control, verbs, w));
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	w->fd = fd[0];
	require(!control_serve(w->control, fd[1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t from = 0, n_sent = 1;
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < size; i++) {
		n_sent += data[i] == '\n';
		if (data[i] == 0 || data[i] > 3)
			continue;
		write_piece(&w, data + from, i - from);
		from = i + 1;
		turn(&w);
		if (data[i] == 2)
			hear(&w);
		else if (data[i] == 3)
			answer_all(&w);
	}
	write_piece(&w, data + from, size - from);
	shutdown(w.fd, SHUT_WR);
	for (unsigned i = 0; i < 100; i++) {
		hear(&w);
		answer_all(&w);
	}
	check_answers(&w, n_sent);
	control_free(w.control);
	close(w.fd);
	loop_free(w.loop);
	free(w.answers);
	return 0;
}
