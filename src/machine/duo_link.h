/* SPDX-License-Identifier: MIT */
/*
 * Why no RPMsg channel came up between the cores of a Duo, in words: what rings in memory, mailbox
 * and interrupt controllers show, and which cause fits that. Pure functions: any thread.
 */
#ifndef MACHINE_DUO_LINK_H
#define MACHINE_DUO_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/diagnose.h"
#include "machine/machine.h"

/* Whose an array's first and second element is: the core's, or the ring's that leads to it. */
enum link_way { LINK_TO_BIG, LINK_TO_SMALL };

/* One ring, as it stands in memory. Counts are since both sides last began. */
struct link_ring {
	uint16_t avail, used;   /* Linux' index, the small core's */
	uint16_t used_at_start; /* when the small core was started; 0 if Linux began anew since */
	uint64_t kicks;         /* of the core that sends in it */
	uint64_t lost;          /* kicks that the mailbox had enabled for no core */
	uint64_t messages;
};

/* The mailbox at one core, and its source at that core's interrupt controller. */
struct link_irq {
	uint8_t rung, enabled, masked; /* INT_RAW, EN, INT_MASK: a bit for each channel */
	unsigned source;
	bool is_on; /* some context has it enabled */
	uint32_t priority, threshold;
	bool pending, claimed;
};

struct link_facts {
	struct machine_small_info small;
	uint64_t rings;    /* where Linux has made them; 0: nowhere */
	uint64_t usual;    /* where others look for them */
	uint32_t num;      /* entries of each */
	bool looked;       /* the small core has been there, ... */
	bool looked_avail; /* ... where Linux' available rings are, */
	uint64_t looks;    /* ... or at this place outside of its own memory; 0: nowhere */
	struct link_ring ring[2];
	/* Somebody writes a used index where it would be with another alignment than Linux' 4096,
	 * or with another number of entries; 0: nobody. LINK_FEWER: with so many or fewer. */
	uint32_t other_align, other_num;
	unsigned unwritten; /* entries of the first ring before the used index that nobody wrote */
	unsigned early;     /* kicks of the small core before Linux had given buffers */
	unsigned announced; /* names */
	struct link_irq irq[2];
};

#define LINK_NUM   256u  /* entries, as Linux and the vendor's software have them */
#define LINK_ALIGN 4096u /* of the used ring */
#define LINK_FEWER 128u

/* Whether a channel is there: a name that Linux has read. */
bool link_is_up(const struct link_facts *f);
/* Whether what stands in memory shows a mistake, with or without a channel. */
bool link_is_broken(const struct link_facts *f);
/* Whether one of both cores has tried to get one. */
bool link_was_tried(const struct link_facts *f);

/* How the small core is, and one ring, in a sentence. */
void link_status_text(const struct link_facts *f, char out[DIAGNOSE_TEXT]);
void link_ring_text(const struct link_facts *f, enum link_way way, char out[DIAGNOSE_TEXT]);
/* What is likely wrong and what helps, or that a channel is there; true: something is wrong. */
bool link_verdict(const struct link_facts *f, char out[DIAGNOSE_TEXT]);

#endif
