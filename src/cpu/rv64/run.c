/* SPDX-License-Identifier: MIT */
/*
 * Harts that wait for each other: requests, parking, sleep, start and stop.
 *
 * A request is put into the target's list under the VM's lock, and RV64_ATTN_FENCE is set. Then the
 * requester looks at `parked`. The target, when it stops being parked, clears `parked` and then
 * looks at its attention word. Both orders are sequentially consistent, so at least one of them
 * sees the other: either the requester knows that the target will look before it goes on, or it
 * waits for the target's answer. The same reasoning, with `asleep` for `parked`, makes sure that no
 * wake-up is lost: attention is set before `asleep` is read, and `asleep` is set before attention
 * is read.
 *
 * Memory: what a hart stored before it parked or answered is visible to the requester afterwards,
 * since both are atomics or happen under the lock.
 */
#include "cpu/rv64/run.h"

#include <errno.h>
#include <time.h>

#include "base/bits.h"
#include "base/fd.h"

static struct rv64_run_vm *vm_of(struct rv64_run *r)
{
	return (struct rv64_run_vm *)(void *)r->hart.cpu.vm;
}

int rv64_run_vm_init(struct rv64_run_vm *vm)
{
	int err = pthread_mutex_init(&vm->lock, NULL);

	if (err)
		return -err;
	err = pthread_cond_init(&vm->served, NULL);
	if (err)
		pthread_mutex_destroy(&vm->lock);
	return -err;
}

void rv64_run_vm_fini(struct rv64_run_vm *vm)
{
	pthread_cond_destroy(&vm->served);
	pthread_mutex_destroy(&vm->lock);
}

static int cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int err = pthread_condattr_init(&attr);

	if (err)
		return err;
	err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!err)
		err = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return err;
}

int rv64_run_init(struct rv64_run *r, const struct rv64_run_ops *ops)
{
	int err = pthread_mutex_init(&r->sleep_lock, NULL);

	if (err)
		return -err;
	err = cond_init_monotonic(&r->wake);
	if (err) {
		pthread_mutex_destroy(&r->sleep_lock);
		return -err;
	}
	r->ops = ops;
	halt_wait_init(&r->halt);
	atomic_store(&r->parked, true);
	return 0;
}

void rv64_run_fini(struct rv64_run *r)
{
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->sleep_lock);
}

/* ---- requests ---- */

static void do_request(struct rv64_run *r, const struct rv64_request *req)
{
	struct rv64_hart *h = &r->hart;

	switch (req->kind) {
	case RV64_REQ_FENCE_I: r->ops->fence_i(h); break;
	case RV64_REQ_VMA: rv64_mmu_flush_range(h, req->start, req->size, req->asid); break;
	case RV64_REQ_PROTECT: rv64_mmu_protect_page(h, req->start); break;
	}
}

/* Under the lock, on the hart's thread or while it is parked by its own thread's waiting. */
static void serve_locked(struct rv64_run *r)
{
	struct rv64_hart *h = &r->hart;

	if (r->n_requests > RV64_MAX_REQUESTS) {
		rv64_mmu_flush(h);
		r->ops->fetch_flush(h, 0, UINT64_MAX);
		r->ops->fence_i(h);
	} else {
		for (unsigned i = 0; i < r->n_requests; i++)
			do_request(r, &r->request[i]);
	}
	r->n_requests = 0;
	r->done = r->asked;
	r->served++;
	atomic_fetch_and(&h->attention, ~RV64_ATTN_FENCE);
	pthread_cond_broadcast(&vm_of(r)->served);
}

void rv64_run_serve(struct rv64_run *r)
{
	struct rv64_run_vm *vm = vm_of(r);

	pthread_mutex_lock(&vm->lock);
	serve_locked(r);
	pthread_mutex_unlock(&vm->lock);
}

static void ask_locked(struct rv64_run *r, const struct rv64_request *req)
{
	if (r->n_requests < RV64_MAX_REQUESTS)
		r->request[r->n_requests] = *req;
	if (r->n_requests <= RV64_MAX_REQUESTS)
		r->n_requests++;
	r->asked++;
	atomic_fetch_or(&r->hart.attention, RV64_ATTN_FENCE);
}

/* The hart that the calling thread runs, or NULL. */
static struct rv64_run *self_locked(struct rv64_run_vm *vm)
{
	for (unsigned i = 0; i < vm->vm.cfg.n_harts; i++) {
		struct rv64_run *r = (struct rv64_run *)(void *)vm->vm.cpu[i];

		if (r && r->running && pthread_equal(r->thread, pthread_self()))
			return r;
	}
	return NULL;
}

static void wait_locked(struct rv64_run_vm *vm, struct rv64_run *target, uint64_t ticket)
{
	while (target->done < ticket && !atomic_load(&target->parked))
		pthread_cond_wait(&vm->served, &vm->lock);
}

void rv64_run_request(struct rv64_run_vm *vm, uint64_t hart_mask, const struct rv64_request *req)
{
	uint64_t ticket[CPU_MAX_HARTS] = {0};
	struct rv64_run *self;
	bool was_parked;

	pthread_mutex_lock(&vm->lock);
	self = self_locked(vm);
	/* Parked already: a device asks, from within an access of this hart. */
	was_parked = self && atomic_load(&self->parked);
	for (unsigned i = 0; i < vm->vm.cfg.n_harts; i++) {
		struct rv64_run *r = (struct rv64_run *)(void *)vm->vm.cpu[i];

		if (!r || !(hart_mask & BIT(i)))
			continue;
		ask_locked(r, req);
		ticket[i] = r->asked;
	}
	if (self) {
		atomic_store(&self->parked, true);
		pthread_cond_broadcast(&vm->served);
	}
	for (unsigned i = 0; i < vm->vm.cfg.n_harts; i++)
		if (ticket[i])
			wait_locked(vm, (struct rv64_run *)(void *)vm->vm.cpu[i], ticket[i]);
	if (self && !was_parked) {
		atomic_store(&self->parked, false);
		serve_locked(self);
	}
	pthread_mutex_unlock(&vm->lock);
}

/* ---- parking ---- */

static void park(struct rv64_run *r)
{
	atomic_store(&r->parked, true);
	if (atomic_load(&r->hart.attention) & RV64_ATTN_FENCE) {
		struct rv64_run_vm *vm = vm_of(r);

		pthread_mutex_lock(&vm->lock);
		pthread_cond_broadcast(&vm->served);
		pthread_mutex_unlock(&vm->lock);
	}
}

static void unpark(struct rv64_run *r)
{
	atomic_store(&r->parked, false);
	if (atomic_load(&r->hart.attention) & RV64_ATTN_FENCE)
		rv64_run_serve(r);
}

bool rv64_run_is_alone(const struct rv64_run *r)
{
	const struct rv64_run_vm *vm = (const void *)r->hart.cpu.vm;

	return vm->vm.cfg.n_harts == 1 && !vm->beside;
}

static void ask_all(struct rv64_run_vm *vm, const struct rv64_request *req)
{
	rv64_run_request(vm, BIT(vm->vm.cfg.n_harts) - 1, req);
}

/* Parked while it waits for the other VM's harts, which may at the same time wait for it. */
void rv64_run_request_all(struct rv64_run *r, const struct rv64_request *req)
{
	struct rv64_run_vm *vm = vm_of(r);

	if (vm->vm.cfg.n_harts == 1)
		do_request(r, req);
	else
		ask_all(vm, req);
	if (!vm->beside)
		return;
	park(r);
	ask_all(vm->beside, req);
	unpark(r);
}

void rv64_park(struct rv64_hart *h)
{
	struct rv64_run *r = rv64_run_of(h);

	r->ops->sync(h);
	park(r);
}

void rv64_unpark(struct rv64_hart *h)
{
	unpark(rv64_run_of(h));
}

void rv64_fetch_flush(struct rv64_hart *h, uint64_t va, uint64_t size)
{
	rv64_run_of(h)->ops->fetch_flush(h, va, size);
}

static void set_running(struct rv64_run *r, bool running)
{
	struct rv64_run_vm *vm = vm_of(r);

	pthread_mutex_lock(&vm->lock);
	r->running = running;
	r->thread = pthread_self();
	pthread_mutex_unlock(&vm->lock);
}

void rv64_run_enter(struct rv64_run *r)
{
	set_running(r, true);
	unpark(r);
}

void rv64_run_leave(struct rv64_run *r)
{
	park(r);
	set_running(r, false);
}

/* ---- sleep ---- */

void rv64_run_notify(struct rv64_run *r, uint32_t bits)
{
	atomic_fetch_or(&r->hart.attention, bits);
	if (!atomic_load(&r->asleep))
		return;
	pthread_mutex_lock(&r->sleep_lock);
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->sleep_lock);
}

/* `ticks` of `hz` in ns, at most an hour: who wakes early looks at the time and sleeps again. */
static uint64_t ticks_ns(uint64_t ticks, uint32_t hz)
{
	return min_u64(ticks, 3600ull * hz) * (1000000000u / hz);
}

/* Until attention holds one of `bits` or the monotonic clock says `until` ns. */
static void sleep_until(struct rv64_run *r, uint32_t bits, uint64_t until)
{
	struct timespec t = {.tv_sec = (time_t)(until / 1000000000u),
			     .tv_nsec = (long)(until % 1000000000u)};
	int err = 0;

	pthread_mutex_lock(&r->sleep_lock);
	atomic_store(&r->asleep, true);
	while (!(atomic_load(&r->hart.attention) & bits) && err != ETIMEDOUT) {
		if (until == UINT64_MAX)
			pthread_cond_wait(&r->wake, &r->sleep_lock);
		else
			err = pthread_cond_timedwait(&r->wake, &r->sleep_lock, &t);
	}
	atomic_store(&r->asleep, false);
	pthread_mutex_unlock(&r->sleep_lock);
}

void rv64_run_sleep(struct rv64_run *r, uint32_t bits, uint64_t deadline)
{
	const struct cpu_vm_config *cfg = &r->hart.cpu.vm->cfg;
	uint64_t from, until, ns = UINT64_MAX;

	if (deadline != UINT64_MAX) {
		uint64_t now = cfg->env.time_now(cfg->env.arg, &r->hart.cpu);

		if (now >= deadline)
			return;
		ns = ticks_ns(deadline - now, cfg->timebase_hz);
	}
	from = host_now_ns();
	until = ns == UINT64_MAX ? ns : from + ns;
	park(r);
	if (!halt_poll(cfg->halt_poll, &r->halt, &r->hart.attention, bits, from, until))
		sleep_until(r, bits, until);
	halt_wait_end(&r->halt, host_now_ns() - from, atomic_load(&r->hart.attention) & bits);
	unpark(r);
}

/* ---- start and stop ---- */

int rv64_run_start(struct rv64_run *r, uint64_t pc, uint64_t opaque)
{
	int err = 0;

	pthread_mutex_lock(&r->sleep_lock);
	if (atomic_load(&r->hart.stopped)) {
		r->start_pc = pc;
		r->start_opaque = opaque;
		r->start_given = true;
		/* Here and not when the hart gets going: an interrupt sent from now on counts. */
		atomic_fetch_and(&r->hart.lines, ~BIT(CPU_IRQ_SSI));
		atomic_store(&r->hart.timer_s, UINT64_MAX);
		atomic_store(&r->hart.stopped, false);
	} else {
		err = -EALREADY;
	}
	pthread_mutex_unlock(&r->sleep_lock);
	if (!err)
		rv64_run_notify(r, RV64_ATTN_STOP);
	return err;
}

void rv64_run_stop(struct rv64_run *r)
{
	pthread_mutex_lock(&r->sleep_lock);
	atomic_store(&r->hart.stopped, true);
	pthread_mutex_unlock(&r->sleep_lock);
	atomic_fetch_or(&r->hart.attention, RV64_ATTN_STOP);
}

bool rv64_run_take_start(struct rv64_run *r)
{
	struct rv64_hart *h = &r->hart;
	uint64_t pc, opaque;
	bool given;

	pthread_mutex_lock(&r->sleep_lock);
	given = r->start_given;
	r->start_given = false;
	pc = r->start_pc;
	opaque = r->start_opaque;
	pthread_mutex_unlock(&r->sleep_lock);
	if (!given)
		return false;
	rv64_hart_restart(h);
	h->pc = pc;
	h->x[10] = h->cpu.id;
	h->x[11] = opaque;
	return true;
}
