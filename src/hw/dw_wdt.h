/* SPDX-License-Identifier: MIT */
/*
 * DesignWare's watchdog (DW_apb_wdt): once enabled it counts down from 2^(16 + TOP) ticks, and
 * begins again when 0x76 is written to CRR. At 0 it resets the machine; or, in response mode 1,
 * interrupts and counts once more, and resets the machine if the interrupt was not cleared till
 * then. Nothing but a reset of the machine disables it. All of it runs on the loop.
 */
#ifndef HW_DW_WDT_H
#define HW_DW_WDT_H

#include <stdint.h>

#include "bus/irq.h"

#define DW_WDT_SIZE 0x1000u

struct bus;
struct dw_wdt;
struct loop;

struct dw_wdt_config {
	struct bus *bus;
	uint64_t base; /* of DW_WDT_SIZE bytes */
	struct irq irq;
	struct loop *loop;
	uint32_t hz; /* ticks a second */
	/* The guest's time in ns, which may stand while the loop's goes on. */
	uint64_t (*now)(void *arg);
	void (*expired)(void *arg); /* the machine is to be reset; once */
	void *arg;
};

/* 0 or -errno. */
int dw_wdt_new(const struct dw_wdt_config *cfg, struct dw_wdt **out);
/* On the loop's thread, while no vCPU runs. NULL is allowed. */
void dw_wdt_free(struct dw_wdt *w);

#endif
