/* SPDX-License-Identifier: MIT */
/* What must hold in a fuzzer: else it aborts, which libFuzzer reports with the input. */
#ifndef FUZZ_REQUIRE_H
#define FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdlib.h>

static inline void require(bool condition)
{
	if (!condition)
		abort();
}

#endif
