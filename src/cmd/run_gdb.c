/* SPDX-License-Identifier: MIT */
/* The wires between a gdb server, which knows CPUs, and a machine, which knows no debugger. */
#include "cmd/run_gdb.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "cpu/cpu.h"
#include "debug/gdb.h"
#include "machine/machine.h"

struct run_gdb {
	struct run_gdb_config cfg;
	struct gdb *gdb;
	struct machine *machine;
	struct gdb_target target;
	struct vcpus_hold hold;
	struct vcpus_debugger debugger;
	bool wait;
};

static void held(void *arg)
{
	struct run_gdb *g = arg;

	gdb_session_held(gdb_session(g->gdb));
}

static void met(void *arg)
{
	struct run_gdb *g = arg;

	gdb_session_met(gdb_session(g->gdb));
}

static void target_hold(void *arg)
{
	struct run_gdb *g = arg;

	machine_hold(g->machine, &g->hold);
}

static void target_go(void *arg, uint64_t harts)
{
	struct run_gdb *g = arg;

	machine_let_run(g->machine, harts);
	machine_release(g->machine, &g->hold);
}

static void target_kill(void *arg)
{
	struct run_gdb *g = arg;

	g->cfg.kill(g->cfg.arg);
}

int run_gdb_open(const struct run_gdb_config *cfg, struct run_gdb **out, struct err *e)
{
	const struct run_gdb_options *o = cfg->options;
	struct run_gdb *g;
	int ret;

	*out = NULL;
	if (!o->address)
		return 0;
	if (!cfg->engine->debug)
		return err_set(e, -ENOTSUP, "--gdb %s: --engine %s has nothing for debuggers",
			       o->address, cfg->engine->name);
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(e, -ENOMEM, "out of memory");
	g->cfg = *cfg;
	g->wait = o->wait;
	g->target = (struct gdb_target){
		.arg = g, .hold = target_hold, .go = target_go, .kill = target_kill};
	g->debugger = (struct vcpus_debugger){.met = met, .arg = g};
	ret = gdb_new(cfg->loop, "--gdb ", o->address, &g->gdb, e);
	if (ret) {
		free(g);
		return ret;
	}
	log_warn("gdb can connect with: target remote %s", gdb_address(g->gdb));
	*out = g;
	return 0;
}

void run_gdb_close(struct run_gdb *g)
{
	if (!g)
		return;
	gdb_free(g->gdb);
	free(g);
}

void run_gdb_begin(struct run_gdb *g, struct machine *m)
{
	if (!g)
		return;
	g->machine = m;
	g->target.vm = machine_vm(m);
	g->hold = (struct vcpus_hold){.held = held, .arg = g};
	machine_debug(m, &g->debugger);
	gdb_session_attach(gdb_session(g->gdb), &g->target, g->wait);
	g->wait = false; /* a reboot does not wait again */
}

void run_gdb_end(struct run_gdb *g, bool by_signal, unsigned status)
{
	if (!g)
		return;
	gdb_session_gone(gdb_session(g->gdb), by_signal, status);
	g->machine = NULL;
}
