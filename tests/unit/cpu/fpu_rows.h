/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CPU_FPU_ROWS_H
#define TESTS_UNIT_CPU_FPU_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/rv64/fpu.h"

/*
 * Tables of hand-picked operands for the floating-point tests.
 *
 * A row holds operands, and the result and flags by rounding mode in the order of enum
 * fpu_rounding. Each is tried with cleared flags, and again with FPU_NX and a foreign bit set,
 * which must stay: that is also what admits an operation to the host's unit.
 */
#define MODES        5
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* One value for every mode. */
#define ALL(v)                \
	{                     \
		v, v, v, v, v \
	}

#define NX FPU_NX
#define UF (FPU_UF | FPU_NX)
#define OF (FPU_OF | FPU_NX)
#define DZ FPU_DZ
#define NV FPU_NV

#define ONE_S  0x3f800000u
#define MAX_S  0x7f7fffffu
#define MIN_S  0x00800000u /* the smallest normal number */
#define INF_S  0x7f800000u
#define QNAN_S 0x7fc12345u
#define SNAN_S 0x7f812345u
#define NEG_S  0x80000000u

#define ONE_D  0x3ff0000000000000u
#define MAX_D  0x7fefffffffffffffu
#define MIN_D  0x0010000000000000u
#define INF_D  0x7ff0000000000000u
#define QNAN_D 0x7ff8000000012345u
#define SNAN_D 0x7ff0000000012345u
#define NEG_D  0x8000000000000000u

struct row {
	uint64_t v[3];
	uint64_t want[MODES];
	unsigned flags[MODES];
};

static inline void check_row(const char *name, const struct row *row, unsigned rm, unsigned before,
			     uint64_t got, unsigned flags)
{
	if (got == row->want[rm] && flags == (row->flags[rm] | before))
		return;
	fail_msg("%s(%#llx, %#llx, %#llx) in mode %u, flags %#x: got %#llx %#x, want %#llx %#x",
		 name, (unsigned long long)row->v[0], (unsigned long long)row->v[1],
		 (unsigned long long)row->v[2], rm, before, (unsigned long long)got, flags,
		 (unsigned long long)row->want[rm], row->flags[rm] | before);
}

/* Try a table. The call may use: v, the operands; rm; flags, the pointer. */
#define CHECK(table, name, call)                                                                 \
	do {                                                                                     \
		for (size_t i_ = 0; i_ < COUNT(table); i_++) {                                   \
			const uint64_t *v = (table)[i_].v;                                       \
			for (unsigned rm = 0; rm < MODES; rm++) {                                \
				unsigned raised_[2] = {0, FPU_NX | 0x100};                       \
				unsigned *flags = &raised_[0];                                   \
				uint64_t got_ = (call);                                          \
				check_row(name, &(table)[i_], rm, 0, got_, *flags);              \
				flags = &raised_[1];                                             \
				got_ = (call);                                                   \
				check_row(name, &(table)[i_], rm, FPU_NX | 0x100, got_, *flags); \
			}                                                                        \
		}                                                                                \
	} while (0)

#endif
