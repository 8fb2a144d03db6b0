/* SPDX-License-Identifier: MIT */
/* Prints the blocks of programs/watch.S as --jit-dump does. PROGRAMS. The host is one without any
 * extension, whatever this one has, so that the text is the same everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/rv64/jit/native.h"
#include "cpu/watch.h"
#include "interp_rig.h"

int main(int argc, char **argv)
{
	struct cpu_watch watch = {
		.dump = stdout, .to = UINT64_MAX, .left = UINT64_MAX, .from = RAM};
	struct rig_config cfg = {.n_harts = 1, .in_turns = true, .watch = &watch};
	struct rv64_jit *j;
	struct rig *r;

	rig_args(argc, argv);
	rig_engine = "jit";
	puts("# SPDX-License-Identifier: MIT");
	r = rig_new(&cfg);
	j = interp_of(rv64_hart_of(r->cpu[0]))->jit;
	j->bmi2 = j->fma = j->popcnt = false;
	rig_load(r, "watch");
	rig_run(r, 0, RAM);
	rig_free(r);
	return EXIT_SUCCESS;
}
