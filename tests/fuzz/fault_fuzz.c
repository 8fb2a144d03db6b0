/* SPDX-License-Identifier: MIT */
/*
 * Rules of faults as text, one a line. Each is refused with a message, or listed as it was given
 * and does no more than its kind of device can; then time passes and operations go by, the same
 * twice, which meet the same faults.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/loop.h"

#define RULES_MAX 16
#define N_ASKS    64u
#define STEP_NS   500000u

static const struct fault_kind disk = {
	.name = "disk",
	.has_sectors = true,
	.what = {[FAULT_READ] = FAULT_ERROR | FAULT_DELAY | FAULT_SHORT | FAULT_CORRUPT,
		 [FAULT_WRITE] = FAULT_ERROR | FAULT_DROP,
		 [FAULT_FLUSH] = FAULT_ERROR | FAULT_DELAY,
		 [FAULT_IRQ] = FAULT_LOST | FAULT_SPURIOUS,
		 [FAULT_GONE] = FAULT_HAPPENS,
		 [FAULT_BROKEN] = FAULT_HAPPENS},
};

struct run {
	uint64_t now, sum;
	const char *text; /* of the last rule listed */
	unsigned n_rules;
};

static uint64_t now_of(void *arg)
{
	return ((struct run *)arg)->now;
}

static void on_act(void *arg, enum fault_op op)
{
	struct run *r = arg;

	assert(op == FAULT_IRQ || op == FAULT_GONE || op == FAULT_BROKEN);
	r->sum = r->sum * 31 + op;
}

static void on_rule(void *arg, const struct fault_report *report)
{
	struct run *r = arg;

	assert(report->taken <= report->asked);
	r->text = report->text;
	r->n_rules++;
	r->sum = r->sum * 31 + report->taken;
}

static void add(struct faults *f, struct run *r, const char *text)
{
	struct err e = {0};
	unsigned before = r->n_rules;
	int ret = faults_add(f, "--fault ", text, &e);

	assert(!ret == !e.text[0]);
	r->n_rules = 0;
	faults_list(f, on_rule, r);
	assert(r->n_rules == before + !ret);
	assert(ret || !strcmp(r->text, text));
}

static void ask(struct fault_device *d, struct run *r, unsigned i)
{
	struct fault_hit hit;

	for (unsigned op = 0; op < FAULT_N_OPS; op++) {
		if (!fault_ask_at(fault_point(d, op), i, i + 1, &hit))
			continue;
		assert(hit.what && !(hit.what & ~disk.what[op]));
		assert(!(hit.what & FAULT_DELAY) == !hit.delay_ns);
		r->sum = (r->sum * 31 + hit.what) * 31 + hit.random;
	}
}

static uint64_t run(char *const *line, unsigned n)
{
	struct run r = {.now = 1};
	struct fault_device *d;
	struct faults *f;
	struct loop *loop;
	int ret = loop_new(&loop);

	assert(!ret);
	loop_set_clock(loop, now_of, &r);
	ret = faults_new(loop, &f);
	assert(!ret);
	ret = faults_device_new(f, &disk, "disk0", &d);
	assert(!ret);
	fault_device_act(d, on_act, &r);
	for (unsigned i = 0; i < n; i++) {
		if (i == n / 2)
			faults_power_on(f);
		add(f, &r, line[i]);
	}
	faults_power_on(f);
	for (unsigned i = 0; i < N_ASKS; i++) {
		r.now += STEP_NS;
		ret = loop_turn(loop, 0);
		assert(ret >= 0 && ret <= 1);
		ask(d, &r, i);
	}
	faults_list(f, on_rule, &r);
	faults_clear(f);
	ask(d, &r, 0);
	faults_free(f);
	loop_free(loop);
	return r.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *line[RULES_MAX], *rest = text;
	unsigned n = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	while (rest && n < RULES_MAX)
		line[n++] = strsep(&rest, "\n");
	assert(run(line, n) == run(line, n));
	free(text);
	return 0;
}
