/* SPDX-License-Identifier: MIT */
/* The device side of a split ring: see ring.c. */
#include "ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return ring_fuzz(data, size, 0);
}
