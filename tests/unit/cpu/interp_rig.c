/* SPDX-License-Identifier: MIT */
#include "interp_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/fd.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/jit.h"

const char *rig_programs, *rig_engine = "interp";

void rig_args(int argc, char **argv)
{
	if (argc > 1)
		rig_programs = argv[1];
	if (argc > 2)
		rig_engine = argv[2];
}

static enum bus_result device_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct rig *r = dev;

	(void)size;
	if (r->device)
		r->device(r, false, offset, value);
	return BUS_OK;
}

static enum bus_result device_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct rig *r = dev;

	(void)size;
	if (r->device)
		r->device(r, true, offset, &value);
	return BUS_OK;
}

static uint64_t no_time(void *arg, struct cpu *cpu)
{
	(void)arg;
	(void)cpu;
	return 0;
}

struct rig *rig_new(const struct rig_config *cfg)
{
	static const struct bus_direct_ops ops = {.read = device_read, .write = device_write};
	struct rig *r = calloc(1, sizeof(*r));
	struct cpu_vm_config vc = {.n_harts = cfg->apart ? 1 : cfg->n_harts,
				   .timebase_hz = 10000000,
				   .in_turns = cfg->in_turns,
				   .watch = cfg->watch};
	struct bus_range range = {
		.base = DEVICE, .size = 0x1000, .name = "test", .dev = r, .direct = &ops};
	struct err e;

	assert_non_null(r);
	assert_int_equal(gmem_new(&r->mem), 0);
	assert_int_equal(gmem_add_ram(r->mem, RAM, RAM_SIZE), 0);
	assert_int_equal(bus_new(&r->bus), 0);
	assert_int_equal(bus_add(r->bus, &range), 0);
	r->engine = cpu_engine_find(rig_engine);
	assert_non_null(r->engine);
	vc.mem = r->mem;
	vc.bus = r->bus;
	r->halt_poll.room = cfg->n_harts;
	vc.halt_poll = &r->halt_poll;
	vc.env.arg = r;
	vc.env.ecall = cfg->ecall;
	vc.env.time_now = cfg->time_now ? cfg->time_now : no_time;
	assert_int_equal(r->engine->vm_new(&vc, &r->vm, &e), 0);
	vc.beside = r->vm;
	if (cfg->apart)
		assert_int_equal(r->engine->vm_new(&vc, &r->beside, &e), 0);
	for (unsigned i = 0; i < cfg->n_harts; i++) {
		struct cpu_vm *vm = i && r->beside ? r->beside : r->vm;

		assert_int_equal(r->engine->cpu_new(vm, r->beside ? 0 : i, &r->cpu[i]), 0);
		rv64_jit_set_hot(interp_of(rv64_hart_of(r->cpu[i])), 1);
	}
	return r;
}

void rig_free(struct rig *r)
{
	r->engine->vm_free(r->beside);
	r->engine->vm_free(r->vm);
	bus_free(r->bus);
	gmem_free(r->mem);
	free(r);
}

void *rig_ptr(struct rig *r, uint64_t gpa)
{
	void *p = gmem_map(r->mem, gpa, 8);

	assert_non_null(p);
	return p;
}

void rig_write(struct rig *r, uint64_t gpa, const void *bytes, size_t len)
{
	void *p = gmem_map(r->mem, gpa, len);

	assert_non_null(p);
	memcpy(p, bytes, len);
	gmem_note_write(r->mem, gpa, len);
}

void rig_load(struct rig *r, const char *name)
{
	char path[512];
	uint8_t *bytes;
	size_t len;

	assert_non_null(rig_programs);
	snprintf(path, sizeof(path), "%s/%s.bin", rig_programs, name);
	assert_int_equal(fd_read_file(path, RAM_SIZE, &bytes, &len), 0);
	rig_write(r, RAM, bytes, len);
	free(bytes);
}

struct cpu_regs rig_run(struct rig *r, unsigned hart, uint64_t pc)
{
	struct cpu_regs regs;

	assert_int_equal(r->engine->start(r->cpu[hart], pc, 0), 0);
	assert_int_equal(r->engine->run(r->cpu[hart], 0), CPU_EXIT_IDLE);
	r->engine->get_regs(r->cpu[hart], &regs);
	return regs;
}
