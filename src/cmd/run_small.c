/* SPDX-License-Identifier: MIT */
/*
 * Without a console of its own the small core shares the machine's, if that leads anywhere: the
 * machine gets one half of a merged stream in the place of its console, and the core the other.
 */
#include "cmd/run_small.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chr.h"
#include "backend/chr_merge.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "cmd/run_options.h"
#include "cmd/run_parts.h"
#include "cpu/cpu.h"
#include "machine/machine.h"

#define PREFIX   "small| "
#define FLUSH_MS 5000

const char *const run_small_after_names[] = {"loader", "linux", NULL};

int run_small_core_parse(struct run_small_core *s, const char *label, char *value, struct err *e)
{
	char *at = strrchr(value, '@'), *end;

	s->path = value;
	s->at = 0;
	if (!at)
		return 0;
	errno = 0;
	s->at = strtoull(at + 1, &end, 16);
	if (errno || end == at + 1 || *end || !s->at)
		return err_set(e, -EINVAL,
			       "%s%s: give FILE, or FILE@ADDRESS with a hexadecimal address, such "
			       "as fw.bin@0x8fe00000",
			       label, value);
	*at = '\0';
	return 0;
}

int run_small_core_option(void *ctx, const char *label, char *value, struct err *e)
{
	return run_small_core_parse(&((struct run_options *)ctx)->small_core, label, value, e);
}

/* One A-B; what stands behind it, or NULL when it is wrong. */
static char *parse_window(struct windows *w, char *text)
{
	uint64_t start, end;
	char *rest;

	errno = 0;
	start = strtoull(text, &rest, 16);
	if (rest == text || *rest != '-')
		return NULL;
	text = rest + 1;
	end = strtoull(text, &rest, 16);
	if (errno || rest == text || (start | end) % WINDOWS_PAGE || windows_add(w, start, end))
		return NULL;
	return rest;
}

int run_small_window_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct windows *w = &((struct run_options *)ctx)->small_core.windows;
	char *at = value;

	w->n = 0;
	do {
		at = parse_window(w, at);
	} while (at && *at++ == ',');
	if (!at || at[-1])
		return err_set(e, -EINVAL,
			       "%s%s: give A-B[,A-B]..., at most %u, hexadecimal multiples of "
			       "0x1000 from A up to but not including B, such as "
			       "0x8fe00000-0x90000000",
			       label, value, WINDOWS_MAX);
	return 0;
}

int run_small_rings_option(void *ctx, const char *label, char *value, struct err *e)
{
	uint64_t *rings = &((struct run_options *)ctx)->small_core.rings;
	char *end;

	errno = 0;
	*rings = strtoull(value, &end, 16);
	if (errno || end == value || *end || !*rings || *rings % WINDOWS_PAGE)
		return err_set(e, -EINVAL,
			       "%s%s: give a hexadecimal multiple of 0x1000, such as 0x8fd00000",
			       label, value);
	return 0;
}

int run_small_symbols_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_small_core *s = &((struct run_options *)ctx)->small_core;

	if (s->n_symbols == ARRAY_SIZE(s->symbols))
		return err_set(e, -EINVAL, "%s%s: at most %u of them", label, value,
			       MACHINE_MAX_SYMBOLS);
	s->symbols[s->n_symbols++] = value;
	return 0;
}

int run_small_console_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	return run_console_parse(&o->small_core.console, label, value, e);
}

static bool engine_generates(const char *name)
{
	const struct cpu_engine *engine = cpu_engine_find(name);

	return engine && engine->find_code;
}

int run_small_check(const struct run_options *o, struct err *e)
{
	if (o->seed && !o->deterministic)
		return err_set(e, -EINVAL, "--seed %u: is for --deterministic; add that", o->seed);
	if (o->small_core.n_symbols && !o->small_core.check_coherence)
		return err_set(e, -EINVAL, "--symbols %s: is for --check-coherence; add that",
			       o->small_core.symbols[0]);
	if (o->small_core.check_coherence && o->engine && engine_generates(o->engine))
		return err_set(e, -EINVAL,
			       "--check-coherence: the engine %s does not see each access; give "
			       "--engine interp",
			       o->engine);
	return 0;
}

const struct cpu_engine *run_small_engine(const struct run_options *o)
{
	const struct cpu_engine *engine = cpu_engine_default();

	if (o->engine || !o->small_core.check_coherence || !engine->find_code)
		return engine;
	engine = cpu_engines[cpu_n_engines - 1];
	log_warn("--check-coherence: runs with --engine %s", engine->name);
	return engine;
}

bool run_small_misplaced(const struct run_options *o, const struct machine_type *type,
			 struct err *e)
{
	const struct run_small_core *s = &o->small_core;
	const struct {
		bool given;
		const char *option;
	} options[] = {
		{s->path, "--small-core"},
		{s->console.given, "--small-console"},
		{s->after, "--small-core-after"},
		{s->windows.n, "--small-core-window"},
		{s->rings, "--rings"},
		{o->trace, "--trace"},
		{o->deterministic, "--deterministic"},
		{s->check_coherence, "--check-coherence"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(options) && !type->small; i++) {
		if (!options[i].given)
			continue;
		err_set(e, -EINVAL, "%s: the machine %s has no small core; see linnet machines",
			options[i].option, type->name);
		return true;
	}
	return false;
}

/* ---- the console ---- */

int run_small_open(struct run_parts *p, const struct run_options *o, struct loop *loop,
		   struct err *e)
{
	const struct run_console *c = &o->small_core.console;
	struct run_parts_small *s = &p->small;
	int ret;

	if (!p->config.type->small)
		return 0;
	if (c->kind != RUN_CONSOLE_STDIO) {
		ret = run_console_open(c, "--small-console", loop, &s->console, e);
	} else if (p->console) {
		ret = chr_merge_new(loop, p->console, PREFIX, &s->merged, &s->console);
		if (ret)
			err_set(e, ret, "--small-console stdio: %s", strerror(-ret));
		else
			p->config.console = s->merged;
	} else {
		ret = 0;
	}
	p->config.small_console = s->console;
	return ret;
}

void run_small_close(struct run_parts *p)
{
	struct run_parts_small *s = &p->small;

	if (s->console)
		(void)chr_flush(s->console, FLUSH_MS);
	chr_free(s->console);
	chr_free(s->merged);
}
