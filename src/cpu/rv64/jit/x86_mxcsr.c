/* SPDX-License-Identifier: MIT */
/* The host's register of rounding mode and floating-point flags. All exceptions are masked. */
#include <immintrin.h>

#include "cpu/rv64/fpu.h"
#include "cpu/rv64/jit/x86_fp.h"

#define MXCSR_CLEAN 0x1f80u /* round to nearest, no flag */
#define MXCSR_IE    1u
#define MXCSR_ZE    4u
#define MXCSR_OE    8u
#define MXCSR_UE    16u
#define MXCSR_PE    32u
#define MXCSR_DOWN  0x2000u
#define MXCSR_UP    0x4000u

bool jit_host_rounds(unsigned rm)
{
	return rm <= FPU_RUP;
}

uint32_t jit_mxcsr_rounding(unsigned rm)
{
	static const uint16_t bits[] = {[FPU_RNE] = 0,
					[FPU_RTZ] = MXCSR_DOWN | MXCSR_UP,
					[FPU_RDN] = MXCSR_DOWN,
					[FPU_RUP] = MXCSR_UP};

	return bits[rm];
}

void jit_host_fp_begin(unsigned rm)
{
	_mm_setcsr(MXCSR_CLEAN | jit_mxcsr_rounding(rm));
}

unsigned jit_host_fp_end(void)
{
	const unsigned host = _mm_getcsr();

	if (host & (MXCSR_DOWN | MXCSR_UP))
		_mm_setcsr(MXCSR_CLEAN);
	return (host & MXCSR_IE ? FPU_NV : 0) | (host & MXCSR_ZE ? FPU_DZ : 0) |
	       (host & MXCSR_OE ? FPU_OF : 0) | (host & MXCSR_UE ? FPU_UF : 0) |
	       (host & MXCSR_PE ? FPU_NX : 0);
}
