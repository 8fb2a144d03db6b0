/* SPDX-License-Identifier: MIT */
/*
 * A byte stream that fails on purpose, in front of one that does not. Its rules: base/fault.h; the
 * operation is one byte, sent by the device (tx) or for it (rx).
 *
 *	drop	the byte is lost
 *	corrupt	it is another one
 */
#ifndef BACKEND_CHR_FAULT_H
#define BACKEND_CHR_FAULT_H

struct chr;
struct fault_device;

/* `inner` stays the caller's and outlives the new stream, which is its user until it is freed. 0 or
 * -ENOMEM. */
int chr_fault_new(struct chr *inner, struct fault_device *device, struct chr **out);

#endif
