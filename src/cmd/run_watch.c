/* SPDX-License-Identifier: MIT */
/*
 * The map's name is what perf looks for, in a directory that others can write too: a link that
 * somebody has put there is not followed. Lines are written as they come, so that both files are
 * of use after a crash.
 */
#include "cmd/run_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cpu/cpu.h"

#define AT(member) .offset = offsetof(struct run_watch_options, member)

const struct opt run_watch_keys[] = {
	{.name = "path", .arg = "F", .kind = OPT_STRING, AT(dump)},
	{.name = "blocks", .kind = OPT_SIZE, .min = 1, .max = UINT64_MAX, AT(blocks)},
	{.name = "from", .kind = OPT_SIZE, .max = UINT64_MAX, AT(from)},
	{.name = "to", .kind = OPT_SIZE, .max = UINT64_MAX, AT(to)},
	{0},
};

int run_watch_parse(struct run_watch_options *o, const char *label, char *value, struct err *e)
{
	int ret;

	o->dump = NULL;
	o->from = 0;
	o->to = UINT64_MAX;
	o->blocks = UINT64_MAX;
	ret = opt_parse_list(run_watch_keys, o, label, value, "path", e);
	if (!ret && (!o->dump || !*o->dump))
		ret = err_set(e, -EINVAL, "%sneeds a file: path=FILE", label);
	if (!ret && o->from > o->to)
		ret = err_set(e, -EINVAL, "%sfrom=0x%llx,to=0x%llx: nothing lies between", label,
			      (unsigned long long)o->from, (unsigned long long)o->to);
	return ret;
}

const struct opt run_state_log_keys[] = {
	{.name = "path", .arg = "F", .kind = OPT_STRING, AT(state_log)},
	{.name = "every", .kind = OPT_SIZE, .min = 1, .max = UINT64_MAX / 2, AT(every)},
	{0},
};

int run_state_log_parse(struct run_watch_options *o, const char *label, char *value, struct err *e)
{
	int ret;

	o->state_log = NULL;
	o->every = 10000000;
	ret = opt_parse_list(run_state_log_keys, o, label, value, "path", e);
	if (!ret && (!o->state_log || !*o->state_log))
		ret = err_set(e, -EINVAL, "%sneeds a file: path=FILE", label);
	return ret;
}

static int open_file(FILE **out, const char *option, const char *path, int flags, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0644);
	int err;

	*out = fd < 0 ? NULL : fdopen(fd, "w");
	if (*out) {
		(void)setvbuf(*out, NULL, _IOLBF, BUFSIZ);
		return 0;
	}
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err_set(e, err, "%s: cannot write %s: %s", option, path, strerror(-err));
}

int run_watch_open(struct cpu_watch *w, const struct run_watch_options *o,
		   const struct cpu_engine *engine, struct err *e)
{
	char map[40];
	int ret = 0;

	*w = (struct cpu_watch){.from = o->from, .to = o->to, .left = o->blocks};
	if ((o->dump || o->perf_map) && !engine->find_code)
		return err_set(e, -EINVAL, "%s: the engine %s generates no code; add --engine jit",
			       o->dump ? "--jit-dump" : "--perf-map", engine->name);
	if (o->dump)
		ret = open_file(&w->dump, "--jit-dump", o->dump, 0, e);
	if (o->perf_map && !ret) {
		snprintf(map, sizeof(map), "/tmp/perf-%ld.map", (long)getpid());
		ret = open_file(&w->map, "--perf-map", map, O_NOFOLLOW, e);
	}
	return ret;
}

int run_state_log_open(struct state_log *l, const struct run_watch_options *o, struct err *e)
{
	*l = (struct state_log){.every = o->every};
	if (!o->state_log)
		return 0;
	return open_file(&l->out, "--state-log", o->state_log, 0, e);
}

void run_state_log_close(struct state_log *l)
{
	if (l->out)
		(void)fclose(l->out);
	l->out = NULL;
}

void run_watch_close(struct cpu_watch *w)
{
	if (w->dump)
		(void)fclose(w->dump);
	if (w->map)
		(void)fclose(w->map);
	*w = (struct cpu_watch){0};
}
