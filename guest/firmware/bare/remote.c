/* SPDX-License-Identifier: MIT */
/*
 * A program for the small core that speaks with guest/drivers/duo_mailbox and duo_rproc, without a
 * system under it: the commands of guest/drivers/duo_mailbox/test/remote.h, some of which do what a
 * small core should not. Its resource table asks for RPMsg, of which it does nothing but lie.
 *
 * Whoever writes to the mailbox holds the lock that both cores know, with interrupts off.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "bare.h"
#include "guest/drivers/duo_mailbox/test/remote.h"

#define N_CHANNELS 8u
#define LOCK       (MAILBOX + 0xc0 + 4 * 4)
#define OWNER      0x5254u
#define EN(core)   (MAILBOX + 4 * (core))
#define SET        (MAILBOX + 0x60)
#define MEMORY(i)  (MAILBOX + 0x400 + 8 * (i))

#define MIE 8u

/* ---- what Linux reads in the file, and in memory ---- */

#define ANYWHERE    0xffffffffu
#define VRING_NUM   256u
#define VRING_ALIGN 4096u

/* Behind this program, where it says to Linux that it is. */
#define TRACE_AT   0x8fe80000u
#define TRACE_SIZE 1024u

static unsigned trace_end;

static struct {
	uint32_t version, n, zero[2], offset[2];
	struct {
		uint32_t type, da, len, zero;
		char name[32];
	} trace;
	struct {
		uint32_t type, id, notifyid, dfeatures, gfeatures, config_len;
		uint8_t status, n_vrings, zero[2];
		struct {
			uint32_t da, align, num, notifyid, pa;
		} vring[2];
	} vdev;
} table __attribute__((section(".resource_table"), used)) = {
	.version = 1,
	.n = 2,
	.offset = {offsetof(__typeof__(table), trace), offsetof(__typeof__(table), vdev)},
	.trace = {.type = 2, .da = TRACE_AT, .len = TRACE_SIZE, .name = "remote"},
	.vdev = {.type = 3,
		 .id = 7,
		 .dfeatures = 1, /* names are announced */
		 .n_vrings = 2,
		 .vring = {{ANYWHERE, VRING_ALIGN, VRING_NUM, 0, 0},
			   {ANYWHERE, VRING_ALIGN, VRING_NUM, 1, 0}}},
};

static void put_trace(char c)
{
	if (trace_end < TRACE_SIZE)
		REG8((uintptr_t)TRACE_AT + trace_end++) = (uint8_t)c;
}

static void note(const char *text, unsigned n)
{
	say(text, n);
	print(put_trace, text, n);
	put_trace('\n');
}

/* ---- the mailbox ---- */

static uintptr_t interrupts_off(void)
{
	uintptr_t before;

	__asm__ volatile("csrrci %0, mstatus, 8" : "=r"(before)::"memory");
	return before & MIE;
}

static void interrupts_restore(uintptr_t before)
{
	__asm__ volatile("csrs mstatus, %0" ::"r"(before) : "memory");
}

static void lock(void)
{
	for (;;) {
		if (!REG16(LOCK)) {
			REG16(LOCK) = OWNER;
			if (REG16(LOCK) == OWNER)
				return;
		}
	}
}

static void unlock(void)
{
	REG16(LOCK) = OWNER;
}

/* With the lock. False: all channels are full. */
static bool try_send(uint32_t word, uint32_t param)
{
	for (unsigned i = 0; i < N_CHANNELS; i++) {
		if (REG32(MEMORY(i)) >> 16)
			continue;
		reply(i, word, param);
		return true;
	}
	return false;
}

/* Until Linux has taken one of those that are on their way to it. */
static void send(uint32_t word, uint32_t param)
{
	bool sent;

	do {
		uintptr_t before = interrupts_off();

		lock();
		sent = try_send(word, param);
		unlock();
		interrupts_restore(before);
	} while (!sent);
}

/* ---- commands ---- */

struct buffer {
	uint32_t address, length;
};

static volatile struct buffer *descriptor_at(unsigned i)
{
	return (volatile struct buffer *)(uintptr_t)REMOTE_BUFFERS + i;
}

/* What a message's descriptor tells of, if it is what Linux may tell of. */
static bool buffer_of(uint32_t param, struct buffer *b)
{
	const volatile struct buffer *d = (const volatile struct buffer *)(uintptr_t)param;

	if (param < REMOTE_BUFFERS || param - REMOTE_BUFFERS >= 4096 || param % 8)
		return false;
	*b = (struct buffer){d->address, d->length};
	return b->address >= REMOTE_BUFFERS && b->address - REMOTE_BUFFERS < REMOTE_BUFFERS_SIZE &&
	       b->length <= REMOTE_BUFFERS_SIZE - (b->address - REMOTE_BUFFERS);
}

static uint32_t sum(const struct buffer *b)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)b->address;
	uint32_t s = 0;

	for (uint32_t i = 0; i < b->length; i++)
		s += p[i];
	return s;
}

/* In a descriptor that Linux does not use. */
static uint32_t point(uint32_t kind)
{
	static const struct buffer points[] = {
		[REMOTE_POINT_GOOD] = {REMOTE_BUFFERS + 0x1000, 16},
		[REMOTE_POINT_LONG] = {REMOTE_BUFFERS + 0x1000, REMOTE_BUFFERS_SIZE - 0x1000 + 1},
		[REMOTE_POINT_WRAP] = {REMOTE_BUFFERS + 0x1000, 0xffffffffu},
		[REMOTE_POINT_BELOW] = {REMOTE_BUFFERS, 16},
		[REMOTE_POINT_LINUX] = {0x80200000u, 16},
		[REMOTE_POINT_AWAY] = {REMOTE_BUFFERS + 0x1000, 16},
	};
	volatile struct buffer *d = descriptor_at(8);

	if (kind >= sizeof(points) / sizeof(*points))
		return 0;
	d->address = points[kind].address;
	d->length = points[kind].length;
	return kind == REMOTE_POINT_AWAY ? REMOTE_BUFFERS + 0x1000 : (uint32_t)(uintptr_t)d;
}

/* The lock is held when Linux hears that it is. */
static void hold(uint32_t word, uint32_t param)
{
	struct buffer b;

	if (!buffer_of(param, &b))
		return;
	lock();
	try_send(word, REMOTE_DONE);
	while (!*(volatile uint8_t *)(uintptr_t)b.address)
		;
	unlock();
}

static void empty(void)
{
	lock();
	REG8(EN(BIG)) |= 1u << (N_CHANNELS - 1);
	REG8(SET) = 1u << (N_CHANNELS - 1);
	unlock();
}

/* What Linux put there has 256 entries each, the used ones behind the available ones and a page. */
static void lie(uint32_t kind)
{
	uint64_t ring = *(volatile uint32_t *)&table.vdev.vring[0].da;
	uint64_t available = ring + 16 * VRING_NUM, used = ring + 2 * VRING_ALIGN;
	uint16_t first = REG16(available + 4);

	REG32(used + 4) = kind == REMOTE_RING_ID ? 70000 : first;
	REG32(used + 8) = kind == REMOTE_RING_LENGTH ? ~0u : 16;
	__asm__ volatile("fence");
	REG16(used + 2) = kind == REMOTE_RING_INDEX ? 1000 : 1;
	send(0, 0xf);
}

static void command(uint32_t word, uint32_t param)
{
	uint32_t news = (word & 0xff) | REMOTE_NEWS << 8;
	struct buffer b;

	switch (word >> 8 & 0x7f) {
	case REMOTE_SILENT: return;
	case REMOTE_LED: note(param == REMOTE_LED_ON ? "LED on " : "LED off ", 0); break;
	case REMOTE_SUM: send(word, buffer_of(param, &b) ? sum(&b) : ~0u); return;
	case REMOTE_FLOOD:
		for (uint32_t i = 0; i < param; i++)
			send(news, i);
		break;
	case REMOTE_HOLD: hold(word, param); return;
	case REMOTE_POINT: send(news, point(param)); break;
	case REMOTE_EMPTY: empty(); break;
	case REMOTE_RING: lie(param); break;
	case REMOTE_HANG:
		note("hangs ", 0);
		for (;;)
			;
	case REMOTE_CRASH: note("crashes ", 0); __asm__ volatile("unimp");
	default: return;
	}
	send(word, REMOTE_DONE);
}

static void mail(unsigned channel)
{
	uint8_t bit = (uint8_t)(1u << channel);
	uint32_t word, param;

	lock();
	REG8(MAILBOX + 0x10 + 16 * SMALL) = bit;
	REG8(EN(SMALL)) &= (uint8_t)~bit;
	word = REG32(MEMORY(channel));
	param = REG32(MEMORY(channel) + 4);
	REG64(MEMORY(channel)) = 0;
	unlock();
	if (word >> 16 & 0xff)
		command(word & 0x7fff, param);
}

static void external(void)
{
	uint32_t source;

	while ((source = REG32(PLIC + 0x200004))) {
		if (source == MAILBOX_IRQ)
			for (unsigned i = 0; i < N_CHANNELS; i++)
				if (REG8(MAILBOX + 0x18 + 16 * SMALL) & 1u << i)
					mail(i);
		REG32(PLIC + 0x200004) = source;
	}
}

__attribute__((interrupt("machine"), aligned(256))) static void trap(void)
{
	uint64_t cause;

	__asm__ volatile("csrr %0, mcause" : "=r"(cause));
	if (cause == (1ull << 63 | 11)) {
		external();
		return;
	}
	note("trap ", (unsigned)cause);
	for (;;)
		;
}

int main(void)
{
	memset((void *)TRACE_AT, 0, TRACE_SIZE);
	note("up ", 0);
	__asm__ volatile("csrw mtvec, %0" ::"r"(trap));
	for (unsigned w = 0; w < 2; w++)
		REG32(PLIC + 0x1000 + 4 * w) = 0;
	REG32(PLIC + 4 * MAILBOX_IRQ) = 1;
	REG32(PLIC + 0x2004) = 1u << (MAILBOX_IRQ - 32);
	REG32(PLIC + 0x200000) = 0;
	/* The controller is not reset with the core, which may have been at it at that moment. */
	REG32(PLIC + 0x200004) = MAILBOX_IRQ;
	__asm__ volatile("csrs mie, %0" ::"r"(0x800));
	__asm__ volatile("csrs mstatus, %0" ::"r"(MIE));
	for (;;)
		__asm__ volatile("wfi");
}
