/* SPDX-License-Identifier: MIT */
/*
 * Stands in for firmware that others wrote for the real small core with ThreadX and RPMsg-Lite: it
 * makes the accesses that such a binary makes, of the same widths and in the same order, habits and
 * oversights included:
 *
 * - the interrupt of the mailbox is on before there is anything to receive with;
 * - only the first words of the interrupt controller's priorities are cleared;
 * - the comparator of the clock gets its low half first, so that it may fire in between;
 * - it announces its channel without asking whether Linux is there, and polls for a buffer;
 * - to be idle is to look at a word.
 *
 * Two threads would count every four and eight seconds, and calculate with floating point.
 */
#include <stdint.h>

#include "guest/firmware/board/regs.h"

#define UART(r) REG32(UART0_BASE + 4 * (r))
#define THR     0
#define DLL     0
#define DLM     1
#define IER     1
#define FCR     2
#define LCR     3
#define MCR     4
#define LSR     5

#define PLIC_PENDING 0x1000u
#define TICK         125000u /* 200 in a second */
#define TICKS_4S     800u

#define BIG       1u
#define SMALL     2u
#define EN(c)     (MAILBOX_BASE + 4 * (c))
#define CLR(c)    (MAILBOX_BASE + 0x10 + 16 * (c))
#define INT(c)    (MAILBOX_BASE + 0x18 + 16 * (c))
#define SET       (MAILBOX_BASE + 0x60)
#define LOCK(f)   (MAILBOX_BASE + 0xc0 + 4 * (f))
#define MESSAGE   (MAILBOX_BASE + 0x400)
#define LOCK_UART 0u
#define LOCK_MAIL 4u
#define OUR_ID    0x1234u

#define CMD_LED 0x13u
#define LED_ON  2u
#define LED     (1u << 2)

/* The rings, of 256 buffers each; 0 is to Linux. */
#define RING(i)     (0x8fc00000ul + 0x8000ul * (i))
#define AVAIL(i)    (RING(i) + 4096)
#define USED(i)     (RING(i) + 8192)
#define DESC_ADDR   0
#define CHANNEL     30u
#define NAME_SERVER 53u

void idle_until(volatile uint32_t *word);
void interrupt(uint64_t cause);
int main(void);

static volatile uint32_t work, ticks;
static volatile uint64_t mail[8];
static volatile uint32_t n_mails;
static uint16_t taken[2];

/* ---- text ---- */

static void uart_init(void)
{
	UART(LCR) = 0x83;
	UART(DLL) = 13;
	UART(DLM) = 0;
	UART(LCR) = 3;
	UART(IER) = 0;
	UART(MCR) = 0;
	UART(FCR) = 7;
}

static void put(char c)
{
	while (!(UART(LSR) & 0x20))
		;
	UART(THR) = (uint8_t)c;
}

static void lock(unsigned f)
{
	do {
		REG16(LOCK(f)) = OUR_ID;
	} while (REG16(LOCK(f)) != OUR_ID);
}

static void unlock(unsigned f)
{
	REG16(LOCK(f)) = OUR_ID;
}

static void put_number(unsigned n)
{
	if (n >= 10)
		put_number(n / 10);
	put((char)('0' + n % 10));
}

static void say(const char *text, unsigned n)
{
	lock(LOCK_UART);
	for (const char *p = "RT: "; *p; p++)
		put(*p);
	while (*text)
		put(*text++);
	put_number(n);
	put('\r');
	put('\n');
	unlock(LOCK_UART);
}

/* ---- the mailbox ---- */

static void send_mail(uint32_t word, uint32_t param)
{
	unsigned i = 0;

	lock(LOCK_MAIL);
	while (REG32(MESSAGE + 8 * i) >> 16)
		i = (i + 1) % 8;
	REG32(MESSAGE + 8 * i) = word | 1u << 24;
	REG32(MESSAGE + 8 * i + 4) = param;
	REG8(CLR(BIG)) = (uint8_t)(1u << i);
	REG8(EN(BIG)) = (uint8_t)(REG8(EN(BIG)) | 1u << i);
	REG8(SET) = (uint8_t)(1u << i);
	unlock(LOCK_MAIL);
}

static void mailbox_interrupt(void)
{
	uint8_t pending = REG8(INT(SMALL));

	for (unsigned i = 0; i < 8; i++) {
		if (!(pending & 1u << i))
			continue;
		REG8(CLR(SMALL)) = (uint8_t)(1u << i);
		REG8(EN(SMALL)) = (uint8_t)(REG8(EN(SMALL)) & ~(1u << i));
		if (n_mails < 8)
			mail[n_mails++] = REG64(MESSAGE + 8 * i);
		REG64(MESSAGE + 8 * i) = 0;
		work = 1;
	}
}

static void answer(uint64_t message)
{
	if ((message >> 8 & 0x7f) != CMD_LED)
		return; /* a kick */
	REG32(GPIO_E_BASE + 4) = REG32(GPIO_E_BASE + 4) | LED;
	REG32(GPIO_E_BASE) = message >> 32 == LED_ON ? LED : 0;
	say("LED ", (unsigned)(message >> 32));
	send_mail(message & 0xffff, 4);
}

/* ---- RPMsg ---- */

#define INVALIDATE(a, word)                                                                  \
	do {                                                                                 \
		register uint64_t a0 __asm__("a0") = (a);                                    \
		__asm__ volatile(".word " word "\n\t.word 0x0190000b" ::"r"(a0) : "memory"); \
	} while (0)

/* The next buffer of a ring; 0: none. */
static uint64_t take(unsigned ring, uint16_t *id)
{
	INVALIDATE(AVAIL(ring), "0x02a5000b");
	if (REG16(AVAIL(ring) + 2) == taken[ring])
		return 0;
	*id = REG16(AVAIL(ring) + 4 + 2 * (taken[ring]++ % 256u));
	return REG64(RING(ring) + 16ul * *id + DESC_ADDR);
}

static void give(unsigned ring, uint16_t id, uint32_t len)
{
	uint16_t n = REG16(USED(ring) + 2);

	REG32(USED(ring) + 4 + 8 * (n % 256u)) = id;
	REG32(USED(ring) + 8 + 8 * (n % 256u)) = len;
	__asm__ volatile("fence" ::: "memory");
	REG16(USED(ring) + 2) = (uint16_t)(n + 1);
	INVALIDATE(USED(ring), "0x02b5000b");
	send_mail(ring << 8, 0xf);
}

static void send(uint32_t dst, const uint8_t *data, uint16_t len)
{
	uint64_t buffer;
	uint16_t id;

	while (!(buffer = take(0, &id)))
		;
	REG32(buffer) = CHANNEL;
	REG32(buffer + 4) = dst;
	REG32(buffer + 8) = 0;
	REG16(buffer + 12) = len;
	REG16(buffer + 14) = 0;
	for (unsigned i = 0; i < len; i++)
		REG8(buffer + 16 + i) = data[i];
	for (unsigned at = 0; at < 16u + len; at += 64)
		INVALIDATE(buffer + at, "0x02b5000b");
	give(0, id, 16u + len);
}

static void announce(void)
{
	static const uint8_t message[40] = "rpmsg-sg2002-c906l-channel\0\0\0\0\0\0\x1e";

	send(NAME_SERVER, message, sizeof(message));
}

static void receive(void)
{
	uint64_t buffer;
	uint16_t id;

	while ((buffer = take(1, &id))) {
		uint32_t src = REG32(buffer), number = REG32(buffer + 16) + 1;

		give(1, id, 512);
		send(src, (const uint8_t *)&number, sizeof(number));
	}
}

/* ---- interrupts ---- */

static void next_tick(void)
{
	static uint64_t at;
	uint64_t now;

	__asm__ volatile("rdtime %0" : "=r"(now));
	at = (at ? at : now) + TICK;
	REG32(CLINT_BASE + CLINT_MTIMECMP_LOW) = (uint32_t)at;
	REG32(CLINT_BASE + CLINT_MTIMECMP_HIGH) = (uint32_t)(at >> 32);
}

static void request_interrupt(unsigned source)
{
	REG32(PLIC_BASE + 4 * source) = 1;
	REG32(PLIC_BASE + PLIC_ENABLE + source / 32 * 4) =
		REG32(PLIC_BASE + PLIC_ENABLE + source / 32 * 4) | 1u << source % 32;
}

static void interrupts_init(void)
{
	for (unsigned i = 0; i < 2; i++) {
		REG32(PLIC_BASE + 4 * i) = 0;
		REG32(PLIC_BASE + PLIC_PENDING + 4 * i) = 0;
		REG32(PLIC_BASE + PLIC_ENABLE + 4 * i) = 0;
	}
	REG32(PLIC_BASE + PLIC_THRESHOLD) = 0;
	__asm__ volatile("csrw mie, %0" ::"r"(0x880));
}

void interrupt(uint64_t cause)
{
	uint32_t source;

	if (cause == (1ull << 63 | 7)) {
		next_tick();
		if (++ticks % TICKS_4S == 0)
			work = 1;
	} else if (cause == (1ull << 63 | 11)) {
		while ((source = REG32(PLIC_BASE + PLIC_CLAIM))) {
			if (source == MAILBOX_IRQ)
				mailbox_interrupt();
			REG32(PLIC_BASE + PLIC_CLAIM) = source;
		}
		__asm__ volatile("csrrc zero, mip, %0" ::"r"(0x800));
	} else {
		say("trap ", (unsigned)cause);
		for (;;)
			;
	}
}

static void count(void)
{
	static unsigned periods;
	volatile float f = 0;

	if (ticks / TICKS_4S == periods)
		return;
	periods = ticks / TICKS_4S;
	say("threadx 0 running: ", periods);
	if (periods % 2)
		return;
	for (unsigned i = 0; i < periods * 1000; i++)
		f += 0.5f;
	say("threadx 1 running: ", periods / 2);
	say("float cal: ", (unsigned)f);
}

int main(void)
{
	uart_init();
	say("up ", 0);
	interrupts_init();
	request_interrupt(MAILBOX_IRQ);
	next_tick();
	__asm__ volatile("csrsi mstatus, 8");
	announce();
	for (;;) {
		idle_until(&work);
		__asm__ volatile("csrci mstatus, 8");
		work = 0;
		for (unsigned i = 0; i < n_mails; i++)
			answer(mail[i]);
		n_mails = 0;
		receive();
		count();
	}
}
