/* SPDX-License-Identifier: MIT */
/* The device side of a packed ring: see ring.c. */
#include "ring.h"
#include "virtio/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return ring_fuzz(data, size, VIRTIO_F_RING_PACKED);
}
