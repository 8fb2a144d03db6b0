/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_RING_H
#define FUZZ_RING_H

#include <stddef.h>
#include <stdint.h>

/* One input of split_fuzz or packed_fuzz; format is 0 or VIRTIO_F_RING_PACKED. Returns 0. */
int ring_fuzz(const uint8_t *data, size_t size, uint64_t format);

#endif
