/* SPDX-License-Identifier: MIT */
/* The interpreter with one hart, by programs that check themselves and by counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "interp_rig.h"

static void check_program(const char *name)
{
	struct rig *r = rig_new(&(struct rig_config){.n_harts = 1, .in_turns = true});
	struct cpu_regs regs;

	rig_load(r, name);
	regs = rig_run(r, 0, RAM);
	if (regs.x[10])
		print_error("programs/%s.S: line %d failed, a3 = 0x%llx\n", name, (int)regs.x[10],
			    (unsigned long long)regs.x[13]);
	assert_int_equal(regs.x[10], 0);
	rig_free(r);
}

static void integer(void **state)
{
	check_program("int");
}

static void flow_and_memory(void **state)
{
	check_program("flow");
}

static void floating_point(void **state)
{
	check_program("fp");
}

static void traps(void **state)
{
	check_program("trap");
}

static void code(void **state)
{
	check_program("code");
}

static void translations_change(void **state)
{
	check_program("recall");
}

static void kernel(void **state)
{
	check_program("kernel");
}

static void code_under_pmp(void **state)
{
	check_program("pmp");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integer),
		cmocka_unit_test(flow_and_memory),
		cmocka_unit_test(floating_point),
		cmocka_unit_test(traps),
		cmocka_unit_test(code),
		cmocka_unit_test(code_under_pmp),
		cmocka_unit_test(translations_change),
		cmocka_unit_test(kernel),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
