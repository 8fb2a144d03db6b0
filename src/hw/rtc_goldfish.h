/* SPDX-License-Identifier: MIT */
/*
 * The real-time clock "google,goldfish-rtc": nanoseconds since 1970 in two halves, and an alarm.
 * All of it runs on the loop. A guest that sets the time sets it for itself only.
 */
#ifndef HW_RTC_GOLDFISH_H
#define HW_RTC_GOLDFISH_H

#include <stdint.h>

#include "bus/irq.h"

struct bus;
struct loop;
struct rtc_goldfish;

struct rtc_goldfish_config {
	struct bus *bus;
	uint64_t base; /* of 0x1000 bytes */
	struct irq irq;
	struct loop *loop;
	/* The time in ns since 1970, on the loop. NULL: the host's. */
	uint64_t (*wall_ns)(void *arg);
	void *arg;
};

/* 0 or -errno. */
int rtc_goldfish_new(const struct rtc_goldfish_config *cfg, struct rtc_goldfish **out);
/* No alarm, and the time is the host's again. On the loop's thread, while no vCPU runs. */
void rtc_goldfish_reset(struct rtc_goldfish *r);
/* On the loop's thread, while no vCPU runs. NULL is allowed. */
void rtc_goldfish_free(struct rtc_goldfish *r);

#endif
