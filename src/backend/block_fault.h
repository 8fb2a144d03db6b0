/* SPDX-License-Identifier: MIT */
/*
 * A disk that fails on purpose, in front of one that does not. Its rules: base/fault.h.
 *
 *	error	-EIO, and nothing is moved
 *	delay	the end is told so much later, whatever it is
 *	short	the first half, in whole sectors, is moved; then -EIO
 *	drop	of a write or flush: success is told, nothing is done
 *	corrupt	one byte of the data is another one, in memory (read) or on the disk (write)
 *
 * A request without a fault goes to the other disk as it is.
 */
#ifndef BACKEND_BLOCK_FAULT_H
#define BACKEND_BLOCK_FAULT_H

struct block;
struct fault_device;

/* `inner` stays the caller's and outlives the new block, as does the device's set. 0 or -ENOMEM. */
int block_fault_new(struct block *inner, struct fault_device *device, struct block **out);

#endif
