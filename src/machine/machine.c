/* SPDX-License-Identifier: MIT */
/*
 * The life of every machine, whatever its board.
 *
 * The end of a run is a chain of callbacks on the loop, since no loop may wait: machine_end() posts
 * a task, that asks the harts to stop; when the last one has left run() the board stops its
 * devices; when they are quiet the run is finished. A hart may wait for a POSTED register until
 * then, which is why the loop goes on turning.
 */
#include "machine/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/opt.h"
#include "bus/bus.h"
#include "cpu/cpu.h"
#include "hw/htif.h"
#include "hw/uart8250.h"
#include "hw/imsic.h"
#include "machine/board.h"
#include "machine/cache_check.h"
#include "machine/duo.h"
#include "machine/virt.h"
#include "mem/gmem.h"
#include "transport/carrier.h"

const struct machine_type *const machine_types[] = {&virt_machine, &duo_machine, &duo256m_machine};
const unsigned machine_n_types = ARRAY_SIZE(machine_types);

const char *const machine_small_states[] = {[MACHINE_SMALL_STOPPED] = "stopped",
					    [MACHINE_SMALL_RUNNING] = "running",
					    [MACHINE_SMALL_CRASHED] = "crashed",
					    [MACHINE_SMALL_HUNG] = "hung"};

const struct machine_type *machine_type_find(const char *name)
{
	for (unsigned i = 0; i < machine_n_types; i++)
		if (!strcmp(machine_types[i]->name, name))
			return machine_types[i];
	return NULL;
}

static void env_ecall(void *arg, struct cpu *cpu, uint64_t a[8])
{
	struct machine *m = arg;

	sbi_ecall(&m->sbi, cpu->id, a);
}

static uint64_t env_time_now(void *arg, struct cpu *cpu)
{
	const struct machine *m = arg;

	return clock_ticks(&m->clock);
}

/* The harts are made before the board, and do not run before it is there. */
static uint64_t file_change(void *arg, unsigned hart, unsigned reg, uint64_t clear, uint64_t set)
{
	return imsic_change(((struct machine *)arg)->imsic, hart, reg, clear, set);
}

static uint32_t file_top(void *arg, unsigned hart, bool claim)
{
	return imsic_top(((struct machine *)arg)->imsic, hart, claim);
}

static const struct cpu_imsic_ops file_ops = {.change = file_change, .top = file_top};

static int make_vm(struct machine *m, struct err *e)
{
	const struct cpu_vm_config cfg = {
		.mem = m->mem,
		.bus = m->bus,
		.env = {.arg = m,
			.ecall = m->cfg.firmware ? NULL : env_ecall,
			.time_now = env_time_now},
		.n_harts = m->cfg.smp,
		.timebase_hz = m->cfg.type->timebase_hz,
		.model = m->cfg.type->model,
		.sv48 = m->cfg.sv48,
		.imsic = m->cfg.aia ? &file_ops : NULL,
		.imsic_arg = m,
		.halt_poll = &m->halt_poll,
		.in_turns = m->cfg.counted_time,
		.caches_on = true,
		.coherence = m->coherence,
		.watch = m->cfg.watch,
	};
	int ret = m->cfg.engine->vm_new(&cfg, &m->vm, e);

	for (unsigned i = 0; i < m->cfg.smp && !ret; i++) {
		ret = m->cfg.engine->cpu_new(m->vm, i, &m->vm->cpu[i]);
		if (ret)
			err_set(e, ret, "--smp %u: no memory for hart %u", m->cfg.smp, i);
	}
	return ret;
}

int machine_add_ram(struct machine *m, struct err *e)
{
	uint64_t limit = gmem_host_limit() & ~((2ull << 20) - 1);
	int ret = gmem_add_ram(m->mem, m->cfg.type->ram_base, m->cfg.mem);
	char size[OPT_SIZE_TEXT], most[OPT_SIZE_TEXT];

	opt_format_size(m->cfg.mem, size);
	if (ret == -ENOMEM)
		return err_set(e, ret, "--mem %s: this host has not that much; give at most %s",
			       size, opt_format_size(limit, most));
	if (ret)
		return err_set(e, ret, "--mem %s: %s", size, strerror(-ret));
	ret = m->cfg.mem_prealloc ? gmem_populate(m->mem) : 0;
	if (ret)
		return err_set(e, ret,
			       "--mem-prealloc: %s cannot be had at once: %s; give a "
			       "smaller --mem, or leave it out",
			       size, strerror(-ret));
	return 0;
}

int machine_add_uart(struct machine *m, const struct uart8250_config *cfg)
{
	int ret = uart8250_new(cfg, &m->uart[m->n_uarts]);

	if (!ret)
		m->n_uarts++;
	return ret;
}

static void part_quiet(void *arg)
{
	struct machine *m = arg;

	if (--m->busy)
		return;
	m->finished = true;
	loop_stop(m->loop);
}

/* One more than there are parts, so that callbacks inside the calls do not end it early. */
static void machine_harts_stopped(void *arg)
{
	struct machine *m = arg;

	m->busy = m->n_devices + m->n_uarts + 1;
	for (unsigned i = 0; i < m->n_devices; i++)
		carrier_reset(m->device[i].carrier, part_quiet, m);
	for (unsigned i = 0; i < m->n_uarts; i++)
		uart8250_flush(m->uart[i], part_quiet, m);
	part_quiet(m);
}

static void machine_end_task(struct loop_task *t)
{
	struct machine *m = t->arg;

	/* A hart may wait for a reset, and that for a request which a fault delays. */
	if (m->cfg.faults)
		faults_power_off(m->cfg.faults);
	vcpus_stop(&m->vcpus, machine_harts_stopped, m);
}

int machine_new(const struct machine_config *cfg, struct loop *loop, struct machine **out,
		struct err *e)
{
	struct machine *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return err_set(e, -ENOMEM, "out of memory");
	m->cfg = *cfg;
	m->loop = loop;
	m->end_task.fn = machine_end_task;
	m->end_task.arg = m;
	halt_poll_init(&m->halt_poll);
	clock_init(&m->clock, cfg->type->timebase_hz, cfg->counted_time);
	if (cfg->counted_time)
		loop_set_clock(loop, clock_loop_ns, &m->clock);
	ret = iothreads_init(&m->io, cfg->n_iothreads, cfg->poll_ns);
	if (!ret)
		ret = gmem_new(&m->mem);
	if (!ret)
		ret = bus_new(&m->bus);
	if (!ret)
		ret = cache_check_new(m);
	if (ret)
		err_set(e, ret, "no memory or loops for a machine: %s", strerror(-ret));
	if (!ret)
		ret = make_vm(m, e);
	if (!ret) {
		m->sbi = (struct sbi){
			.ops = &machine_sbi_ops, .arg = m, .mem = m->mem, .n_harts = cfg->smp};
		ret = vcpus_init(&m->vcpus, m->vm, loop, &m->clock);
		m->has_vcpus = !ret;
		m->vcpus.log = cfg->log;
		if (!ret && cfg->interleaved)
			vcpus_interleave(&m->vcpus, cfg->seed);
		if (ret)
			err_set(e, ret, "no threads for harts: %s", strerror(-ret));
	}
	if (!ret)
		ret = cfg->type->build(m, e);
	if (ret) {
		machine_free(m);
		return ret;
	}
	*out = m;
	return 0;
}

const void *machine_dtb(const struct machine *m, size_t *len)
{
	*len = m->dtb_len;
	return m->dtb;
}

void machine_end(struct machine *m, enum machine_end why, unsigned code)
{
	if (atomic_exchange(&m->ending, true))
		return;
	m->end = why;
	m->end_code = code;
	loop_post(m->loop, &m->end_task);
}

static int run_threads(struct machine *m, struct err *e)
{
	int ret = iothreads_start(&m->io, e);

	if (!ret)
		ret = vcpus_start(&m->vcpus, e);
	if (ret)
		machine_end(m, MACHINE_STOPPED, 0);
	while (!m->finished) {
		int err = loop_run(m->loop);

		if (err)
			return err_set(e, err, "the event loop failed: %s", strerror(-err));
	}
	return ret;
}

int machine_run(struct machine *m, enum machine_end *end, unsigned *code, struct err *e)
{
	int ret = 0;

	if (m->cfg.faults)
		faults_power_on(m->cfg.faults);
	if (m->cfg.counted_time) {
		vcpus_run_in_turns(&m->vcpus);
		while (!m->finished)
			vcpus_idle(&m->vcpus);
	} else {
		ret = run_threads(m, e);
	}
	iothreads_stop(&m->io);
	*end = m->end;
	*code = m->end_code;
	return ret;
}

void machine_hold(struct machine *m, struct vcpus_hold *h)
{
	vcpus_hold(&m->vcpus, h);
}

void machine_release(struct machine *m, struct vcpus_hold *h)
{
	vcpus_release(&m->vcpus, h);
}

void machine_debug(struct machine *m, const struct vcpus_debugger *d)
{
	vcpus_debug(&m->vcpus, d);
}

void machine_let_run(struct machine *m, uint64_t harts)
{
	vcpus_let_run(&m->vcpus, harts);
}

struct cpu_vm *machine_vm(struct machine *m)
{
	return m->vm;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	htif_free(m->htif);
	for (unsigned i = 0; i < m->n_uarts; i++)
		uart8250_free(m->uart[i]);
	if (m->cfg.type->free_board)
		m->cfg.type->free_board(m);
	if (m->cfg.counted_time)
		loop_set_clock(m->loop, NULL, NULL);
	iothreads_fini(&m->io);
	if (m->has_vcpus)
		vcpus_fini(&m->vcpus);
	if (m->vm)
		m->cfg.engine->vm_free(m->vm);
	cache_check_free(m);
	bus_free(m->bus);
	gmem_free(m->mem);
	free(m->dtb);
	free(m);
}

uint64_t machine_memory_sum(const struct machine *m)
{
	return gmem_sum(m->mem);
}

uint64_t machine_retired(const struct machine *m)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < m->cfg.smp; i++)
		sum += m->cfg.engine->retired(m->vm->cpu[i]);
	return sum;
}
