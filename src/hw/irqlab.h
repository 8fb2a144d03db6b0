/* SPDX-License-Identifier: MIT */
/*
 * irqlab: a device that does nothing but interrupt, to look at how interrupts work. It has four
 * causes (software, a timer, DMA, a storm) behind one level wire or a message each, a wire of its
 * own for edges, and it counts what it did and when, so that a driver can be compared with it.
 * docs/interrupts.md shows what to see; guest/drivers/irqlab is the driver.
 *
 * Registers. One page, little endian. Accesses are of 4 bytes, or of 8 for the registers of 64
 * bits, and aligned; all others fault. What is not named reads as 0 and ignores writes.
 *
 *   0x000 MAGIC     ro  "IRQL": 0x4c515249
 *   0x004 VERSION   ro  1
 *   0x008 INDEX     ro  which of the machine's it is, from 0
 *   0x00c CONTROL   wo  1: reset; on return nothing is under way any more, also no DMA
 *   0x010 STATUS    ro  a bit for each cause: it has happened and was not acknowledged
 *   0x014 ENABLE    rw  a bit for each cause: it may interrupt
 *   0x018 ACK       wo  clears bits of STATUS
 *   0x01c TRIGGER   wo  any value: the software cause happens
 *   0x020 PULSE     wo  n: the edge wire goes high and low n times, at most 256
 *   0x024 PULSES    ro  how often it did
 *   0x028 STORM     rw  n: the storm cause happens, and again whenever it is acknowledged, n times
 *   0x02c STUCK     rw  1: the level wire is high, whatever STATUS says: a fault of hardware
 *   0x030 PERIOD    rw  of the timer, in ns; less than 1000 counts as 1000
 *   0x034 REPEAT    rw  how often it still expires; 0 at its start: without end
 *   0x038 TIMER     rw  bit 0: it runs; bit 1: it pulses the edge wire instead of its cause. A
 *                       write begins a period
 *   0x03c RAISES    ro  how often the level wire went high
 *   0x040 NOW       ro  64 bits: the device's time in ns
 *   0x048 SRC       rw  64 bits: of DMA, guest physical; of a fill, its low byte is the pattern
 *   0x050 DST       rw  64 bits
 *   0x058 LEN       rw  bytes, 1 to 65536
 *   0x05c DELAY     rw  ns that a transfer takes
 *   0x060 DMA       wo  1: copy SRC to DST, 2: fill DST. Ignored while one is under way
 *   0x064 RESULT    ro  0: none yet, 1: under way, 2: done, 3: an address is not RAM, 4: bad LEN,
 *                       5: not a bus master, 6: no such command. All from 2 on raise the DMA cause
 *   0x080 EVENTS    ro  4 words: how often each cause happened
 *   0x0a0 OVERRUNS  ro  4 words: how often it did while its bit in STATUS was set already
 *   0x0c0 RAISED    ro  4 registers of 64 bits: NOW when its bit in STATUS was set last
 *
 * The level wire is high while (STATUS & ENABLE) is not 0. A message is sent when a bit of that
 * becomes set, also when it is set anew by the storm; the edge wire is a message of its own.
 * Counters wrap at 2^32. Parameters of a transfer and of the timer are taken when it is started.
 *
 * Threads. Registers of time, DMA and reset are for the loop, the others are DIRECT.
 */
#ifndef HW_IRQLAB_H
#define HW_IRQLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/irq.h"

#define IRQLAB_SIZE      0x1000u
#define IRQLAB_MAGIC     0x4c515249u
#define IRQLAB_VERSION   1u
#define IRQLAB_DMA_MAX   0x10000u
#define IRQLAB_PULSE_MAX 256u
#define IRQLAB_NS_MIN    1000u

enum irqlab_cause {
	IRQLAB_SOFT,
	IRQLAB_TICK,
	IRQLAB_DONE,
	IRQLAB_STORMING,
	IRQLAB_N_CAUSES,
	IRQLAB_EDGE = IRQLAB_N_CAUSES, /* a message's number, and no bit of STATUS */
	IRQLAB_N_MESSAGES,
};

enum irqlab_reg {
	IRQLAB_REG_MAGIC = 0x000,
	IRQLAB_REG_VERSION = 0x004,
	IRQLAB_REG_INDEX = 0x008,
	IRQLAB_REG_CONTROL = 0x00c,
	IRQLAB_REG_STATUS = 0x010,
	IRQLAB_REG_ENABLE = 0x014,
	IRQLAB_REG_ACK = 0x018,
	IRQLAB_REG_TRIGGER = 0x01c,
	IRQLAB_REG_PULSE = 0x020,
	IRQLAB_REG_PULSES = 0x024,
	IRQLAB_REG_STORM = 0x028,
	IRQLAB_REG_STUCK = 0x02c,
	IRQLAB_REG_PERIOD = 0x030,
	IRQLAB_REG_REPEAT = 0x034,
	IRQLAB_REG_TIMER = 0x038,
	IRQLAB_REG_RAISES = 0x03c,
	IRQLAB_REG_NOW = 0x040,
	IRQLAB_REG_SRC = 0x048,
	IRQLAB_REG_DST = 0x050,
	IRQLAB_REG_LEN = 0x058,
	IRQLAB_REG_DELAY = 0x05c,
	IRQLAB_REG_DMA = 0x060,
	IRQLAB_REG_RESULT = 0x064,
	IRQLAB_REG_EVENTS = 0x080,
	IRQLAB_REG_OVERRUNS = 0x0a0,
	IRQLAB_REG_RAISED = 0x0c0,
};

#define IRQLAB_TIMER_RUN  1u
#define IRQLAB_TIMER_EDGE 2u

enum irqlab_dma { IRQLAB_DMA_COPY = 1, IRQLAB_DMA_FILL = 2 };

enum irqlab_result {
	IRQLAB_RESULT_NONE,
	IRQLAB_RESULT_BUSY,
	IRQLAB_RESULT_OK,
	IRQLAB_RESULT_ADDRESS,
	IRQLAB_RESULT_LENGTH,
	IRQLAB_RESULT_MASTER,
	IRQLAB_RESULT_COMMAND,
};

struct gmem;
struct irqlab;
struct loop;

struct irqlab_config {
	struct loop *loop;
	struct gmem *mem;
	unsigned index;
	struct irq level, edge;
	/* Any thread: the time in ns. */
	uint64_t (*now)(void *arg);
	void *now_arg;
	/* Any thread: sends message 0 to IRQLAB_N_MESSAGES - 1. NULL: there are wires only. */
	void (*message)(void *arg, unsigned n);
	/* Loop: whether it may reach memory. NULL: it may. */
	bool (*master)(void *arg);
	void *arg; /* of message and master */
};

/* All that cfg points at outlives the device. 0 or -ENOMEM. */
int irqlab_new(const struct irqlab_config *cfg, struct irqlab **out);
/* On the loop's thread, while no vCPU runs. NULL is allowed. */
void irqlab_free(struct irqlab *d);

/* Its page of registers, for a range or a BAR whose `dev` is the struct irqlab. */
extern const struct bus_direct_ops irqlab_direct_ops;
extern const struct bus_posted_ops irqlab_posted_ops;

#endif
