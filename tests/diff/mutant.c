/* SPDX-License-Identifier: MIT */
/* Put in front of fpu_mul_d() by the linker: the same, but that it never raises UF. */
#include "cpu/rv64/fpu.h"

uint64_t __real_fpu_mul_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags);
uint64_t __wrap_fpu_mul_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags);

uint64_t __wrap_fpu_mul_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
	unsigned before = *flags;
	uint64_t result = __real_fpu_mul_d(a, b, rm, flags);

	*flags = (*flags & ~FPU_UF) | (before & FPU_UF);
	return result;
}
