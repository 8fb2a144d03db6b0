/* SPDX-License-Identifier: MIT */
/*
 * The recipe is a shell script with one way out for programs: `--print` writes name=value lines. It
 * checks the cached set quickly, so it is run each time instead of keeping a second idea of what is
 * in the cache here.
 */
#include "cmd/guest_set.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "cmd/share.h"

#define TEXT_MAX       65536
#define SIGNAL_STEP_MS 100 /* between two looks for signals */
#define WORDS_MAX      12  /* of the recipe's command line, with the NULL at its end */

extern char **environ;

const char *const guest_set_kernels[] = {"small", "debug", NULL};

bool guest_set_is_own(const char *kernel)
{
	for (unsigned i = 0; kernel && guest_set_kernels[i]; i++)
		if (!strcmp(kernel, guest_set_kernels[i]))
			return true;
	return false;
}

/* The signals that we have blocked and ignored are the recipe's again, so that Ctrl-C ends it. */
static int set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, ignored;
	int ret;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	sigaddset(&ignored, SIGXFSZ);
	ret = -posix_spawnattr_setsigmask(attr, &none);
	if (!ret)
		ret = -posix_spawnattr_setsigdefault(attr, &ignored);
	if (!ret)
		ret = -posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
							      POSIX_SPAWN_SETSIGDEF |
							      POSIX_SPAWN_SETPGROUP);
	return ret;
}

/* Standard input is not the recipe's: it may be meant for a command in the guest. */
static int set_files(posix_spawn_file_actions_t *actions, int out)
{
	int ret = -posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY,
						    0);

	if (!ret)
		ret = -posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
	return ret;
}

static int spawn_recipe(const char *const argv[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int ret = -posix_spawn_file_actions_init(&actions);

	if (ret)
		return ret;
	ret = -posix_spawnattr_init(&attr);
	if (ret)
		goto no_attr;
	ret = set_signals(&attr);
	if (!ret)
		ret = set_files(&actions, out);
	if (!ret)
		ret = -posix_spawn(pid, "/bin/sh", &actions, &attr, share_argv(argv), environ);
	posix_spawnattr_destroy(&attr);
no_attr:
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

/* Our signals are blocked, for the loop to read; it does not run yet. */
static bool end_is_asked_for(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
		sigismember(&pending, SIGHUP) == 1);
}

/* Waits until there is something to read from a recipe. A signal meanwhile is passed on to all that
 * it has started, which it would not be told of otherwise: its process group is its own, because
 * its shell would put off the signal until a download is complete. -EINTR then. */
static int recipe_wait(int fd, pid_t pid)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ret;

	do {
		ret = poll(&p, 1, SIGNAL_STEP_MS);
		if (end_is_asked_for()) {
			kill(-pid, SIGTERM);
			return -EINTR;
		}
	} while (!ret || (ret < 0 && errno == EINTR));
	return ret < 0 ? -errno : 0;
}

/* Runs argv and returns what it printed; an exit status other than 0 is -ECHILD. */
static int recipe_output(const char *const argv[], char **text)
{
	int pipe_fd[2], status, ret;
	ssize_t n;
	pid_t pid;

	*text = calloc(1, TEXT_MAX);
	if (!*text)
		return -ENOMEM;
	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	ret = spawn_recipe(argv, pipe_fd[1], &pid);
	fd_close(&pipe_fd[1]);
	if (ret)
		goto out;
	ret = recipe_wait(pipe_fd[0], pid);
	n = fd_read_full(pipe_fd[0], *text, TEXT_MAX - 1);
	fd_close(&pipe_fd[0]); /* nor does one that prints more than that wait for us */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n < 0 && !ret)
		ret = (int)n;
	else if (!ret && (!WIFEXITED(status) || WEXITSTATUS(status)))
		ret = -ECHILD;
out:
	fd_close(&pipe_fd[0]);
	return ret;
}

static void parse_line(struct guest_set *g, char *line)
{
	char *value = strchr(line, '=');
	const struct {
		const char *name;
		char **field;
	} fields[] = {
		{"kernel", &g->kernel},
		{"initrd", &g->initrd},
		{"disk", &g->disk},
		{"append", &g->append},
		{"append_off", &g->append_off},
		{"modules", &g->modules},
		{"extras", &g->extras},
		{"extras_lacking", &g->extras_lacking},
	};

	if (!value)
		return;
	*value++ = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(line, fields[i].name))
			*fields[i].field = value;
}

static int recipe_command(struct share_paths *p, const char *argv[WORDS_MAX],
			  const struct guest_set_wish *w, struct err *e)
{
	unsigned n = 0;
	int ret = share_find(p, e);

	if (ret)
		return ret;
	argv[n++] = "sh";
	argv[n++] = p->fetch;
	argv[n++] = "--init";
	argv[n++] = p->init;
	if (w->update)
		argv[n++] = "--update";
	if (w->print)
		argv[n++] = "--print";
	for (unsigned i = 0; i < ARRAY_SIZE(w->own); i++) {
		if (!w->own[i])
			continue;
		argv[n++] = "--kernel";
		argv[n++] = guest_set_kernels[i];
	}
	argv[n] = NULL;
	return 0;
}

int guest_set_get(struct guest_set *g, const char *own, struct err *e)
{
	struct guest_set_wish wish = {.print = true};
	struct share_paths paths;
	const char *argv[WORDS_MAX];
	char *line, *rest;
	int ret;

	*g = (struct guest_set){0};
	for (unsigned i = 0; own && i < ARRAY_SIZE(wish.own); i++)
		wish.own[i] = !strcmp(own, guest_set_kernels[i]);
	ret = recipe_command(&paths, argv, &wish, e);
	if (ret)
		return ret;
	ret = recipe_output(argv, &g->text);
	if (ret) {
		guest_set_free(g);
		return err_set(e, ret,
			       "%s is not there; see the message above, or give --kernel, "
			       "--initrd and --disk",
			       own ? "the default guest with this kernel" : "the default guest");
	}
	for (line = strtok_r(g->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		parse_line(g, line);
	if (!g->kernel || !g->initrd || !g->disk || !g->append || !g->append_off) {
		guest_set_free(g);
		return err_set(e, -EPROTO, "%s printed no usable guest", paths.fetch);
	}
	return 0;
}

void guest_set_free(struct guest_set *g)
{
	free(g->text);
	*g = (struct guest_set){0};
}

int guest_set_build_extras(const char *own, struct err *e)
{
	struct share_paths paths;
	const char *argv[] = {"sh", NULL, "--init", NULL, "--extras", NULL, NULL, NULL};
	char *text;
	int ret = share_find(&paths, e);

	if (ret)
		return ret;
	argv[1] = paths.kbuild;
	argv[3] = paths.init;
	if (own) {
		argv[5] = "--kernel";
		argv[6] = own;
	}
	ret = recipe_output(argv, &text);
	free(text);
	if (ret)
		err_set(e, ret, "Linnet's drivers are not there; see the message above");
	return ret;
}

int guest_set_exec_fetch(const struct guest_set_wish *w, struct err *e)
{
	struct share_paths paths;
	const char *argv[WORDS_MAX];
	int ret = recipe_command(&paths, argv, w, e);

	if (ret)
		return ret;
	return share_exec(argv, e);
}
