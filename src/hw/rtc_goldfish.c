/* SPDX-License-Identifier: MIT */
/*
 * Registers of 32 bits. Reading the low half of the time latches the high half; writing the low
 * half of the time or of the alarm takes the high half that was written before.
 *
 * The alarm is in wall-clock time and the loop's timer is not: when that fires, the clock is looked
 * at again, and the timer armed once more if the clock was set back meanwhile.
 */
#include "hw/rtc_goldfish.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/loop.h"
#include "bus/bus.h"

#define SIZE 0x1000u

enum reg {
	TIME_LOW = 0x00,
	TIME_HIGH = 0x04,
	ALARM_LOW = 0x08,
	ALARM_HIGH = 0x0c,
	IRQ_ENABLED = 0x10,
	CLEAR_ALARM = 0x14,
	ALARM_STATUS = 0x18,
	CLEAR_INTERRUPT = 0x1c,
};

struct rtc_goldfish {
	struct rtc_goldfish_config cfg;
	struct loop_timer timer;
	uint64_t offset; /* what the guest's time is ahead of the host's, modulo 2^64 */
	uint64_t alarm;
	uint32_t time_high_read;
	uint32_t time_high_written;
	uint32_t alarm_high_written;
	bool alarm_set;
	bool irq_enabled;
	bool irq_pending;
};

static uint64_t host_wall_ns(void *arg)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t time_now(const struct rtc_goldfish *r)
{
	return r->cfg.wall_ns(r->cfg.arg) + r->offset;
}

static void update_irq(struct rtc_goldfish *r)
{
	irq_set(r->cfg.irq, r->irq_pending && r->irq_enabled);
}

static void check_alarm(struct rtc_goldfish *r)
{
	uint64_t now = time_now(r), loop = loop_now(r->cfg.loop), deadline;

	loop_timer_cancel(&r->timer);
	if (!r->alarm_set)
		return;
	if (now >= r->alarm) {
		r->alarm_set = false;
		r->irq_pending = true;
		update_irq(r);
		return;
	}
	deadline = loop + (r->alarm - now);
	if (deadline >= loop) /* else not within 584 years */
		loop_timer_arm(r->cfg.loop, &r->timer, deadline);
}

static void timer_fired(struct loop_timer *t)
{
	check_alarm(t->arg);
}

static uint32_t reg_read(struct rtc_goldfish *r, uint64_t offset)
{
	uint64_t now;

	switch (offset) {
	case TIME_LOW:
		now = time_now(r);
		r->time_high_read = (uint32_t)(now >> 32);
		return (uint32_t)now;
	case TIME_HIGH: return r->time_high_read;
	case ALARM_LOW: return (uint32_t)r->alarm;
	case ALARM_HIGH: return (uint32_t)(r->alarm >> 32);
	case IRQ_ENABLED: return r->irq_enabled;
	case ALARM_STATUS: return r->alarm_set;
	default: return 0;
	}
}

static void reg_write(struct rtc_goldfish *r, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case TIME_LOW:
		r->offset += ((uint64_t)r->time_high_written << 32 | value) - time_now(r);
		check_alarm(r);
		break;
	case TIME_HIGH: r->time_high_written = value; break;
	case ALARM_LOW:
		r->alarm = (uint64_t)r->alarm_high_written << 32 | value;
		r->alarm_set = true;
		check_alarm(r);
		break;
	case ALARM_HIGH: r->alarm_high_written = value; break;
	case IRQ_ENABLED:
		r->irq_enabled = value & 1;
		update_irq(r);
		break;
	case CLEAR_ALARM:
		r->alarm_set = false;
		check_alarm(r);
		break;
	case CLEAR_INTERRUPT:
		r->irq_pending = false;
		update_irq(r);
		break;
	default: break;
	}
}

static enum bus_result rtc_access(void *dev, struct bus_access *a)
{
	if (a->size != 4 || a->offset & 3)
		return BUS_ERROR;
	if (a->is_write)
		reg_write(dev, a->offset, (uint32_t)a->value);
	else
		a->value = reg_read(dev, a->offset);
	return BUS_OK;
}

static const struct bus_posted_ops rtc_ops = {.access = rtc_access};

int rtc_goldfish_new(const struct rtc_goldfish_config *cfg, struct rtc_goldfish **out)
{
	struct rtc_goldfish *r = calloc(1, sizeof(*r));
	struct bus_range range = {.base = cfg->base,
				  .size = SIZE,
				  .name = "rtc",
				  .dev = r,
				  .posted = &rtc_ops,
				  .loop = cfg->loop};
	int err;

	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	if (!r->cfg.wall_ns)
		r->cfg.wall_ns = host_wall_ns;
	r->timer.fn = timer_fired;
	r->timer.arg = r;
	err = bus_add(cfg->bus, &range);
	if (err) {
		free(r);
		return err;
	}
	*out = r;
	return 0;
}

void rtc_goldfish_reset(struct rtc_goldfish *r)
{
	const struct rtc_goldfish_config cfg = r->cfg;

	loop_timer_cancel(&r->timer);
	*r = (struct rtc_goldfish){.cfg = cfg, .timer = {.fn = timer_fired, .arg = r}};
	update_irq(r);
}

void rtc_goldfish_free(struct rtc_goldfish *r)
{
	if (!r)
		return;
	loop_timer_cancel(&r->timer);
	(void)bus_remove(r->cfg.bus, r->cfg.base);
	free(r);
}
