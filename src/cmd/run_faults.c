/* SPDX-License-Identifier: MIT */
/* Under -v each fault is a line, up to TRACE_MAX of a rule: what comes more often is counted. */
#include "cmd/run_faults.h"

#include "base/fault.h"
#include "base/log.h"
#include "cmd/run_options.h"

#define TRACE_MAX 16

static void trace(void *arg, const struct fault_report *r)
{
	if (r->taken <= TRACE_MAX)
		log_warn("fault %s: number %llu, at %llu%s", r->text, (unsigned long long)r->taken,
			 (unsigned long long)r->asked,
			 r->taken == TRACE_MAX ? " (the others are counted)" : "");
}

int run_faults_open(struct machine_faults *mf, const struct run_options *o,
		    struct machine_config *cfg, struct loop *loop, struct err *e)
{
	int ret;

	if (!o->n_faults && !o->control)
		return 0;
	ret = machine_faults_open(mf, cfg, loop, e);
	if (ret)
		return ret;
	for (unsigned i = 0; i < o->n_faults && !ret; i++)
		ret = faults_add(mf->set, "--fault ", o->fault[i], e);
	if (ret)
		machine_faults_close(mf);
	else if (o->verbose)
		faults_trace(mf->set, trace, NULL);
	return ret;
}

static void report_rule(void *arg, const struct fault_report *r)
{
	const bool *verbose = arg;

	if (*verbose)
		log_warn("fault %s: %llu of %llu", r->text, (unsigned long long)r->taken,
			 (unsigned long long)r->asked);
	else if (!r->taken)
		log_warn("--fault %s: never happened; its operation was seen %llu times", r->text,
			 (unsigned long long)r->asked);
}

void run_faults_report(const struct machine_faults *mf, const struct run_options *o)
{
	bool verbose = o->verbose;

	if (mf->set)
		faults_list(mf->set, report_rule, &verbose);
}
