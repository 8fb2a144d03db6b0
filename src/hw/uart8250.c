/* SPDX-License-Identifier: MIT */
/*
 * A leaf lock guards registers, receive FIFO and output ring; nothing is called under it. The
 * interrupt follows an atomic level instead (irq_follow), and the loop reads the ring's bytes
 * without the lock, since only the loop moves the tail.
 *
 * `looking` is the promise that the loop will look at the ring by itself: by the posted task, by
 * the timer, or when the stream says that it is writable. Who writes while it stands need not wake
 * anybody. The loop takes it back under the lock, and only when the ring is empty.
 *
 * Two liberties, both invisible to drivers but for the better: the transmitter sends in no time,
 * and turning the FIFOs on or off keeps what was received (Linux does so right after it has begun
 * to listen, and would lose what is typed ahead).
 */
#include "hw/uart8250.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chr.h"
#include "base/bits.h"
#include "base/loop.h"
#include "bus/bus.h"

#define SIZE      0x100u
#define FIFO_LEN  16u
#define RING_LEN  8192u /* a power of two */
#define LOOK_NS   1000000u
/* Reads of an LSR that says "no data", after which the guest is listening. */
#define MAX_POLLS 64u

enum reg { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR, DW_USR = 0x7c / 4 };

#define IER_RDI      0x01u /* received data */
#define IER_THRI     0x02u /* transmitter empty */
#define IER_RLSI     0x04u /* line status */
#define IER_MSI      0x08u /* modem status */
#define IIR_MSI      0x00u
#define IIR_NONE     0x01u
#define IIR_THRI     0x02u
#define IIR_RDI      0x04u
#define IIR_RLSI     0x06u
#define IIR_TIMEOUT  0x0cu
#define IIR_FIFOS    0xc0u
#define FCR_ENABLE   0x01u
#define FCR_CLEAR_RX 0x02u
#define LCR_DLAB     0x80u
#define MCR_LOOP     0x10u
#define LSR_DR       0x01u
#define LSR_OE       0x02u
#define LSR_EMPTY    0x60u /* THRE and TEMT */
/* Synopsys' DesignWare UART has registers of its own behind the 8250's. Of these there is its
 * status; the rest, its version among it, reads as 0, which means that they are not there. */
#define USR_TX_ROOM  0x02u
#define USR_TX_EMPTY 0x04u
#define USR_RX       0x08u

struct uart8250 {
	struct uart8250_config cfg;
	pthread_mutex_t lock; /* for all up to `ring` */
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	uint8_t overrun;   /* LSR_OE or 0 */
	uint8_t msr_delta; /* the low half of MSR */
	bool thre_pending; /* the transmitter became empty, and nobody has been told */
	bool listening;
	unsigned polls;
	bool input_waits; /* the stream has been refused input: it has to be asked again */
	uint8_t rx[FIFO_LEN];
	unsigned rx_head, rx_count;
	bool looking;
	unsigned head, tail; /* of the ring, running freely */
	uint8_t ring[RING_LEN];
	struct uart8250_stats stats;

	atomic_bool irq_level; /* written under the lock */

	/* The loop's own. */
	struct loop_task task;
	struct loop_timer timer;
	bool stream_full; /* `writable` will come */
	bool stream_gone;
	void (*flushed)(void *arg);
	void *flushed_arg;
};

/* ---- under the lock ---- */

static unsigned ring_room(const struct uart8250 *u)
{
	return RING_LEN - (u->head - u->tail);
}

static bool transmitter_empty(const struct uart8250 *u)
{
	return ring_room(u) >= FIFO_LEN;
}

static unsigned rx_room(const struct uart8250 *u)
{
	unsigned len = u->fcr & FCR_ENABLE ? FIFO_LEN : 1;

	return u->rx_count < len ? len - u->rx_count : 0;
}

/* What the outside may send now. */
static unsigned input_room(const struct uart8250 *u)
{
	return u->listening && !(u->mcr & MCR_LOOP) ? rx_room(u) : 0;
}

static void rx_push(struct uart8250 *u, uint8_t byte)
{
	u->rx[(u->rx_head + u->rx_count++) % FIFO_LEN] = byte;
}

static uint8_t rx_pop(struct uart8250 *u)
{
	uint8_t byte;

	if (!u->rx_count)
		return 0;
	byte = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % FIFO_LEN;
	u->rx_count--;
	return byte;
}

static size_t ring_push(struct uart8250 *u, const uint8_t *buf, size_t len)
{
	size_t n = min_u64(len, ring_room(u));
	size_t first = min_u64(n, RING_LEN - u->head % RING_LEN);

	memcpy(u->ring + u->head % RING_LEN, buf, first);
	memcpy(u->ring, buf + first, n - first);
	u->head += (unsigned)n;
	counter_add(&u->stats.sent, n);
	return n;
}

/* The interrupt to report: the highest of those that are pending and enabled. */
static uint8_t interrupt_id(const struct uart8250 *u)
{
	static const uint8_t triggers[] = {1, 4, 8, 14};

	if (u->ier & IER_RLSI && u->overrun)
		return IIR_RLSI;
	/* Below the trigger a time-out would follow; it is reported at once. */
	if (u->ier & IER_RDI && u->rx_count)
		return !(u->fcr & FCR_ENABLE) || u->rx_count >= triggers[u->fcr >> 6] ? IIR_RDI
										      : IIR_TIMEOUT;
	if (u->ier & IER_THRI && u->thre_pending)
		return IIR_THRI;
	if (u->ier & IER_MSI && u->msr_delta)
		return IIR_MSI;
	return IIR_NONE;
}

static uint8_t modem_lines(const struct uart8250 *u)
{
	if (!(u->mcr & MCR_LOOP))
		return 0xb0; /* carrier, data set ready, clear to send */
	/* RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD */
	return (uint8_t)((u->mcr & 2) << 3 | (u->mcr & 1) << 5 | (u->mcr & 0xc) << 4);
}

/* ---- leaving the lock ---- */

/* Unlocks, and does what has to be done outside: move the wire, wake the loop. */
static void leave(struct uart8250 *u, bool wake)
{
	bool level = interrupt_id(u) != IIR_NONE;
	bool changed = atomic_exchange(&u->irq_level, level) != level;

	pthread_mutex_unlock(&u->lock);
	if (changed)
		irq_follow(u->cfg.irq, &u->irq_level);
	if (wake)
		loop_post(u->cfg.loop, &u->task);
}

/* Under the lock, after something went into the ring: whether the loop has to be woken for it. */
static bool must_wake_for_output(struct uart8250 *u)
{
	bool wake = !u->looking && u->head != u->tail;

	if (wake)
		u->looking = true;
	return wake;
}

/* Under the lock, after room for input may have come up: whether the loop has to be woken. */
static bool must_wake_for_input(struct uart8250 *u)
{
	return u->input_waits && !u->rx_count && input_room(u);
}

/* ---- registers: on the vCPU's thread, under the lock ---- */

static void write_thr(struct uart8250 *u, uint8_t byte)
{
	u->polls = 0;
	if (!(u->mcr & MCR_LOOP)) {
		ring_push(u, &byte, 1); /* what comes although there is no room is lost */
		u->thre_pending = transmitter_empty(u);
		return;
	}
	if (rx_room(u))
		rx_push(u, byte);
	else
		u->overrun = LSR_OE;
	u->thre_pending = true;
}

static void write_ier(struct uart8250 *u, uint8_t value)
{
	value &= IER_RDI | IER_THRI | IER_RLSI | IER_MSI;
	if (value & ~u->ier & IER_THRI && transmitter_empty(u))
		u->thre_pending = true;
	if (value & IER_RDI)
		u->listening = true;
	u->ier = value;
}

static void write_fcr(struct uart8250 *u, uint8_t value)
{
	if (value & FCR_CLEAR_RX) {
		u->rx_count = 0;
		u->listening = u->ier & IER_RDI;
	}
	u->fcr = value & (FCR_ENABLE | 0xc0);
}

static void write_mcr(struct uart8250 *u, uint8_t value)
{
	uint8_t before = modem_lines(u), changed;

	u->mcr = value & 0x1f;
	changed = before ^ modem_lines(u);
	/* RI's change counts only when it ends. */
	u->msr_delta |= (uint8_t)((changed & 0xb0) >> 4 | (changed & before & 0x40) >> 4);
}

static void reg_write(struct uart8250 *u, unsigned reg, uint8_t value)
{
	switch (reg) {
	case RBR_THR:
		if (u->lcr & LCR_DLAB)
			u->dll = value;
		else
			write_thr(u, value);
		break;
	case IER:
		if (u->lcr & LCR_DLAB)
			u->dlm = value;
		else
			write_ier(u, value);
		break;
	case IIR_FCR: write_fcr(u, value); break;
	case LCR: u->lcr = value; break;
	case MCR: write_mcr(u, value); break;
	case SCR: u->scr = value; break;
	default: break;
	}
}

static uint8_t read_iir(struct uart8250 *u)
{
	uint8_t id = interrupt_id(u);

	if (id == IIR_THRI)
		u->thre_pending = false;
	return id | (u->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(struct uart8250 *u)
{
	uint8_t lsr = u->overrun;

	u->overrun = 0;
	if (transmitter_empty(u) || u->mcr & MCR_LOOP)
		lsr |= LSR_EMPTY;
	if (u->rx_count)
		lsr |= LSR_DR;
	else if (lsr & LSR_EMPTY && ++u->polls >= MAX_POLLS) /* it cannot be waiting for room */
		u->listening = true;
	return lsr;
}

static uint8_t reg_read(struct uart8250 *u, unsigned reg)
{
	uint8_t value;

	switch (reg) {
	case RBR_THR: return u->lcr & LCR_DLAB ? u->dll : rx_pop(u);
	case IER: return u->lcr & LCR_DLAB ? u->dlm : u->ier;
	case IIR_FCR: return read_iir(u);
	case LCR: return u->lcr;
	case MCR: return u->mcr;
	case LSR: return read_lsr(u);
	case MSR:
		value = modem_lines(u) | u->msr_delta;
		u->msr_delta = 0;
		return value;
	case SCR: return u->scr;
	case DW_USR:
		value = transmitter_empty(u) ? USR_TX_ROOM | USR_TX_EMPTY : 0;
		return u->rx_count ? value | USR_RX : value;
	default: return 0;
	}
}

static enum bus_result uart_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct uart8250 *u = dev;

	pthread_mutex_lock(&u->lock);
	*value = reg_read(u, (unsigned)offset >> u->cfg.reg_shift);
	leave(u, must_wake_for_input(u));
	return BUS_OK;
}

static enum bus_result uart_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct uart8250 *u = dev;
	bool wake;

	pthread_mutex_lock(&u->lock);
	reg_write(u, (unsigned)offset >> u->cfg.reg_shift, (uint8_t)value);
	wake = must_wake_for_output(u);
	wake |= must_wake_for_input(u);
	leave(u, wake);
	return BUS_OK;
}

static const struct bus_direct_ops uart_ops = {.read = uart_read, .write = uart_write};

size_t uart8250_debug_write(struct uart8250 *u, const uint8_t *buf, size_t len)
{
	size_t n;

	pthread_mutex_lock(&u->lock);
	n = ring_push(u, buf, len);
	leave(u, must_wake_for_output(u));
	return n;
}

/* ---- the loop's side ---- */

/* The oldest bytes of the ring that lie together. */
static size_t peek(struct uart8250 *u, const uint8_t **p)
{
	unsigned n;

	pthread_mutex_lock(&u->lock);
	n = u->head - u->tail;
	*p = u->ring + u->tail % RING_LEN;
	n = (unsigned)min_u64(n, RING_LEN - u->tail % RING_LEN);
	pthread_mutex_unlock(&u->lock);
	return n;
}

static void drop(struct uart8250 *u, size_t n)
{
	bool before;

	pthread_mutex_lock(&u->lock);
	before = transmitter_empty(u);
	u->tail += (unsigned)n;
	if (!before && transmitter_empty(u))
		u->thre_pending = true;
	leave(u, false);
}

/* How many of the bytes the stream takes; all of them when there is none to take them. */
static size_t send(struct uart8250 *u, const uint8_t *p, size_t len)
{
	ssize_t n;

	if (!u->cfg.chr || u->stream_gone)
		return len;
	n = chr_write(u->cfg.chr, p, len);
	if (n >= 0)
		return (size_t)n;
	u->stream_gone = true;
	return len;
}

/* Moves what is in the ring to the stream, until that is full. Whether any was moved. */
static bool drain(struct uart8250 *u)
{
	bool any = false;

	u->stream_full = false;
	/* Twice, because the ring wraps; not until it is empty, because that may never be. */
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *p;
		size_t len = peek(u, &p), n;

		if (!len)
			break;
		n = send(u, p, len);
		if (n && u->cfg.tap)
			u->cfg.tap(u->cfg.tap_arg, p, n);
		if (n)
			drop(u, n);
		any |= n != 0;
		if (n < len) {
			u->stream_full = true;
			break;
		}
	}
	return any;
}

/* Looks at everything that may have to be done. */
static void work(struct uart8250 *u)
{
	bool moved = drain(u), ask, empty;

	pthread_mutex_lock(&u->lock);
	empty = u->head == u->tail;
	/* Something moved, so more may come soon: look again instead of being woken. */
	u->looking = moved || !empty;
	ask = u->input_waits && input_room(u);
	if (ask)
		u->input_waits = false;
	pthread_mutex_unlock(&u->lock);

	if (!u->stream_full && (moved || !empty))
		loop_timer_arm(u->cfg.loop, &u->timer, loop_now(u->cfg.loop) + LOOK_NS);
	if (ask)
		chr_want_input(u->cfg.chr, true);
	if (empty && u->flushed) {
		void (*flushed)(void *arg) = u->flushed;

		u->flushed = NULL;
		flushed(u->flushed_arg); /* may free u */
	}
}

static void work_task(struct loop_task *t)
{
	work(t->arg);
}

static void work_timer(struct loop_timer *t)
{
	work(t->arg);
}

/* By way of the task: who is told that all is flushed may want to free the stream. */
static void stream_writable(void *user)
{
	struct uart8250 *u = user;

	loop_post(u->cfg.loop, &u->task);
}

static size_t stream_input(void *user, const uint8_t *buf, size_t len)
{
	struct uart8250 *u = user;
	size_t n;

	pthread_mutex_lock(&u->lock);
	n = min_u64(len, input_room(u));
	for (size_t i = 0; i < n; i++)
		rx_push(u, buf[i]);
	counter_add(&u->stats.received, n);
	if (n < len)
		u->input_waits = true;
	leave(u, false);
	return n;
}

static const struct chr_user_ops stream_ops = {.input = stream_input, .writable = stream_writable};

void uart8250_flush(struct uart8250 *u, void (*done)(void *arg), void *arg)
{
	u->flushed = done;
	u->flushed_arg = arg;
	loop_post(u->cfg.loop, &u->task);
}

/* ---- what is counted ---- */

const struct stats_row uart8250_rows[] = {
	{.group = "uart",
	 .name = "received",
	 .unit = STATS_BYTES,
	 .help = "Bytes for the guest to read",
	 .offset = offsetof(struct uart8250_stats, received)},
	{.group = "uart",
	 .name = "sent",
	 .unit = STATS_BYTES,
	 .help = "Bytes that the guest has written",
	 .offset = offsetof(struct uart8250_stats, sent)},
	{0},
};

const struct uart8250_stats *uart8250_stats(const struct uart8250 *u)
{
	return &u->stats;
}

/* ---- life ---- */

int uart8250_new(const struct uart8250_config *cfg, struct uart8250 **out)
{
	struct uart8250 *u = calloc(1, sizeof(*u));
	struct bus_range range = {
		.base = cfg->base, .size = SIZE, .name = "uart", .dev = u, .direct = &uart_ops};
	int err;

	if (!u)
		return -ENOMEM;
	u->cfg = *cfg;
	u->task.fn = work_task;
	u->timer.fn = work_timer;
	u->task.arg = u->timer.arg = u;
	pthread_mutex_init(&u->lock, NULL);
	err = bus_add(cfg->bus, &range);
	if (err) {
		pthread_mutex_destroy(&u->lock);
		free(u);
		return err;
	}
	/* From the beginning the stream waits to be asked. */
	u->input_waits = cfg->chr != NULL;
	if (cfg->chr)
		chr_attach(cfg->chr, &stream_ops, u);
	*out = u;
	return 0;
}

void uart8250_reset(struct uart8250 *u)
{
	pthread_mutex_lock(&u->lock);
	u->ier = u->fcr = u->lcr = u->mcr = u->scr = u->dll = u->dlm = 0;
	u->overrun = u->msr_delta = 0;
	u->thre_pending = u->listening = false;
	u->polls = u->rx_count = 0;
	u->input_waits = u->cfg.chr != NULL;
	leave(u, false);
	if (u->cfg.chr)
		chr_want_input(u->cfg.chr, false);
}

void uart8250_free(struct uart8250 *u)
{
	if (!u)
		return;
	(void)bus_remove(u->cfg.bus, u->cfg.base);
	loop_timer_cancel(&u->timer);
	loop_task_cancel(u->cfg.loop, &u->task);
	if (u->cfg.chr) {
		chr_want_input(u->cfg.chr, false);
		chr_attach(u->cfg.chr, NULL, NULL);
	}
	pthread_mutex_destroy(&u->lock);
	free(u);
}
