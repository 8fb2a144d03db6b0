/* SPDX-License-Identifier: MIT */
/*
 * A 16550A UART (National Semiconductor PC16550D data sheet) on a byte stream; with registers four
 * bytes apart also Synopsys' DesignWare APB UART, as far as drivers need it.
 *
 * Registers are handled on the vCPU's thread, the stream on the loop. Output goes through a ring
 * of some KiB: the transmitter is "empty" while the ring has room for a FIFO's worth, so a guest
 * never loses a character and never waits for the host unless the stream is stuck. Once a character
 * has been written, the loop looks at the ring every millisecond until it stays empty, which spares
 * a wake-up and a write for each.
 *
 * Input is left in the stream until the guest listens: it enables the receive interrupt or polls
 * for data. So what a user or a script sends before the driver is up is not lost when that driver
 * clears the FIFO.
 */
#ifndef HW_UART8250_H
#define HW_UART8250_H

#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"
#include "bus/irq.h"

struct bus;
struct chr;
struct loop;
struct uart8250;

struct uart8250_config {
	struct bus *bus;
	uint64_t base;      /* of 0x100 bytes */
	unsigned reg_shift; /* registers are 1 << reg_shift bytes apart: 0 or 2 */
	struct irq irq;
	struct loop *loop;
	struct chr *chr; /* on the same loop; NULL: no input, and output goes to the tap alone */
	/* Sees all output, on the loop, once it is on its way to the stream. May be NULL. */
	void (*tap)(void *arg, const uint8_t *buf, size_t len);
	void *tap_arg;
};

/* What it counts, and the table that describes it. */
struct uart8250_stats {
	struct counter received; /* bytes from the stream */
	struct counter sent;     /* bytes that the guest, or its firmware, has written */
};

extern const struct stats_row uart8250_rows[];

/* Takes the stream into use. On the loop's thread. 0 or -errno. */
int uart8250_new(const struct uart8250_config *cfg, struct uart8250 **out);

/* As after power-on; what was written is still output. On the loop's thread, while no vCPU runs. */
void uart8250_reset(struct uart8250 *u);

/* Lets go of the stream; output that is still in the ring is lost. On the loop's thread, outside
 * of the stream's callbacks, while no vCPU runs. NULL is allowed. */
void uart8250_free(struct uart8250 *u);

/* Any thread, as long as the UART lives. */
const struct uart8250_stats *uart8250_stats(const struct uart8250 *u);

/* Output that does not come through the registers, in order with that which does: for a firmware's
 * console. Any thread; never waits. Returns how many bytes it took: fewer when the ring is full. */
size_t uart8250_debug_write(struct uart8250 *u, const uint8_t *buf, size_t len);

/* Calls done(arg) once, on the loop and never from within, when all that was written is in the
 * stream or the stream has broken. On the loop's thread; one at a time. */
void uart8250_flush(struct uart8250 *u, void (*done)(void *arg), void *arg);

#endif
