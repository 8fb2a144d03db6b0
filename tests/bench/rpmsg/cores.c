/* SPDX-License-Identifier: MIT */
/*
 * What the two cores of a Duo take to tell each other something, with no system on either: a word
 * of memory that both look at, a message in the mailbox with both asleep (wfi) until it rings, four
 * bytes by UART; and how much both compute at once. Compiled for the small core, and with -DON_BIG
 * for the big one, which counts.
 *
 * The UARTs are joined by who listens at their other ends: it passes on bytes above 127. All others
 * are words for it. It sends a byte to begin with.
 */
#include "guest/firmware/bare/bare.h"

#define SHARED     0x8fc10000ul /* memory that nobody else uses; a cache line for each */
#define WORD(core) REG32(SHARED + 64 * (core))
#define N          2000u
#define N_UART     200u
#define BYTES      4u
#define MARK       0x80u
#define NS_TICK    40u

#ifdef ON_BIG
#define ME     BIG
#define OTHER  SMALL
#define SOURCE 101u
#else
#define ME     SMALL
#define OTHER  BIG
#define SOURCE MAILBOX_IRQ
#endif

#define EN(core)  (MAILBOX + 4 * (core))
#define INT(core) (MAILBOX + 0x18 + 16 * (core))
#define CLR(core) (MAILBOX + 0x10 + 16 * (core))
#define SET       (MAILBOX + 0x60)
#define COMMAND   (2u << 8) /* 0 and 1 are kicks of RPMsg, which nobody here speaks */
#define CLAIM     (PLIC + 0x200004)

static void word_to_other(unsigned i)
{
	WORD(OTHER) = i;
}

static void word_to_me(unsigned i)
{
	while (WORD(ME) != i)
		;
}

static void mail_begin(void)
{
	REG32(PLIC + 4 * SOURCE) = 1;
	REG32(PLIC + 0x2000 + SOURCE / 32 * 4) = 1u << SOURCE % 32;
	REG32(PLIC + 0x200000) = 0;
	__asm__ volatile("csrs mie, %0" ::"r"(0x800));
}

static void mail_to_other(unsigned i)
{
	REG32(MAILBOX + 0x400 + 8 * OTHER) = i << 16 | COMMAND;
	REG8(EN(OTHER)) = 1u << OTHER;
	REG8(SET) = 1u << OTHER;
}

static void mail_to_me(unsigned i)
{
	(void)i;
	while (!REG8(INT(ME)))
		__asm__ volatile("wfi");
	REG8(CLR(ME)) = 1u << ME;
	REG32(CLAIM) = REG32(CLAIM);
}

static uint8_t get(void)
{
	while (!(REG32(UART + 5 * 4) & 1))
		;
	return (uint8_t)REG32(UART);
}

static void bytes_to_other(unsigned i)
{
	(void)i;
	for (unsigned n = 0; n < BYTES; n++)
		put((char)(MARK + n));
}

static void bytes_to_me(unsigned i)
{
	(void)i;
	for (unsigned n = 0; n < BYTES; n++)
		get();
}

static const struct way {
	const char *p50, *p99;
	unsigned n;
	void (*to_other)(unsigned i);
	void (*to_me)(unsigned i);
} ways[] = {
	{"memory p50 ", "memory p99 ", N, word_to_other, word_to_me},
	{"mailbox p50 ", "mailbox p99 ", N, mail_to_other, mail_to_me},
	{"uart p50 ", "uart p99 ", N_UART, bytes_to_other, bytes_to_me},
};

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

#define SECOND     25000000u /* of rdtime */
#define WORK_INSNS 10000u

static uint64_t now(void)
{
	uint64_t t;

	__asm__ volatile("rdtime %0" : "=r"(t));
	return t;
}

/* For a second: how many times WORK_INSNS instructions. */
static uint32_t work(void)
{
	uint64_t end = now() + SECOND;
	uint32_t n;

	for (n = 0; now() < end; n++)
		for (unsigned i = WORK_INSNS / 2; i; i--)
			__asm__ volatile("");
	return n;
}

#ifdef ON_BIG

volatile uint64_t tohost __attribute__((aligned(8)));

static uint32_t took[N];

static void keep_sorted(unsigned n, uint32_t value)
{
	while (n && took[n - 1] > value) {
		took[n] = took[n - 1];
		n--;
	}
	took[n] = value;
}

static void measure(const struct way *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		uint64_t begin = now();

		w->to_other(i + 1);
		w->to_me(i + 1);
		keep_sorted(i, (uint32_t)(now() - begin) * NS_TICK);
	}
	say(w->p50, took[w->n / 2]);
	say(w->p99, took[w->n * 99 / 100]);
}

int main(void)
{
	uint32_t own;

	get();
	mail_begin();
	for (const struct way *w = ways; w < ways + N_WAYS; w++)
		measure(w);
	say("work alone ", work()); /* the other one sleeps */
	mail_to_other(0);
	own = work();
	mail_to_me(0);
	say("work both ", own + WORD(BIG));
	tohost = 1;
	return 0;
}

#else

int main(void)
{
	mail_begin();
	for (const struct way *w = ways; w < ways + N_WAYS; w++) {
		for (unsigned i = 0; i < w->n; i++) {
			w->to_me(i + 1);
			w->to_other(i + 1);
		}
	}
	mail_to_me(0);
	WORD(BIG) = work();
	mail_to_other(0);
	return 0;
}

#endif
