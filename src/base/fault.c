/* SPDX-License-Identifier: MIT */
/*
 * One lock over rules, counts and lines. It is a leaf, and is taken by an operation only when its
 * point is armed, which is when a rule there is awake and has not had all its faults.
 *
 * Time never enters the decision about an operation: a rule with after=TIME sleeps, without arming
 * its point, until the one timer wakes it. The same timer asks the rules that go by the clock. It
 * takes them one by one, since what they do is done without the lock.
 */
#include "base/fault.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fault_line.h"
#include "base/fault_rule.h"
#include "base/mix.h"

struct faults {
	pthread_mutex_t lock;
	struct loop *loop;
	struct fault_device *devices;
	struct fault_rule *rules;
	struct fault_line *lines;
	struct loop_timer timer;
	atomic_uint epoch; /* moves when all delays are called off */
	bool on;
	void (*trace)(void *arg, const struct fault_report *r);
	void *trace_arg;
};

/* ---- deciding, under the lock ---- */

static bool rule_spent(const struct fault_rule *r)
{
	return r->times && r->taken == r->times;
}

/* One operation, or one moment, for a rule that is awake. */
static bool rule_take(struct fault_rule *r)
{
	r->asked++;
	if (rule_spent(r) || r->asked <= r->skip)
		return false;
	if (r->every && (r->asked - r->skip) % r->every)
		return false;
	if (r->chance && mix_next(&r->random) >> 32 >= r->chance)
		return false;
	r->taken++;
	return true;
}

static struct fault_report report_of(const struct fault_rule *r)
{
	return (struct fault_report){.text = r->text, .asked = r->asked, .taken = r->taken};
}

static void trace(const struct faults *f, const struct fault_rule *r)
{
	const struct fault_report report = report_of(r);

	if (f->trace)
		f->trace(f->trace_arg, &report);
}

static bool rule_wants(const struct fault_rule *r, const struct fault_point *p)
{
	return !r->timed && r->awake && !rule_spent(r) && p == &r->device->point[r->op];
}

static void point_refresh(const struct faults *f, struct fault_point *p)
{
	bool armed = false;

	for (const struct fault_rule *r = f->rules; r; r = r->next)
		armed = armed || rule_wants(r, p);
	atomic_store_explicit(&p->armed, armed && f->on, memory_order_relaxed);
}

static void refresh(struct faults *f)
{
	for (struct fault_device *d = f->devices; d; d = d->next)
		for (unsigned op = 0; op < FAULT_N_OPS; op++)
			point_refresh(f, &d->point[op]);
}

bool fault_ask_armed(struct fault_point *p, uint64_t first, uint64_t last, struct fault_hit *hit)
{
	struct faults *f = p->device->set;

	pthread_mutex_lock(&f->lock);
	*hit = (struct fault_hit){.epoch = faults_epoch(f)};
	for (struct fault_rule *r = f->on ? f->rules : NULL; r; r = r->next) {
		if (!rule_wants(r, p) || first > r->last || last < r->first || !rule_take(r))
			continue;
		hit->what |= r->what;
		hit->delay_ns = max_u64(hit->delay_ns, r->delay_ns);
		if (r->what == FAULT_CORRUPT)
			hit->random = mix_next(&r->random);
		trace(f, r);
	}
	if (hit->what)
		point_refresh(f, p);
	pthread_mutex_unlock(&f->lock);
	return hit->what;
}

/* ---- the clock ---- */

/* A rule whose time has come: wakes it, or asks it and says whom to tell. */
static struct fault_device *rule_due(struct faults *f, struct fault_rule *r, uint64_t now)
{
	r->due_ns = FAULT_NEVER;
	if (!r->timed) {
		r->awake = true;
		refresh(f);
		return NULL;
	}
	if (r->period_ns)
		r->due_ns = now + r->period_ns;
	if (!rule_take(r))
		return NULL;
	trace(f, r);
	return r->device;
}

static void arm_timer(struct faults *f)
{
	uint64_t next = FAULT_NEVER;

	for (const struct fault_rule *r = f->rules; r; r = r->next)
		next = min_u64(next, r->due_ns);
	if (f->on && next != FAULT_NEVER)
		loop_timer_arm(f->loop, &f->timer, next);
	else
		loop_timer_cancel(&f->timer);
}

static void time_has_come(struct loop_timer *t)
{
	struct faults *f = t->arg;
	uint64_t now = loop_now(f->loop);
	struct fault_rule *r;

	do {
		struct fault_device *d = NULL;
		enum fault_op op = FAULT_IRQ;

		pthread_mutex_lock(&f->lock);
		for (r = f->rules; r && r->due_ns > now; r = r->next)
			continue;
		if (r) {
			d = rule_due(f, r, now);
			op = r->op;
		}
		pthread_mutex_unlock(&f->lock);
		if (d && d->act)
			d->act(d->act_arg, op);
	} while (r);
	arm_timer(f);
}

/* Its times begin. */
static void rule_begin(struct fault_rule *r, uint64_t now)
{
	uint64_t first = r->after_ns ? r->after_ns : r->period_ns;

	r->awake = !r->after_ns;
	r->due_ns = r->timed || r->after_ns ? now + first : FAULT_NEVER;
}

/* ---- making ---- */

int faults_new(struct loop *loop, struct faults **out)
{
	struct faults *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	err = pthread_mutex_init(&f->lock, NULL);
	if (err) {
		free(f);
		return -err;
	}
	f->loop = loop;
	f->timer.fn = time_has_come;
	f->timer.arg = f;
	*out = f;
	return 0;
}

static void free_rules(struct faults *f)
{
	while (f->rules) {
		struct fault_rule *r = f->rules;

		f->rules = r->next;
		free(r->text);
		free(r);
	}
}

void faults_free(struct faults *f)
{
	if (!f)
		return;
	assert(!f->lines);
	loop_timer_cancel(&f->timer);
	free_rules(f);
	while (f->devices) {
		struct fault_device *d = f->devices;

		f->devices = d->next;
		free(d);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

int faults_device_new(struct faults *f, const struct fault_kind *kind, const char *name,
		      struct fault_device **out)
{
	struct fault_device *d = calloc(1, sizeof(*d)), **end = &f->devices;

	if (!d)
		return -ENOMEM;
	assert(strlen(name) <= FAULT_NAME_MAX);
	d->set = f;
	d->kind = kind;
	(void)snprintf(d->name, sizeof(d->name), "%s", name);
	for (unsigned op = 0; op < FAULT_N_OPS; op++)
		d->point[op].device = d;
	while (*end)
		end = &(*end)->next;
	*end = d;
	*out = d;
	return 0;
}

struct fault_device *faults_device(struct faults *f, const char *name)
{
	struct fault_device *d = f ? f->devices : NULL;

	while (d && strcmp(d->name, name))
		d = d->next;
	return d;
}

struct fault_point *fault_point(struct fault_device *d, enum fault_op op)
{
	return d && d->kind->what[op] ? &d->point[op] : NULL;
}

struct faults *fault_device_set(const struct fault_device *d)
{
	return d->set;
}

void fault_device_act(struct fault_device *d, void (*act)(void *arg, enum fault_op op), void *arg)
{
	d->act = act;
	d->act_arg = arg;
}

/* ---- lines ---- */

void faults_line_join(struct faults *f, struct fault_line *l)
{
	pthread_mutex_lock(&f->lock);
	l->next_line = f->lines;
	f->lines = l;
	pthread_mutex_unlock(&f->lock);
}

void faults_line_leave(struct faults *f, struct fault_line *l)
{
	struct fault_line **p = &f->lines;

	pthread_mutex_lock(&f->lock);
	while (*p != l)
		p = &(*p)->next_line;
	*p = l->next_line;
	pthread_mutex_unlock(&f->lock);
}

unsigned faults_epoch(const struct faults *f)
{
	return atomic_load(&f->epoch);
}

/* Under the lock. The epoch first: what joins a line after the line's task has run sees it. */
static void hurry(struct faults *f)
{
	atomic_fetch_add(&f->epoch, 1);
	for (struct fault_line *l = f->lines; l; l = l->next_line)
		loop_post(l->loop, &l->hurry);
}

/* ---- orders ---- */

void faults_power_on(struct faults *f)
{
	uint64_t now = loop_now(f->loop);

	pthread_mutex_lock(&f->lock);
	f->on = true;
	for (struct fault_rule *r = f->rules; r; r = r->next)
		rule_begin(r, now);
	refresh(f);
	pthread_mutex_unlock(&f->lock);
	arm_timer(f);
}

void faults_power_off(struct faults *f)
{
	pthread_mutex_lock(&f->lock);
	f->on = false;
	refresh(f);
	hurry(f);
	pthread_mutex_unlock(&f->lock);
	arm_timer(f);
}

int faults_add(struct faults *f, const char *label, const char *text, struct err *e)
{
	struct fault_rule *r = calloc(1, sizeof(*r)), **end = &f->rules;
	int ret = -ENOMEM;

	if (!r)
		return err_set(e, ret, "%s%.100s: out of memory", label, text);
	ret = fault_rule_parse(r, f->devices, label, text, e);
	if (ret) {
		free(r->text);
		free(r);
		return ret;
	}
	rule_begin(r, loop_now(f->loop));
	pthread_mutex_lock(&f->lock);
	while (*end)
		end = &(*end)->next;
	*end = r;
	refresh(f);
	pthread_mutex_unlock(&f->lock);
	arm_timer(f);
	return 0;
}

void faults_clear(struct faults *f)
{
	pthread_mutex_lock(&f->lock);
	free_rules(f);
	refresh(f);
	hurry(f);
	pthread_mutex_unlock(&f->lock);
	arm_timer(f);
}

void faults_list(struct faults *f, void (*fn)(void *arg, const struct fault_report *r), void *arg)
{
	pthread_mutex_lock(&f->lock);
	for (const struct fault_rule *r = f->rules; r; r = r->next) {
		const struct fault_report report = report_of(r);

		fn(arg, &report);
	}
	pthread_mutex_unlock(&f->lock);
}

void faults_trace(struct faults *f, void (*fn)(void *arg, const struct fault_report *r), void *arg)
{
	pthread_mutex_lock(&f->lock);
	f->trace = fn;
	f->trace_arg = arg;
	pthread_mutex_unlock(&f->lock);
}
