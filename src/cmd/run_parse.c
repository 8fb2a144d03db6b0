/* SPDX-License-Identifier: MIT */
/* From a command line and a configuration file to checked options: what the table in run_options.c
 * cannot say, because it is about several of them. */
#include "cmd/run_options.h"

#include <errno.h>

#include "base/err.h"
#include "cmd/config.h"
#include "cmd/run_wires.h"

static int check(const struct run_options *o, struct err *e)
{
	int ret;

	if (o->append && o->append_only)
		return err_set(e, -EINVAL,
			       "--append adds to the default line and --append-only replaces it; "
			       "give one of them");
	if (o->exec && o->firmware && !o->kernel)
		return err_set(
			e, -EINVAL,
			"--exec needs the default init, which --firmware %s alone would not start; "
			"add the --kernel that it goes on to, or leave one of them out",
			o->firmware);
	if (o->exec && o->initrd)
		return err_set(e, -EINVAL,
			       "--exec needs the default init, which --initrd %s replaces; use "
			       "--file to add to the default one",
			       o->initrd);
	if (!o->exec && (o->cwd || o->n_env))
		return err_set(e, -EINVAL, "--%s %s: is for the command of --exec; add one",
			       o->cwd ? "cwd" : "env", o->cwd ? o->cwd : o->env[0]);
	if (o->seed && !o->deterministic)
		return err_set(e, -EINVAL, "--seed %u: is for --deterministic; add that", o->seed);
	if (o->watch.state_log && o->clock != RUN_CLOCK_INSTRUCTIONS)
		return err_set(e, -EINVAL,
			       "--state-log: only with --clock instructions are two runs the same "
			       "instruction by instruction; add it");
	if ((o->remotes.n || o->net.kind == RUN_NET_SWITCH) && o->clock == RUN_CLOCK_INSTRUCTIONS)
		return err_set(e, -EINVAL,
			       "--clock instructions makes each run the same, which another "
			       "process's work (--share, --vhost-user, --net switch) cannot be; "
			       "leave one out");
	if (o->vsock.path && o->clock == RUN_CLOCK_INSTRUCTIONS)
		return err_set(e, -EINVAL,
			       "--clock instructions makes each run the same, which what comes in "
			       "by --vsock is not; leave one out");
	if (o->mem_prealloc && o->balloon)
		return err_set(
			e, -EINVAL,
			"--mem-prealloc keeps all memory, and --balloon gives it back; leave "
			"one of them out");
	if (o->mem % (2u << 20))
		return err_set(e, -EINVAL, "--mem %llu: give a multiple of 2M",
			       (unsigned long long)o->mem);
	ret = run_wires_check(o, e);
	return ret ? ret : run_iothreads_check(o, e);
}

/* The file comes first, so that the command line has the last word. */
static int read_config(struct run_options *o, int argc, char **argv, struct err *e)
{
	const char *path = opt_given(run_option_table, argc, argv, "config");
	int ret = 0;

	if (path)
		ret = config_load(path, &o->config_file, e);
	if (!ret && opt_given(run_option_table, argc, argv, "dump-config"))
		ret = config_dump_new(o->config_file, run_option_table, argc, argv, &o->config_dump,
				      e);
	if (ret || !path)
		return ret;
	/* So that the promised status is known whatever else is wrong; its own turn comes below. */
	if (config_has(o->config_file, "exec"))
		o->exec = "";
	return config_apply(o->config_file, run_option_table, o, argc, argv, e);
}

void run_options_free(struct run_options *o)
{
	config_free(o->config_file);
	config_dump_free(o->config_dump);
	o->config_file = NULL;
	o->config_dump = NULL;
}

int run_options_parse(struct run_options *o, int argc, char **argv, struct err *e)
{
	int used, ret;

	*o = (struct run_options){
		.smp = 1,
		.net = {.iothread = IOTHREADS_ANY},
		.ring = {.event_idx = true, .indirect = true, .queue_reset = true},
		.rng = true};
	ret = read_config(o, argc, argv, e);
	if (ret)
		return ret;
	ret = opt_parse(run_option_table, o, argc, argv, &used, e);
	if (ret)
		return ret;
	if (used < argc)
		return err_set(e, -EINVAL,
			       "%s: `linnet run` takes options only; see linnet run "
			       "--help",
			       argv[used]);
	if (o->deterministic)
		o->clock = RUN_CLOCK_INSTRUCTIONS;
	return check(o, e);
}
