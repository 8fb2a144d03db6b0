/* SPDX-License-Identifier: MIT */
/*
 * The host's half of guest/image/exec_protocol.h.
 *
 * Our end of the control port is one end of a pair of streams in memory. What we say is collected
 * in `said` and written as the port takes it. Signals that come before "started" wait in a mask.
 * After "exit" the run is done when the counters of both outputs have reached what the guest has
 * sent, or an output's reader is gone.
 */
#include "cmd/exec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chr_fd.h"
#include "backend/chr_pair.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "cmd/exec_stream.h"
#include "guest/image/exec_protocol.h"

/* How often a wait for a slow reader looks for signals. */
#define DRAIN_STEP_MS 200

struct exec {
	struct exec_config cfg;
	struct exec_stream in, out, err;
	struct chr *control;       /* our end */
	struct chr *control_guest; /* the port's end */

	char line[EXEC_LINE_MAX];
	size_t line_len;
	char *said; /* not yet written to the guest */
	size_t said_len;

	uint64_t pending_signals; /* bit n: signal n, to be sent once CMD runs */
	bool sent;                /* CMD itself */
	bool started;
	bool eof_said;
	bool ended; /* exit, killed or error was read */
	bool done;
	bool abandoned; /* whoever reads the outputs is not waited for any more */
	int status;
	uint64_t want_out, want_err;
};

static void exec_flush_said(struct exec *x)
{
	ssize_t n;

	if (!x->said_len)
		return;
	n = chr_write(x->control, (const uint8_t *)x->said, x->said_len);
	if (n <= 0)
		return;
	x->said_len -= (size_t)n;
	memmove(x->said, x->said + n, x->said_len);
}

static void exec_finish(struct exec *x)
{
	if (x->done)
		return;
	x->done = true;
	x->cfg.done(x->cfg.arg);
}

static void exec_say(struct exec *x, const char *buf, size_t len)
{
	char *said = realloc(x->said, x->said_len + len);

	if (!said) {
		exec_finish(x);
		return;
	}
	memcpy(said + x->said_len, buf, len);
	x->said = said;
	x->said_len += len;
	exec_flush_said(x);
}

static void exec_say_line(struct exec *x, const char *word, uint64_t number)
{
	char line[EXEC_LINE_MAX];
	int n = snprintf(line, sizeof(line), "%s %llu\n", word, (unsigned long long)number);

	exec_say(x, line, (size_t)n);
}

static bool stream_complete(const struct exec_stream *s, uint64_t want)
{
	return s->broken || s->to_host >= want;
}

/* A count has changed: is the input at its end, is the output complete? */
static void exec_changed(void *arg)
{
	struct exec *x = arg;

	if (x->in.ended && !x->eof_said && x->started) {
		x->eof_said = true;
		exec_say_line(x, EXEC_EOF, x->in.from_host);
	}
	if (x->ended && stream_complete(&x->out, x->want_out) &&
	    stream_complete(&x->err, x->want_err)) {
		exec_say(x, EXEC_BYE "\n", strlen(EXEC_BYE "\n"));
		exec_finish(x);
	}
}

static void exec_started(struct exec *x)
{
	x->started = true;
	for (unsigned signo = 1; signo < 64; signo++)
		if (x->pending_signals & BIT(signo))
			exec_say_line(x, EXEC_SIGNAL, signo);
	x->pending_signals = 0;
	exec_changed(x);
}

static void exec_ended(struct exec *x, int status, uint64_t want_out, uint64_t want_err)
{
	x->ended = true;
	x->status = status;
	x->want_out = want_out;
	x->want_err = want_err;
	exec_changed(x);
}

static void exec_broken(struct exec *x, const char *why)
{
	log_warn("--exec: %s: \"%s\"", why, x->line);
	x->status = EXEC_NO_STATUS;
	exec_finish(x);
}

static void exec_say_text(struct exec *x, const char *word, const char *text)
{
	exec_say_line(x, word, strlen(text));
	exec_say(x, text, strlen(text));
}

/* Once in a run: what a guest asks for again and again would pile up here. */
static void exec_ready(struct exec *x)
{
	if (x->sent) {
		exec_broken(x, "the guest's init asked for the command again");
		return;
	}
	x->sent = true;
	for (unsigned i = 0; i < x->cfg.n_env; i++)
		exec_say_text(x, EXEC_ENV, x->cfg.env[i]);
	if (x->cfg.cwd)
		exec_say_text(x, EXEC_CWD, x->cfg.cwd);
	exec_say_text(x, EXEC_EXEC, x->cfg.command);
}

/* The user's mistake, not the guest's. */
static void exec_no_cwd(struct exec *x, const char *why)
{
	log_warn("--cwd %s: the guest cannot go there: %s", x->cfg.cwd, why);
	x->status = EXEC_NO_STATUS;
	exec_finish(x);
}

static void exec_line(struct exec *x)
{
	unsigned long long out, err;
	unsigned code;
	char behind;

	if (!strcmp(x->line, EXEC_READY)) {
		exec_ready(x);
	} else if (!strcmp(x->line, EXEC_STARTED)) {
		exec_started(x);
	} else if (sscanf(x->line, EXEC_EXIT " %u %llu %llu%c", &code, &out, &err, &behind) == 3 &&
		   code < 256) {
		exec_ended(x, (int)code, out, err);
	} else if (sscanf(x->line, EXEC_KILLED " %u %llu %llu%c", &code, &out, &err, &behind) ==
			   3 &&
		   code < 128) {
		exec_ended(x, 128 + (int)code, out, err);
	} else if (x->cfg.cwd && !strncmp(x->line, EXEC_NODIR " ", strlen(EXEC_NODIR " "))) {
		exec_no_cwd(x, x->line + strlen(EXEC_NODIR " "));
	} else if (!strncmp(x->line, EXEC_ERROR " ", strlen(EXEC_ERROR " "))) {
		exec_broken(x, "the guest's init could not start the command");
	} else {
		exec_broken(x, "the guest's init does not speak this protocol");
	}
}

static size_t control_input(void *user, const uint8_t *buf, size_t len)
{
	struct exec *x = user;

	for (size_t i = 0; i < len && !x->done; i++) {
		if (buf[i] == '\n') {
			x->line[x->line_len] = '\0';
			x->line_len = 0;
			exec_line(x);
		} else if (x->line_len < sizeof(x->line) - 1) {
			x->line[x->line_len++] = (char)buf[i];
		} else {
			x->line[x->line_len] = '\0';
			exec_broken(x, "a line of the guest's init is too long");
		}
	}
	return len;
}

static void control_writable(void *user)
{
	exec_flush_said(user);
}

static const struct chr_user_ops control_ops = {
	.input = control_input,
	.writable = control_writable,
};

static int exec_open_stream(struct exec *x, struct exec_stream *s, int in, int out, struct err *e)
{
	struct chr *chr;
	int ret = chr_fd_new(x->cfg.loop, in, out, &chr);

	if (ret)
		return err_set(e, ret, "--exec: standard %s cannot be used: %s",
			       in < 0 ? "output" : "input", strerror(-ret));
	exec_stream_init(s, chr, exec_changed, x);
	return 0;
}

/* What the protocol can carry. */
static int check_text(const char *option, const char *what, const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (len && len <= EXEC_TEXT_MAX)
		return 0;
	return err_set(e, -EINVAL, "%s: the %s is %s; give 1 to %d bytes", option, what,
		       len ? "too long" : "empty", EXEC_TEXT_MAX);
}

static int check_texts(const struct exec_config *cfg, struct err *e)
{
	int ret = check_text("--exec", "command", cfg->command, e);

	if (!ret && cfg->cwd)
		ret = check_text("--cwd", "directory", cfg->cwd, e);
	for (unsigned i = 0; i < cfg->n_env && !ret; i++)
		ret = check_text("--env", "variable", cfg->env[i], e);
	return ret;
}

int exec_new(const struct exec_config *cfg, struct exec **out, struct err *e)
{
	struct exec *x;
	int ret = check_texts(cfg, e);

	if (ret)
		return ret;
	x = calloc(1, sizeof(*x));
	if (!x)
		return err_set(e, -ENOMEM, "--exec: out of memory");
	x->cfg = *cfg;
	x->status = EXEC_NO_STATUS;
	ret = exec_open_stream(x, &x->in, cfg->in, -1, e);
	if (!ret)
		ret = exec_open_stream(x, &x->out, -1, cfg->out, e);
	if (!ret)
		ret = exec_open_stream(x, &x->err, -1, cfg->err, e);
	if (!ret)
		ret = chr_pair_new(cfg->loop, &x->control, &x->control_guest);
	if (ret) {
		exec_free(x);
		return ret;
	}
	chr_attach(x->control, &control_ops, x);
	chr_want_input(x->control, true);
	*out = x;
	return 0;
}

/* The guest starts when the control port opens, so that one comes last. */
void exec_ports(struct exec *x, struct machine_port port[EXEC_N_PORTS])
{
	port[0] = (struct machine_port){EXEC_PORT_OUT, &x->out.chr};
	port[1] = (struct machine_port){EXEC_PORT_ERR, &x->err.chr};
	port[2] = (struct machine_port){EXEC_PORT_IN, &x->in.chr};
	port[3] = (struct machine_port){EXEC_PORT_CONTROL, x->control_guest};
}

void exec_signal(struct exec *x, int signo)
{
	if (!x->started)
		x->pending_signals |= BIT(signo);
	else if (!x->ended)
		exec_say_line(x, EXEC_SIGNAL, (uint64_t)signo);
	else
		exec_abandon(x);
}

void exec_abandon(struct exec *x)
{
	x->abandoned = true;
}

int exec_status(const struct exec *x)
{
	return x->status;
}

/* As any program that writes to a pipe, this waits until the reader has taken everything, and as
 * any program it can be interrupted while it does. */
static void exec_drain(struct exec *x, struct exec_stream *s)
{
	while (s->inner && chr_flush(s->inner, DRAIN_STEP_MS) == -ETIMEDOUT && !x->abandoned)
		loop_turn(x->cfg.loop, 0);
}

void exec_free(struct exec *x)
{
	if (!x)
		return;
	exec_drain(x, &x->out);
	exec_drain(x, &x->err);
	exec_stream_fini(&x->in);
	exec_stream_fini(&x->out);
	exec_stream_fini(&x->err);
	chr_free(x->control);
	chr_free(x->control_guest);
	free(x->said);
	free(x);
}
