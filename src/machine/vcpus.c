/* SPDX-License-Identifier: MIT */
/*
 * With a thread for each hart the loop never waits for one: vcpus_stop() kicks them, each posts a
 * task when it has left run(), and the loop joins a thread that is at its end already. A hart may
 * be inside a bus access that needs the loop, which is why stopping cannot simply wait.
 *
 * In turns, a hart runs TURN_INSNS instructions, then the loop gets one round without waiting. What
 * a device completes is thus seen at instruction counts that are the same in each run. Interleaved
 * harts change places more often, which another seed does at other instructions. When all
 * harts are idle the time moves to the next deadline of a hart or of the loop; without any deadline
 * only the outside world can wake the machine, and the loop sleeps.
 *
 * Held harts wait outside run(), where they answer fences without doing anything for it. The last
 * one to get there posts a task, and whoever held the machine is told on the loop. In turns there
 * is nothing to wait for: the loop, where the holding is asked for, only turns between two harts.
 */
#include "machine/vcpus.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/mix.h"

#define TURN_INSNS 20000u
#define MIX_INSNS  1000u /* on the average, interleaved */
#define VCPU_STACK (256u << 10)

static void all_wait_task(struct loop_task *t);
static void met_task(struct loop_task *t);

int vcpus_init(struct vcpus *v, struct cpu_vm *vm, struct loop *loop, struct clock *clock)
{
	int err;

	*v = (struct vcpus){.vm = vm, .loop = loop, .clock = clock, .n = vm->cfg.n_harts};
	v->all_wait.fn = all_wait_task;
	v->all_wait.arg = v;
	v->met.fn = met_task;
	v->met.arg = v;
	for (unsigned i = 0; i < v->n; i++) {
		v->vcpu[i].all = v;
		v->vcpu[i].cpu = vm->cpu[i];
	}
	err = pthread_mutex_init(&v->lock, NULL);
	if (err)
		return -err;
	err = pthread_cond_init(&v->go, NULL);
	if (err)
		goto no_cond;
	err = pthread_key_create(&v->self, NULL);
	if (err)
		goto no_key;
	return 0;
no_key:
	pthread_cond_destroy(&v->go);
no_cond:
	pthread_mutex_destroy(&v->lock);
	return -err;
}

struct cpu *vcpus_current(const struct vcpus *v)
{
	const struct vcpu *vcpu = pthread_getspecific(v->self);

	return vcpu ? vcpu->cpu : NULL;
}

int vcpus_add(struct vcpus *v, struct cpu *cpu)
{
	unsigned i = v->n;

	if (i == ARRAY_SIZE(v->vcpu))
		return -ENOSPC;
	v->vcpu[i].all = v;
	v->vcpu[i].cpu = cpu;
	v->n++;
	return (int)i;
}

void vcpus_fini(struct vcpus *v)
{
	pthread_key_delete(v->self);
	pthread_cond_destroy(&v->go);
	pthread_mutex_destroy(&v->lock);
}

static void vcpus_check_stopped(struct vcpus *v)
{
	if (!v->running && v->stopped) {
		void (*stopped)(void *arg) = v->stopped;

		v->stopped = NULL;
		stopped(v->arg);
	}
}

static void vcpu_ended(struct loop_task *t)
{
	struct vcpu *vcpu = t->arg;

	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
	vcpu->all->running--;
	vcpus_check_stopped(vcpu->all);
}

/* On a hart's thread. */
static bool must_wait(struct vcpu *vcpu)
{
	return atomic_load(&vcpu->all->hold) || atomic_load(&vcpu->barred);
}

static void wait_while_held(struct vcpu *vcpu)
{
	struct vcpus *v = vcpu->all;

	pthread_mutex_lock(&v->lock);
	if (++v->waiting == v->n)
		loop_post(v->loop, &v->all_wait);
	while (must_wait(vcpu) && !atomic_load(&v->quit))
		pthread_cond_wait(&v->go, &v->lock);
	v->waiting--;
	pthread_mutex_unlock(&v->lock);
}

/* On a hart's thread, or in turns. */
static void vcpu_met(struct vcpu *vcpu)
{
	atomic_store(&vcpu->barred, true);
	loop_post(vcpu->all->loop, &vcpu->all->met);
}

/* On a hart's thread, or in turns: what vcpus_power() has left. */
static void obey(struct vcpu *vcpu)
{
	const struct cpu_engine *engine = vcpu->cpu->vm->engine;
	uint64_t start;
	bool power;

	pthread_mutex_lock(&vcpu->all->lock);
	atomic_store(&vcpu->ordered, false);
	power = vcpu->power;
	start = vcpu->start;
	pthread_mutex_unlock(&vcpu->all->lock);
	engine->reset(vcpu->cpu);
	if (power)
		(void)engine->start(vcpu->cpu, start, 0); /* it is stopped: it cannot fail */
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vcpus *v = vcpu->all;

	(void)pthread_setspecific(v->self, vcpu);
	while (!atomic_load_explicit(&v->quit, memory_order_acquire)) {
		if (must_wait(vcpu))
			wait_while_held(vcpu);
		else if (atomic_load(&vcpu->ordered))
			obey(vcpu);
		else if (vcpu->cpu->vm->engine->run(vcpu->cpu, 0) == CPU_EXIT_DEBUG)
			vcpu_met(vcpu);
	}
	loop_post(v->loop, &vcpu->ended);
	return NULL;
}

static int vcpu_start(struct vcpu *vcpu, const pthread_attr_t *attr)
{
	char name[16] = "hart 0";
	int ret;

	vcpu->ended.fn = vcpu_ended;
	vcpu->ended.arg = vcpu;
	ret = pthread_create(&vcpu->thread, attr, vcpu_thread, vcpu);
	if (ret)
		return -ret;
	vcpu->started = true;
	vcpu->all->running++;
	name[5] = (char)('0' + vcpu->cpu->id);
	pthread_setname_np(vcpu->thread, name);
	return 0;
}

/* Signals belong to the main thread: a new thread inherits the mask that is set around this. */
int vcpus_start(struct vcpus *v, struct err *e)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int ret;

	ret = -pthread_attr_init(&attr);
	if (ret)
		return err_set(e, ret, "no thread for a hart: %s", strerror(-ret));
	pthread_attr_setstacksize(&attr, VCPU_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < v->n && !ret; i++)
		ret = vcpu_start(&v->vcpu[i], &attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (ret)
		err_set(e, ret, "cannot start %u threads for --smp %u: %s; use a smaller --smp",
			v->n, v->n, strerror(-ret));
	return ret;
}

uint64_t vcpus_cpu_ns(const struct vcpus *v, unsigned hart)
{
	const struct vcpu *vcpu = &v->vcpu[hart];
	struct timespec ts;
	clockid_t clock;

	if (!vcpu->started || pthread_getcpuclockid(vcpu->thread, &clock) ||
	    clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void kick(struct vcpu *vcpu)
{
	vcpu->cpu->vm->engine->kick(vcpu->cpu);
}

static void kick_all(struct vcpus *v)
{
	for (unsigned i = 0; i < v->n; i++)
		kick(&v->vcpu[i]);
}

void vcpus_power(struct vcpus *v, unsigned i, bool on, uint64_t pc)
{
	struct vcpu *vcpu = &v->vcpu[i];

	pthread_mutex_lock(&v->lock);
	vcpu->power = on;
	vcpu->start = pc;
	atomic_store(&vcpu->ordered, true);
	pthread_mutex_unlock(&v->lock);
	kick(vcpu);
}

/* Wakes the threads that wait, to look again whether they have to. */
static void let_go(struct vcpus *v)
{
	pthread_mutex_lock(&v->lock);
	pthread_cond_broadcast(&v->go);
	pthread_mutex_unlock(&v->lock);
}

void vcpus_stop(struct vcpus *v, void (*stopped)(void *arg), void *arg)
{
	v->stopped = stopped;
	v->arg = arg;
	atomic_store_explicit(&v->quit, true, memory_order_release);
	let_go(v);
	kick_all(v);
	if (!v->clock->counted)
		vcpus_check_stopped(v);
}

static uint64_t next_deadline(struct cpu *cpu)
{
	return cpu->vm->engine->next_deadline(cpu);
}

/* Harts that will not run again have no events: what is left at the end of a run is the loop's. */
static uint64_t next_event_tick(const struct vcpus *v)
{
	unsigned n = atomic_load_explicit(&v->quit, memory_order_relaxed) ? 0 : v->n;
	uint64_t loop_ns = loop_next_deadline(v->loop);
	uint64_t next = UINT64_MAX;

	if (loop_ns != UINT64_MAX)
		next = loop_ns / v->clock->ns_per_tick + 1;
	for (unsigned i = 0; i < n; i++)
		if (!atomic_load(&v->vcpu[i].barred))
			next = min_u64(next, next_deadline(v->vcpu[i].cpu));
	return next;
}

void vcpus_idle(struct vcpus *v)
{
	uint64_t next = next_event_tick(v);

	if (next == UINT64_MAX) {
		loop_turn(v->loop, -1);
		return;
	}
	clock_skip_to(v->clock, next);
	loop_turn(v->loop, 0);
}

static enum cpu_exit turn(struct vcpus *v, struct vcpu *vcpu, uint64_t budget)
{
	enum cpu_exit why;

	if (atomic_load(&vcpu->barred))
		return CPU_EXIT_IDLE;
	if (atomic_load(&vcpu->ordered))
		obey(vcpu);
	clock_turn_begin(v->clock, vcpu->cpu);
	(void)pthread_setspecific(v->self, vcpu);
	why = vcpu->cpu->vm->engine->run(vcpu->cpu, budget);
	(void)pthread_setspecific(v->self, NULL);
	clock_turn_end(v->clock);
	if (v->log)
		state_log_look(v->log, vcpu->cpu);
	if (why == CPU_EXIT_DEBUG)
		vcpu_met(vcpu);
	return why;
}

/* Each hart, and the loop behind each. False: there is nothing to do for any of them. */
static bool even_round(struct vcpus *v)
{
	bool busy = false;

	for (unsigned i = 0; i < v->n && !v->holds; i++) {
		busy |= turn(v, &v->vcpu[i], TURN_INSNS) != CPU_EXIT_IDLE;
		busy |= loop_turn(v->loop, 0) > 0;
	}
	return busy;
}

/* A turn never ends in the middle of a block: what a hart does too much it has to wait for. */
static bool share(struct vcpus *v, struct vcpu *vcpu, uint64_t insns)
{
	uint64_t before = v->clock->insns;
	bool busy = true;

	vcpu->owed += (int64_t)insns;
	if (vcpu->owed > 0) {
		busy = turn(v, vcpu, (uint64_t)vcpu->owed) != CPU_EXIT_IDLE;
		vcpu->owed -= (int64_t)(v->clock->insns - before);
	}
	if (!busy)
		vcpu->owed = 0;
	v->since_loop += v->clock->insns - before;
	return busy;
}

/* The same, interleaved; the loop as often as in other rounds. */
static bool mixed_round(struct vcpus *v)
{
	uint64_t insns = 1 + mix_next(&v->random) % (2 * MIX_INSNS);
	bool busy = false;

	for (unsigned i = 0; i < v->n; i++)
		busy |= share(v, &v->vcpu[i], i ? insns * 7 / 10 : insns);
	if (busy && v->since_loop < TURN_INSNS)
		return true;
	v->since_loop = 0;
	return loop_turn(v->loop, 0) > 0 || busy;
}

void vcpus_interleave(struct vcpus *v, uint64_t seed)
{
	v->interleaved = true;
	v->random = seed;
}

void vcpus_run_in_turns(struct vcpus *v)
{
	while (!atomic_load_explicit(&v->quit, memory_order_relaxed)) {
		if (v->holds)
			loop_turn(v->loop, -1);
		else if (!(v->interleaved ? mixed_round(v) : even_round(v)))
			vcpus_idle(v);
	}
	vcpus_check_stopped(v);
}

/* ---- holding ---- */

static bool all_stand_still(struct vcpus *v)
{
	bool still;

	if (v->clock->counted)
		return true;
	pthread_mutex_lock(&v->lock);
	still = v->waiting == v->n;
	pthread_mutex_unlock(&v->lock);
	return still;
}

/* A callback may release any of the holds, so the list is looked at from its start each time. */
static void all_wait_task(struct loop_task *t)
{
	struct vcpus *v = t->arg;
	struct vcpus_hold *h = v->holds;

	if (!h || !all_stand_still(v))
		return;
	clock_hold(v->clock);
	while (h) {
		if (h->told) {
			h = h->next;
			continue;
		}
		h->told = true;
		if (h->held)
			h->held(h->arg);
		h = v->holds;
	}
}

void vcpus_hold(struct vcpus *v, struct vcpus_hold *h)
{
	h->told = false;
	h->next = v->holds;
	v->holds = h;
	atomic_store(&v->hold, true);
	if (all_stand_still(v))
		loop_post(v->loop, &v->all_wait);
	else
		kick_all(v);
}

void vcpus_release(struct vcpus *v, struct vcpus_hold *h)
{
	struct vcpus_hold **p = &v->holds;

	while (*p && *p != h)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = h->next;
	h->next = NULL;
	if (v->holds)
		return;
	clock_go_on(v->clock);
	atomic_store(&v->hold, false);
	let_go(v);
}

/* ---- debugging ---- */

static void met_task(struct loop_task *t)
{
	struct vcpus *v = t->arg;

	if (v->debugger)
		v->debugger->met(v->debugger->arg);
}

void vcpus_debug(struct vcpus *v, const struct vcpus_debugger *d)
{
	v->debugger = d;
	vcpus_let_run(v, ~0ull);
}

void vcpus_let_run(struct vcpus *v, uint64_t harts)
{
	for (unsigned i = 0; i < v->vm->cfg.n_harts; i++)
		atomic_store(&v->vcpu[i].barred, !(harts >> i & 1));
}
