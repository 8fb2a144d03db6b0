/* SPDX-License-Identifier: MIT */
/*
 * RPMsg as a bystander sees it: each time that a core kicks by the mailbox, what has become visible
 * in the rings between both cores since the last time is told to the trace (rpmsg/proto.h,
 * rpmsg/vring.h). Reads only, and trusts nothing that it reads.
 */
#ifndef MACHINE_DUO_RINGS_H
#define MACHINE_DUO_RINGS_H

#include <pthread.h>
#include <stdint.h>

struct gmem;
struct trace;

#define DUO_RINGS_NUM   256u    /* entries, as Linux makes them */
#define DUO_RINGS_ALIGN 0x1000u /* of the used ring */
#define DUO_RINGS_STEP  0x8000u /* from the first ring to the second */

struct duo_rings {
	const struct gmem *mem;
	struct trace *trace;
	uint64_t base;
	pthread_mutex_t lock;
	uint16_t seen[2]; /* of the used ring of the first, the available ring of the second */
};

/* `base` is where the first ring lies. mem and trace outlive it. */
void duo_rings_init(struct duo_rings *r, const struct gmem *mem, struct trace *trace,
		    uint64_t base);
void duo_rings_fini(struct duo_rings *r);

/* Any thread, also under a leaf lock: a core has rung with these 8 bytes in its channel. Anything
 * but a kick is none of ours. */
void duo_rings_rung(struct duo_rings *r, uint64_t message);

#endif
