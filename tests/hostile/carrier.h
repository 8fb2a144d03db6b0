/* SPDX-License-Identifier: MIT */
/*
 * The virtio devices of the board, by whichever transport carries them: registers have the names
 * and offsets of virtio-mmio, and are found in virtio-pci's structures where that is used.
 */
#ifndef HOSTILE_CARRIER_H
#define HOSTILE_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REG_MAGIC = 0x000,
	REG_ID = 0x008,
	REG_FEATURES = 0x010,
	REG_FEATURES_SEL = 0x014,
	REG_DRV_FEATURES = 0x020,
	REG_DRV_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_NUM = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_NOTIFY = 0x050,
	REG_STATUS = 0x070,
	REG_DESC = 0x080,
	REG_AVAIL = 0x090,
	REG_USED = 0x0a0
};

struct carrier {
	volatile uint8_t *regs;   /* PCI: the common configuration */
	volatile uint8_t *notify; /* PCI */
	uint32_t id;
	bool pci;
};

/* The devices that there are; how many. PCI functions get their BARs placed and enabled. */
unsigned carriers_find(struct carrier *out, unsigned max);

uint32_t carrier_get(const struct carrier *c, unsigned reg);
void carrier_put(const struct carrier *c, unsigned reg, uint32_t v);

#endif
