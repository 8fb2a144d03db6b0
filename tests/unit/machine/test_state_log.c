/* SPDX-License-Identifier: MIT */
/* The state log is the same for the same runs, and shows a register or a byte that differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "bus/bus.h"
#include "machine/state_log.h"
#include "mem/gmem.h"

#define RAM   0x80000000ull
#define EVERY 1000u
#define TURN  300u
#define LINES 3u

static uint64_t time_now(void *arg, struct cpu *cpu)
{
	return 0;
}

/* The log of an engine's run of a loop that counts in t0, where register t1 and a byte of memory
 * have these values. To be freed. */
static char *log_of(const struct cpu_engine *engine, uint64_t t1, uint8_t byte)
{
	static const uint32_t code[] = {0x00128293 /* addi t0, t0, 1 */, 0xffdff06f /* j . - 4 */};
	struct cpu_vm_config cfg = {
		.n_harts = 1, .timebase_hz = 10000000, .in_turns = true, .env.time_now = time_now};
	struct state_log log = {.every = EVERY};
	struct cpu_regs regs;
	struct cpu_vm *vm;
	struct cpu *cpu;
	struct err e;
	size_t len;
	char *text;

	assert_int_equal(gmem_new(&cfg.mem), 0);
	assert_int_equal(gmem_add_ram(cfg.mem, RAM, 0x200000), 0);
	assert_int_equal(bus_new(&cfg.bus), 0);
	assert_int_equal(engine->vm_new(&cfg, &vm, &e), 0);
	assert_int_equal(engine->cpu_new(vm, 0, &cpu), 0);
	memcpy(gmem_map(cfg.mem, RAM, sizeof(code)), code, sizeof(code));
	*(uint8_t *)gmem_map(cfg.mem, RAM + 0x100123, 1) = byte;
	assert_int_equal(engine->start(cpu, RAM, 0), 0);
	engine->get_regs(cpu, &regs);
	regs.pc = RAM;
	regs.x[6] = t1;
	engine->set_regs(cpu, &regs);
	log.out = open_memstream(&text, &len);
	assert_non_null(log.out);
	for (unsigned i = 0; i < LINES * EVERY / TURN + 1; i++) {
		engine->run(cpu, TURN);
		state_log_look(&log, cpu);
	}
	assert_int_equal(fclose(log.out), 0);
	engine->vm_free(vm);
	bus_free(cfg.bus);
	gmem_free(cfg.mem);
	return text;
}

struct line {
	unsigned long long hart, retired, regs, mem;
};

/* LINES lines, a thousand instructions apart. */
static void parse(char *text, struct line line[LINES])
{
	const char *s = text;

	for (unsigned i = 0; i < LINES; i++) {
		int used = 0;

		assert_int_equal(sscanf(s, "%llu %llu %llx %llx\n%n", &line[i].hart,
					&line[i].retired, &line[i].regs, &line[i].mem, &used),
				 4);
		s += used;
		assert_int_equal(line[i].hart, 0);
		assert_int_equal(line[i].retired / EVERY, i + 1);
	}
	assert_string_equal(s, "");
	free(text);
}

static void differences(void **state)
{
	const struct cpu_engine *interp = cpu_engine_find("interp");
	struct line base[LINES], same[LINES], reg[LINES], mem[LINES];

	parse(log_of(interp, 5, 7), base);
	/* Another engine, where there is one. */
	parse(log_of(cpu_engine_default(), 5, 7), same);
	parse(log_of(interp, 6, 7), reg);
	parse(log_of(interp, 5, 8), mem);
	assert_memory_equal(base, same, sizeof(base));
	for (unsigned i = 0; i < LINES; i++) {
		assert_int_equal(reg[i].mem, base[i].mem);
		assert_int_not_equal(reg[i].regs, base[i].regs);
		assert_int_equal(mem[i].regs, base[i].regs);
		assert_int_not_equal(mem[i].mem, base[i].mem);
		assert_true(!i || base[i].regs != base[i - 1].regs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(differences)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
