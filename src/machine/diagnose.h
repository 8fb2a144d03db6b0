/* SPDX-License-Identifier: MIT */
/*
 * How far a virtio device of a running guest has come, in words: what its registers and counters
 * say, and which cause fits that best. Pure functions: any thread.
 */
#ifndef MACHINE_DIAGNOSE_H
#define MACHINE_DIAGNOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIAGNOSE_QUEUES 64u
#define DIAGNOSE_TEXT   320u

struct diagnose_queue {
	bool ready;    /* the device has it */
	uint32_t size; /* 0: not set up */
	uint64_t kicks, chains, interrupts;
	uint32_t in_flight; /* taken by the device and not yet given back */
	int32_t posted;     /* given to it by the driver and not yet given back; -1: unknown */
};

struct diagnose_device {
	uint32_t device_id;
	uint8_t status;    /* virtio 2.1 */
	uint64_t features; /* as negotiated */
	bool gone;
	const char *why; /* it was broken last, or NULL */
	unsigned n_queues;
	struct diagnose_queue queue[DIAGNOSE_QUEUES];
};

/* Whether both cores of a board have come to talk to each other, in words (duo_link.h). */
struct diagnose_link {
	bool was_tried, was_up; /* at some time */
	bool is_lost;           /* a channel that was up, by a mistake of one side */
	bool wrong;
	char status[DIAGNOSE_TEXT], ring[2][DIAGNOSE_TEXT], verdict[DIAGNOSE_TEXT];
};

/* The bits of the status byte by name. */
void diagnose_status(const struct diagnose_device *d, char out[DIAGNOSE_TEXT]);
/* One queue in a sentence. */
void diagnose_queue(const struct diagnose_queue *q, char out[DIAGNOSE_TEXT]);
/* What is likely wrong, or that nothing is; true: something is. */
bool diagnose_verdict(const struct diagnose_device *d, char out[DIAGNOSE_TEXT]);

#endif
