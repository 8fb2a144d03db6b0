/* SPDX-License-Identifier: MIT */
/* The server, by clients that keep the rules and by clients that do not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "control/control.h"
#include "base/unix_socket.h"

#define BIG (1u << 20)

struct world {
	struct loop *loop;
	struct control *control;
	struct control_calls later;
	unsigned n_later;
	char answer[BIG + 100]; /* the last line read */
};

/* ---- verbs ---- */

static void echo(void *arg, struct control_call *call)
{
	const char *text = control_arg(call, "text");

	if (text)
		control_answer(call, json_pack("{s:s}", "text", text));
	else
		control_answer(call, NULL);
}

static void later(void *arg, struct control_call *call)
{
	struct world *w = arg;

	w->n_later++;
	control_calls_put(&w->later, call);
}

static void big(void *arg, struct control_call *call)
{
	char *text = malloc(BIG);

	memset(text, 'x', BIG - 1);
	text[BIG - 1] = '\0';
	control_answer(call, json_pack("{s:s}", "text", text));
	free(text);
}

static void refuse(void *arg, struct control_call *call)
{
	/* A message may be cut inside of a character. */
	control_fail(call, CONTROL_E_STATE, "%s\xc3", "not now");
}

static const char *const echo_args[] = {"text", "other", NULL};

static const struct control_verb verbs[] = {
	{.name = "echo", .help = "says it again", .args = echo_args, .handle = echo},
	{.name = "later", .help = "answers later", .handle = later},
	{.name = "big", .help = "says much", .handle = big},
	{.name = "refuse", .help = "does not", .handle = refuse},
	{0},
};

/* ---- the world ---- */

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(control_new(w->loop, &w->control), 0);
	assert_int_equal(control_register(w->control, verbs, w), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	struct control_call *call;

	while ((call = control_calls_take(&w->later)))
		control_answer(call, NULL);
	control_free(w->control);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void settle(struct world *w)
{
	for (unsigned i = 0; i < 10000 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

static int connect_client(struct world *w)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(control_serve(w->control, fd[1]), 0);
	return fd[0];
}

/* Sends all of it, with the server at work in between; false: the server has closed. */
static bool say_bytes(struct world *w, int fd, const char *p, size_t len)
{
	for (unsigned i = 0; len && i < 100000; i++) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		p += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
		settle(w);
	}
	return !len;
}

static void say(struct world *w, int fd, const char *text)
{
	assert_true(say_bytes(w, fd, text, strlen(text)));
}

/* Reads one line into w->answer. NULL: the connection has ended, or there is none. */
static const char *hear(struct world *w, int fd)
{
	size_t len = 0;

	for (unsigned i = 0; i < 100000 && len < sizeof(w->answer); i++) {
		ssize_t n;

		/* Not one byte at a time, and no byte of the next line. */
		settle(w);
		n = recv(fd, w->answer + len, sizeof(w->answer) - len, MSG_PEEK);
		if (n <= 0)
			return NULL;
		for (size_t k = 0; k < (size_t)n; k++) {
			if (w->answer[len + k] != '\n')
				continue;
			assert_int_equal(recv(fd, w->answer + len, k + 1, 0), k + 1);
			w->answer[len + k] = '\0';
			return w->answer;
		}
		len += (size_t)recv(fd, w->answer + len, (size_t)n, 0);
	}
	return NULL;
}

static void expect(struct world *w, int fd, const char *wanted)
{
	const char *line = hear(w, fd);

	assert_non_null(line);
	assert_string_equal(line, wanted);
}

/* An error of that code, whatever the message. */
static void expect_error(struct world *w, int fd, const char *code)
{
	const char *line = hear(w, fd);
	json_t *j, *e;

	assert_non_null(line);
	j = json_loads(line, 0, NULL);
	e = json_object_get(j, "error");
	assert_string_equal(json_string_value(json_object_get(e, "code")), code);
	assert_true(json_string_length(json_object_get(e, "message")) > 5);
	assert_null(json_object_get(j, "ok"));
	json_decref(j);
}

static void expect_end(struct world *w, int fd)
{
	char c;

	settle(w);
	assert_int_equal(recv(fd, &c, 1, 0), 0);
}

/* The server serves somebody who behaves. */
static void expect_alive(struct world *w)
{
	int fd = connect_client(w);

	say(w, fd, "{\"verb\":\"echo\",\"args\":{\"text\":\"alive\"}}\n");
	expect(w, fd, "{\"ok\":true,\"text\":\"alive\"}");
	close(fd);
	settle(w);
}

/* ---- who keeps the rules ---- */

static void test_answers(void **state)
{
	struct world *w = *state;
	int fd = connect_client(w);

	say(w, fd, "{\"verb\":\"echo\"}\n");
	expect(w, fd, "{\"ok\":true}");
	say(w, fd, " { \"id\" : 7, \"args\" : {\"text\":\"a\\nb\"}, \"verb\" : \"echo\" } \r\n");
	expect(w, fd, "{\"ok\":true,\"text\":\"a\\nb\",\"id\":7}");
	say(w, fd, "{\"verb\":\"refuse\",\"id\":\"x\"}\n");
	expect(w, fd, "{\"error\":{\"code\":\"state\",\"message\":\"not now?\"},\"id\":\"x\"}");
	say(w, fd, "\n  \n{\"verb\":\"help\"}\n");
	expect(w, fd,
	       "{\"ok\":true,\"verbs\":["
	       "{\"verb\":\"help\",\"args\":[],\"help\":\"what can be asked for\"},"
	       "{\"verb\":\"echo\",\"args\":[\"text\",\"other\"],\"help\":\"says it again\"},"
	       "{\"verb\":\"later\",\"args\":[],\"help\":\"answers later\"},"
	       "{\"verb\":\"big\",\"args\":[],\"help\":\"says much\"},"
	       "{\"verb\":\"refuse\",\"args\":[],\"help\":\"does not\"}]}");
	close(fd);
}

static void test_bytewise_and_together(void **state)
{
	struct world *w = *state;
	int fd = connect_client(w);
	const char *line = "{\"verb\":\"echo\",\"args\":{\"text\":\"slow\"}}\n";

	for (const char *p = line; *p; p++) {
		assert_null(hear(w, fd));
		assert_true(say_bytes(w, fd, p, 1));
	}
	expect(w, fd, "{\"ok\":true,\"text\":\"slow\"}");
	say(w, fd, "{\"verb\":\"echo\",\"id\":1}\n{\"verb\":\"echo\",\"id\":2}\n{\"verb\":\"e");
	expect(w, fd, "{\"ok\":true,\"id\":1}");
	expect(w, fd, "{\"ok\":true,\"id\":2}");
	say(w, fd, "cho\",\"id\":3}\n");
	expect(w, fd, "{\"ok\":true,\"id\":3}");
	close(fd);
}

/* Answers come in the order of the requests; what comes meanwhile waits, that of others not. */
static void test_later(void **state)
{
	struct world *w = *state;
	int fd = connect_client(w), other = connect_client(w);

	say(w, fd, "{\"verb\":\"later\"}\n{\"verb\":\"later\"}\n{\"verb\":\"echo\"}\n");
	assert_null(hear(w, fd));
	assert_int_equal(w->n_later, 1);
	say(w, other, "{\"verb\":\"later\"}\n");
	assert_int_equal(w->n_later, 2);
	expect_alive(w);
	control_answer(control_calls_take(&w->later), json_pack("{s:i}", "n", 1));
	expect(w, fd, "{\"ok\":true,\"n\":1}");
	assert_int_equal(w->n_later, 3);
	control_fail(control_calls_take(&w->later), "own", "n %d", 2);
	expect(w, other, "{\"error\":{\"code\":\"own\",\"message\":\"n 2\"}}");
	control_answer(control_calls_take(&w->later), NULL);
	expect(w, fd, "{\"ok\":true}");
	expect(w, fd, "{\"ok\":true}");
	assert_null(control_calls_take(&w->later));
	close(fd);
	close(other);
}

/* The end of input ends a request, and is not the end of its answer. */
static void test_half_closed(void **state)
{
	struct world *w = *state;
	int fd = connect_client(w);

	say(w, fd, "{\"verb\":\"echo\",\"id\":1}\n{\"verb\":\"later\"}");
	shutdown(fd, SHUT_WR);
	expect(w, fd, "{\"ok\":true,\"id\":1}");
	assert_null(hear(w, fd));
	assert_int_equal(w->n_later, 1);
	control_answer(control_calls_take(&w->later), NULL);
	expect(w, fd, "{\"ok\":true}");
	expect_end(w, fd);
	close(fd);
}

/* ---- who does not ---- */

static void test_bad_requests(void **state)
{
	static const struct {
		const char *line, *code;
	} bad[] = {
		{"garbage", CONTROL_E_SYNTAX},
		{"{\"verb\":\"echo\"", CONTROL_E_SYNTAX},
		{"{\"verb\":\"echo\"}}", CONTROL_E_SYNTAX},
		{"{\"verb\":\"echo\",\"verb\":\"later\"}", CONTROL_E_SYNTAX},
		{"{\"verb\":\"\xff\xfe\"}", CONTROL_E_SYNTAX},
		{"{\"verb\":\"echo\\u0000\"}", CONTROL_E_SYNTAX},
		{"[\"echo\"]", CONTROL_E_SYNTAX},
		{"7", CONTROL_E_SYNTAX},
		{"\"echo\"", CONTROL_E_SYNTAX},
		{"{}", CONTROL_E_REQUEST},
		{"{\"verb\":7}", CONTROL_E_REQUEST},
		{"{\"verb\":\"echo\",\"what\":1}", CONTROL_E_REQUEST},
		{"{\"verb\":\"echo\",\"args\":[]}", CONTROL_E_REQUEST},
		{"{\"verb\":\"echo\",\"id\":{}}", CONTROL_E_REQUEST},
		{"{\"verb\":\"ehco\"}", CONTROL_E_VERB},
		{"{\"verb\":\"\"}", CONTROL_E_VERB},
		{"{\"verb\":\"echo\",\"args\":{\"txet\":\"x\"}}", CONTROL_E_ARGUMENT},
		{"{\"verb\":\"echo\",\"args\":{\"text\":7}}", CONTROL_E_ARGUMENT},
		{"{\"verb\":\"later\",\"args\":{\"text\":\"x\"}}", CONTROL_E_ARGUMENT},
	};
	struct world *w = *state;
	int fd = connect_client(w);

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		say(w, fd, bad[i].line);
		say(w, fd, "\n");
		expect_error(w, fd, bad[i].code);
	}
	say(w, fd, "{\"verb\":\"ehco\",\"id\":5}\n");
	expect(w, fd,
	       "{\"error\":{\"code\":\"verb\",\"message\":\"there is no verb ehco; did you mean "
	       "echo?\"},\"id\":5}");
	/* A line with a NUL in it, and the server goes on with this client. */
	assert_true(say_bytes(w, fd, "{}\0\n", 4));
	expect_error(w, fd, CONTROL_E_SYNTAX);
	say(w, fd, "{\"verb\":\"echo\"}\n");
	expect(w, fd, "{\"ok\":true}");
	assert_int_equal(w->n_later, 0);
	close(fd);
}

static void test_deep(void **state)
{
	struct world *w = *state;
	int fd = connect_client(w);
	char line[60000];

	memset(line, '[', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_true(say_bytes(w, fd, line, sizeof(line)));
	expect_error(w, fd, CONTROL_E_SYNTAX);
	close(fd);
	expect_alive(w);
}

/* The longest line that is allowed, one byte more, and 10 MB. */
static void test_long_lines(void **state)
{
	static const size_t lengths[] = {CONTROL_LINE_MAX - 1, CONTROL_LINE_MAX, 10u << 20};
	static const char end[] = "\"}}\n", begin[] = "{\"verb\":\"echo\",\"args\":{\"text\":\"";
	struct world *w = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		int fd = connect_client(w);
		char *line = malloc(lengths[i] + 1);

		memset(line, 'x', lengths[i]);
		memcpy(line, begin, sizeof(begin) - 1);
		memcpy(line + lengths[i] - 3, end, sizeof(end) - 1);
		assert_true(say_bytes(w, fd, line, lengths[i] + 1));
		if (lengths[i] < CONTROL_LINE_MAX)
			assert_non_null(strstr(hear(w, fd), "\"ok\":true"));
		else
			expect_error(w, fd, CONTROL_E_TOO_LONG);
		/* One error a line, and the next line is served. */
		say(w, fd, "{\"verb\":\"echo\"}\n");
		expect(w, fd, "{\"ok\":true}");
		free(line);
		close(fd);
	}
}

/* It asks and asks and reads nothing: it is not read from, so the socket fills up. */
static void test_reads_nothing(void **state)
{
	struct world *w = *state;
	int fd = connect_client(w);
	unsigned n = 0;
	const char *ask = "{\"verb\":\"big\"}\n";

	while (n < 1000000 && send(fd, ask, strlen(ask), MSG_NOSIGNAL) > 0) {
		settle(w);
		n++;
	}
	assert_int_equal(errno, EAGAIN);
	assert_in_range(n, 1, 999999);
	expect_alive(w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(strlen(hear(w, fd)),
				 strlen("{\"ok\":true,\"text\":\"\"}") + BIG - 1);
	close(fd);
	expect_alive(w);
}

static void test_hangs_up(void **state)
{
	static const char *const last[] = {
		"",
		"{\"verb\":\"ec",
		"{\"verb\":\"echo\"}\n",
		"{\"verb\":\"big\"}\n",
		"{\"verb\":\"later\"}\n{\"verb\":\"later\"}\n",
	};
	struct world *w = *state;
	struct control_call *call;

	for (unsigned i = 0; i < ARRAY_SIZE(last); i++) {
		int fd = connect_client(w);

		say(w, fd, last[i]);
		close(fd);
		settle(w);
		expect_alive(w);
	}
	/* The first `later` is with its handler; nobody is left to hear. */
	assert_int_equal(w->n_later, 1);
	while ((call = control_calls_take(&w->later)))
		control_answer(call, NULL);
	settle(w);
	expect_alive(w);
}

static void test_many_clients(void **state)
{
	struct world *w = *state;
	int fd[100], waiting = connect_client(w);

	say(w, waiting, "{\"verb\":\"later\"}\n");
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = connect_client(w);
		settle(w);
		/* The first one is not quiet. */
		say(w, fd[0], "{\"verb\":\"echo\"}\n");
		expect(w, fd[0], "{\"ok\":true}");
	}
	expect_alive(w);
	expect_error(w, fd[1], CONTROL_E_CLIENTS);
	expect_end(w, fd[1]);
	control_answer(control_calls_take(&w->later), NULL);
	expect(w, waiting, "{\"ok\":true}");
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	close(waiting);
}

/* All of them wait for an answer: nobody is sent away for a new one. */
static void test_many_that_wait(void **state)
{
	struct world *w = *state;
	int fd[CONTROL_CLIENTS_MAX], more[2];

	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = connect_client(w);
		say(w, fd[i], "{\"verb\":\"later\"}\n");
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, more), 0);
	assert_int_equal(control_serve(w->control, more[1]), -EBUSY);
	expect_error(w, more[0], CONTROL_E_CLIENTS);
	expect_end(w, more[0]);
	close(more[0]);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		control_answer(control_calls_take(&w->later), NULL);
		expect(w, fd[i], "{\"ok\":true}");
		close(fd[i]);
	}
	settle(w);
	expect_alive(w);
}

/* ---- the socket ---- */

static void test_listen(void **state)
{
	struct world *w = *state;
	char dir[] = "/tmp/linnet-control-XXXXXX", path[64];
	struct err e = {0};
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(control_listen(w->control, "--control unix:", path, &e), 0);
	fd = unix_socket_connect(path, SOCK_STREAM | SOCK_NONBLOCK);
	assert_true(fd >= 0);
	say(w, fd, "{\"verb\":\"echo\"}\n");
	expect(w, fd, "{\"ok\":true}");
	control_free(w->control);
	expect_end(w, fd);
	close(fd);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(control_new(w->loop, &w->control), 0);
}

/* With no descriptor left the loop still comes to rest, and serves again when there are some. */
static void test_no_descriptors(void **state)
{
	struct world *w = *state;
	char dir[] = "/tmp/linnet-control-XXXXXX", path[64];
	struct rlimit before, few;
	struct err e = {0};
	int fd[2], n = 0, hold[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(control_listen(w->control, "", path, &e), 0);
	fd[0] = unix_socket_connect(path, SOCK_STREAM | SOCK_NONBLOCK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < 64 && (hold[n] = dup(fd[0])) >= 0)
		n++;
	assert_in_range(n, 1, 63);
	for (unsigned i = 0; i < 1000 && loop_turn(w->loop, 0) > 0; i++)
		assert_true(i < 100);
	while (n)
		close(hold[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	expect_end(w, fd[0]);
	fd[1] = unix_socket_connect(path, SOCK_STREAM | SOCK_NONBLOCK);
	say(w, fd[1], "{\"verb\":\"echo\"}\n");
	expect(w, fd[1], "{\"ok\":true}");
	close(fd[0]);
	close(fd[1]);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_answers),        TEST(test_bytewise_and_together), TEST(test_later),
		TEST(test_half_closed),    TEST(test_bad_requests),          TEST(test_deep),
		TEST(test_long_lines),     TEST(test_reads_nothing),         TEST(test_hangs_up),
		TEST(test_many_clients),   TEST(test_many_that_wait),        TEST(test_listen),
		TEST(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
