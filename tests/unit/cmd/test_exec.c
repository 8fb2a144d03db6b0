/* SPDX-License-Identifier: MIT */
/* The host's half of --exec, with this test as the guest at the four ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/chr.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "cmd/exec.h"
#include "guest/image/exec_protocol.h"

enum { OUT, ERR, IN, CONTROL };

struct rig {
	struct loop *loop;
	struct exec *exec;
	struct machine_port port[EXEC_N_PORTS];
	int in[2], out[2], err[2]; /* pipes: the host's standard streams */
	unsigned n_done;
	char heard[1024], input[64]; /* what the host said, and what came for the command */
};

static size_t hear(void *text, const uint8_t *buf, size_t len)
{
	strncat(text, (const char *)buf, len);
	return len;
}

static const struct chr_user_ops hear_ops = {.input = hear};

static void note_done(void *arg)
{
	struct rig *r = arg;

	r->n_done++;
}

/* cfg: what is to be run. */
static struct rig *rig_new(struct exec_config cfg)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct err e;

	assert_non_null(r);
	cfg.done = note_done;
	cfg.arg = r;
	assert_int_equal(loop_new(&r->loop), 0);
	assert_int_equal(pipe2(r->in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(r->out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(r->err, O_CLOEXEC), 0);
	cfg.loop = r->loop;
	cfg.in = r->in[0];
	cfg.out = r->out[1];
	cfg.err = r->err[1];
	assert_int_equal(exec_new(&cfg, &r->exec, &e), 0);
	exec_ports(r->exec, r->port);
	chr_attach(r->port[CONTROL].chr, &hear_ops, r->heard);
	chr_want_input(r->port[CONTROL].chr, true);
	chr_attach(r->port[IN].chr, &hear_ops, r->input);
	chr_want_input(r->port[IN].chr, true);
	return r;
}

static int setup(void **state)
{
	*state = rig_new((struct exec_config){.command = "echo hi"});
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	exec_free(r->exec);
	loop_free(r->loop);
	for (int i = 0; i < 2; i++) {
		fd_close(&r->in[i]);
		fd_close(&r->out[i]);
		fd_close(&r->err[i]);
	}
	free(r);
	return 0;
}

/* Until nothing more happens by itself. */
static void settle(struct rig *r)
{
	while (loop_turn(r->loop, 0) > 0)
		;
}

static void say(struct rig *r, unsigned port, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(chr_write(r->port[port].chr, (const uint8_t *)text, len), len);
	settle(r);
}

static void expect_output(int fd, const char *want)
{
	char text[64] = "";

	assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(want));
	assert_string_equal(text, want);
}

static void test_run(void **state)
{
	struct rig *r = *state;

	assert_string_equal(r->port[CONTROL].name, EXEC_PORT_CONTROL);
	settle(r);
	assert_string_equal(r->heard, ""); /* it waits for us */
	say(r, CONTROL, "rea");
	say(r, CONTROL, "dy\n");
	assert_string_equal(r->heard, "exec 7\necho hi");
	say(r, CONTROL, "started\n");
	say(r, OUT, "hi\n");
	say(r, ERR, "oh\n");
	assert_int_equal(exec_status(r->exec), EXEC_NO_STATUS);
	say(r, CONTROL, "exit 7 3 3\n");
	assert_int_equal(r->n_done, 1);
	assert_int_equal(exec_status(r->exec), 7);
	assert_string_equal(r->heard, "exec 7\necho hibye\n");
	expect_output(r->out[0], "hi\n");
	expect_output(r->err[0], "oh\n");
	say(r, CONTROL, "exit 8 3 3\n"); /* too late */
	assert_int_equal(r->n_done, 1);
	assert_int_equal(exec_status(r->exec), 7);
}

/* Ports have queues of their own: the output may come behind the news of the end. */
static void test_late_output(void **state)
{
	struct rig *r = *state;

	say(r, CONTROL, "ready\nstarted\nkilled 9 5 1\n");
	assert_int_equal(r->n_done, 0);
	say(r, OUT, "hello");
	assert_int_equal(r->n_done, 0);
	say(r, ERR, "!");
	assert_int_equal(r->n_done, 1);
	assert_int_equal(exec_status(r->exec), 128 + 9);
}

static void test_reader_gone(void **state)
{
	struct rig *r = *state;

	say(r, CONTROL, "ready\nstarted\nexit 0 5 0\n");
	fd_close(&r->out[0]);
	say(r, OUT, "he");
	assert_int_equal(chr_write(r->port[OUT].chr, (const uint8_t *)"llo", 3), -EPIPE);
	settle(r);
	assert_int_equal(r->n_done, 1);
	assert_int_equal(exec_status(r->exec), 0);
}

static void test_input(void **state)
{
	struct rig *r = *state;

	assert_int_equal(write(r->in[1], "abc", 3), 3);
	fd_close(&r->in[1]);
	settle(r);
	assert_string_equal(r->input, "abc");
	say(r, CONTROL, "ready\n");
	assert_null(strstr(r->heard, "eof")); /* not before the command runs */
	say(r, CONTROL, "started\n");
	assert_string_equal(r->heard, "exec 7\necho hieof 3\n");
}

static void test_signals(void **state)
{
	struct rig *r = *state;

	exec_signal(r->exec, SIGTERM);
	say(r, CONTROL, "ready\n");
	assert_string_equal(r->heard, "exec 7\necho hi");
	say(r, CONTROL, "started\n");
	assert_string_equal(r->heard, "exec 7\necho hisignal 15\n");
	exec_signal(r->exec, SIGINT);
	settle(r);
	assert_string_equal(r->heard, "exec 7\necho hisignal 15\nsignal 2\n");
	say(r, CONTROL, "exit 0 0 0\n");
	exec_signal(r->exec, SIGINT);
	settle(r);
	assert_string_equal(r->heard, "exec 7\necho hisignal 15\nsignal 2\nbye\n");
}

/* Where the command runs, and with what: said before the command itself. */
static void test_surroundings(void **state)
{
	const char *const env[] = {"A=1", "B=two words\n"};
	const struct exec_config cfg = {.command = "pwd", .cwd = "/no", .env = env, .n_env = 2};
	void *again = rig_new(cfg);
	struct rig *r = again;

	say(r, CONTROL, "ready\n");
	assert_string_equal(r->heard, "env 3\nA=1env 12\nB=two words\ncwd 3\n/noexec 3\npwd");
	say(r, CONTROL, "nodir No such file or directory\n");
	assert_int_equal(r->n_done, 1);
	assert_int_equal(exec_status(r->exec), EXEC_NO_STATUS);
	teardown(&again);
}

/* A guest that does not keep to the protocol ends the run without a status. */
static void test_broken_guest(void **state)
{
	char long_line[EXEC_LINE_MAX + 1];
	const char *const lines[] = {
		"\n",
		"started now\n",
		"hello\n",
		"ready\nready\n",
		"exit 256 0 0\n",
		"exit -1 0 0\n",
		"exit 1 0\n",
		"exit 1 0 0 0\n",
		"killed 128 0 0\n",
		"error no such shell\n",
		"nodir /tmp\n", /* none was asked for */
		long_line,
	};
	void *again;

	memset(long_line, 'x', EXEC_LINE_MAX);
	long_line[EXEC_LINE_MAX] = '\0';
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct rig *r;

		assert_int_equal(setup(&again), 0);
		r = again;
		say(r, CONTROL, lines[i]);
		if (r->n_done != 1)
			fail_msg("not refused: %s", lines[i]);
		assert_int_equal(exec_status(r->exec), EXEC_NO_STATUS);
		say(r, CONTROL, "exit 0 0 0\n");
		assert_int_equal(r->n_done, 1);
		assert_int_equal(exec_status(r->exec), EXEC_NO_STATUS);
		teardown(&again);
	}
}

static void test_refused_commands(void **state)
{
	char *text = calloc(1, EXEC_TEXT_MAX + 2);
	struct exec_config cfg = {.command = text};
	struct exec *x;
	struct err e;

	assert_non_null(text);
	assert_int_equal(exec_new(&cfg, &x, &e), -EINVAL);
	assert_non_null(strstr(e.text, "is empty"));
	memset(text, 'x', EXEC_TEXT_MAX + 1);
	assert_int_equal(exec_new(&cfg, &x, &e), -EINVAL);
	assert_non_null(strstr(e.text, "too long"));
	cfg = (struct exec_config){.command = "true", .cwd = ""};
	assert_int_equal(exec_new(&cfg, &x, &e), -EINVAL);
	assert_non_null(strstr(e.text, "--cwd: the directory is empty"));
	cfg = (struct exec_config){
		.command = "true", .env = (const char *const[]){text}, .n_env = 1};
	assert_int_equal(exec_new(&cfg, &x, &e), -EINVAL);
	assert_non_null(strstr(e.text, "--env: the variable is too long"));
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run),
		TEST(test_late_output),
		TEST(test_reader_gone),
		TEST(test_input),
		TEST(test_signals),
		cmocka_unit_test(test_surroundings),
		cmocka_unit_test(test_broken_guest),
		cmocka_unit_test(test_refused_commands),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
