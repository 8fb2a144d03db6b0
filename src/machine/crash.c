/* SPDX-License-Identifier: MIT */
/* Causes are those of mcause (privileged specification, 3.1.15). */
#include "machine/crash.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/log.h"
#include "cpu/cpu.h"

static const char *cause_name(uint64_t cause)
{
	static const char *const exceptions[] = {
		"misaligned jump",
		"jump to where no memory is",
		"illegal instruction",
		"breakpoint",
		"misaligned load",
		"load from where nothing is",
		"misaligned store",
		"store to where nothing is",
		"ecall from U mode",
		"ecall from S mode",
		"reserved",
		"ecall",
		"page fault of a fetch",
		"page fault of a load",
		"reserved",
		"page fault of a store",
	};

	if (cause >> 63)
		return "interrupt";
	return cause < ARRAY_SIZE(exceptions) ? exceptions[cause] : "exception";
}

void crash_text(const struct cpu_crash *c, char out[CRASH_TEXT])
{
	(void)snprintf(out, CRASH_TEXT,
		       "%s (mcause 0x%" PRIx64 ", mtval 0x%" PRIx64 ") at pc 0x%" PRIx64
		       ", and mtvec, 0x%" PRIx64 ", leads to no handler that runs",
		       cause_name(c->cause), c->cause, c->tval, c->pc, c->handler);
}

void crash_report(const char *who, const struct cpu_crash *c)
{
	static const char *const names[] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
					    "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
					    "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
					    "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
	char text[CRASH_TEXT];

	crash_text(c, text);
	log_warn("%s crashed: %s", who, text);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i += 4)
		log_warn("  %4s %016" PRIx64 "  %4s %016" PRIx64 "  %4s %016" PRIx64
			 "  %4s %016" PRIx64,
			 names[i], c->x[i], names[i + 1], c->x[i + 1], names[i + 2], c->x[i + 2],
			 names[i + 3], c->x[i + 3]);
}
