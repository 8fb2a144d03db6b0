/* SPDX-License-Identifier: MIT */
/* The count is the distance to a moment of the guest's time. The loop's timer only looks at that
 * again, since the guest's time may have stood meanwhile. */
#include "hw/dw_wdt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/loop.h"
#include "bus/bus.h"

enum reg {
	CR = 0x00,
	TORR = 0x04,
	CCVR = 0x08,
	CRR = 0x0c,
	STAT = 0x10,
	EOI = 0x14,
	COMP_PARAMS_1 = 0xf4,
	COMP_VERSION = 0xf8,
	COMP_TYPE = 0xfc,
};

#define CR_ENABLE   0x01u
#define CR_RESPONSE 0x02u
#define CR_MASK     0x1fu
#define KICK        0x76u
#define FIX_TOP     0x40u
#define VERSION_110 0x3131302au /* "110*" */
#define TYPE_WDT    0x44570120u
#define NS          1000000000ull
#define LOOK_NS     1000000u

struct dw_wdt {
	struct dw_wdt_config cfg;
	struct loop_timer timer;
	uint32_t cr, torr;
	uint64_t end; /* ns of the guest's time; when enabled */
	bool interrupting, expired;
};

static uint64_t period_ns(const struct dw_wdt *w)
{
	return (NS << (16 + (w->torr & 0xf))) / w->cfg.hz;
}

static void look_again(struct dw_wdt *w)
{
	uint64_t now = w->cfg.now(w->cfg.arg), left = w->end > now ? w->end - now : 0;

	/* Not too often while the guest's time stands just before the end. */
	loop_timer_arm(w->cfg.loop, &w->timer, loop_now(w->cfg.loop) + max_u64(left, LOOK_NS));
}

static void restart(struct dw_wdt *w)
{
	if (!(w->cr & CR_ENABLE) || w->expired)
		return;
	w->end = w->cfg.now(w->cfg.arg) + period_ns(w);
	look_again(w);
}

static void clear_interrupt(struct dw_wdt *w)
{
	w->interrupting = false;
	irq_set(w->cfg.irq, false);
}

static void timer_fired(struct loop_timer *t)
{
	struct dw_wdt *w = t->arg;

	if (w->cfg.now(w->cfg.arg) < w->end) {
		look_again(w);
	} else if (w->cr & CR_RESPONSE && !w->interrupting) {
		w->interrupting = true;
		irq_set(w->cfg.irq, true);
		restart(w);
	} else {
		w->expired = true;
		w->cfg.expired(w->cfg.arg);
	}
}

static uint32_t count(const struct dw_wdt *w)
{
	uint64_t now = w->cfg.now(w->cfg.arg), left;

	if (!(w->cr & CR_ENABLE))
		return (uint32_t)BIT(16 + (w->torr & 0xf)) - 1;
	left = w->end > now ? w->end - now : 0;
	return (uint32_t)(left / NS * w->cfg.hz + left % NS * w->cfg.hz / NS);
}

static uint32_t reg_read(struct dw_wdt *w, uint64_t offset)
{
	switch (offset) {
	case CR: return w->cr;
	case TORR: return w->torr;
	case CCVR: return count(w);
	case STAT: return w->interrupting;
	case EOI: clear_interrupt(w); return 0;
	case COMP_PARAMS_1: return FIX_TOP;
	case COMP_VERSION: return VERSION_110;
	case COMP_TYPE: return TYPE_WDT;
	default: return 0;
	}
}

static void reg_write(struct dw_wdt *w, uint64_t offset, uint32_t value)
{
	bool was_enabled = w->cr & CR_ENABLE;

	switch (offset) {
	case CR:
		w->cr = (value & CR_MASK) | (w->cr & CR_ENABLE);
		if (!was_enabled)
			restart(w);
		break;
	case TORR: w->torr = value & 0xff; break; /* from the next begin on */
	case CRR:
		if ((value & 0xff) != KICK)
			break;
		clear_interrupt(w);
		restart(w);
		break;
	default: break;
	}
}

static enum bus_result wdt_access(void *dev, struct bus_access *a)
{
	if (a->size > 4 || a->offset % 4)
		return BUS_ERROR;
	if (a->is_write)
		reg_write(dev, a->offset, (uint32_t)a->value);
	else
		a->value = reg_read(dev, a->offset) & (BIT(8 * a->size) - 1);
	return BUS_OK;
}

static const struct bus_posted_ops wdt_ops = {.access = wdt_access};

int dw_wdt_new(const struct dw_wdt_config *cfg, struct dw_wdt **out)
{
	struct dw_wdt *w = calloc(1, sizeof(*w));
	struct bus_range range = {.base = cfg->base,
				  .size = DW_WDT_SIZE,
				  .name = "watchdog",
				  .dev = w,
				  .posted = &wdt_ops,
				  .loop = cfg->loop};
	int ret;

	if (!w)
		return -ENOMEM;
	w->cfg = *cfg;
	w->timer = (struct loop_timer){.fn = timer_fired, .arg = w};
	ret = bus_add(cfg->bus, &range);
	if (ret) {
		free(w);
		return ret;
	}
	*out = w;
	return 0;
}

void dw_wdt_free(struct dw_wdt *w)
{
	if (!w)
		return;
	loop_timer_cancel(&w->timer);
	(void)bus_remove(w->cfg.bus, w->cfg.base);
	free(w);
}
