/* SPDX-License-Identifier: MIT */
#include "big.h"

#include "guest/firmware/board/board.h"
#include "guest/firmware/board/regs.h"
#include "guest/firmware/kernel/tx_api.h"

#define STACK    4096
#define BIG      1u
#define SMALL    2u
#define CHANNELS 8u

#define EN(core)      (MAILBOX_BASE + 4 * (core))
#define INT_CLR(core) (MAILBOX_BASE + 0x10 + 16 * (core))
#define INT(core)     (MAILBOX_BASE + 0x18 + 16 * (core))
#define SET           (MAILBOX_BASE + 0x60)
#define MESSAGE(i)    (MAILBOX_BASE + 0x400 + 8 * (i))
#define LOCK          (MAILBOX_BASE + 0xc0 + 4 * BOARD_LOCK_MAILBOX)
#define LOCK_ID       0x42u /* not the small core's */
#define IP            7u    /* comes back with the reply */
#define LOOKS         50000 /* the small core notices sooner, and has more patience */

volatile uint64_t tohost __attribute__((aligned(8)));

static TX_THREAD thread;
static UCHAR stack[STACK] __attribute__((aligned(16)));

/* Or both cores may take the same channel for free. */
static void lock(void)
{
	do
		REG16(LOCK) = LOCK_ID;
	while (REG16(LOCK) != LOCK_ID);
}

static void unlock(void)
{
	REG16(LOCK) = LOCK_ID;
}

static int put(uint8_t command, uint32_t param)
{
	for (unsigned i = 0; i < CHANNELS; i++) {
		uint8_t bit = (uint8_t)(1u << i);

		if (REG32(MESSAGE(i)) >> 16)
			continue;
		REG32(MESSAGE(i)) = IP | (uint32_t)command << 8 | 1u << 16;
		REG32(MESSAGE(i) + 4) = param;
		REG8(INT_CLR(SMALL)) = bit;
		REG8(EN(SMALL)) = (uint8_t)(REG8(EN(SMALL)) | bit);
		REG8(SET) = bit;
		return 0;
	}
	return 1;
}

int big_mail(uint8_t command, uint32_t param)
{
	int result;

	lock();
	result = put(command, param);
	unlock();
	return result;
}

bool big_mail_locked(uint8_t command, uint32_t param)
{
	bool alone;

	lock();
	alone = !put(command, param);
	for (unsigned i = 0; i < LOOKS && alone; i++)
		alone = REG8(EN(SMALL)) != 0;
	unlock();
	return alone;
}

static bool take(struct big_message *m)
{
	for (unsigned i = 0; i < CHANNELS; i++) {
		uint8_t bit = (uint8_t)(1u << i);
		uint64_t message = REG64(MESSAGE(i));

		if (!(REG8(INT(BIG)) & bit))
			continue;
		REG8(INT_CLR(BIG)) = bit;
		REG8(EN(BIG)) = (uint8_t)(REG8(EN(BIG)) & ~bit);
		REG64(MESSAGE(i)) = 0;
		m->ip = (uint8_t)message;
		m->command = message >> 8 & 0x7f;
		m->param = (uint32_t)(message >> 32);
		return message >> 16 == (message >> 32 << 16 | 1u << 8); /* by the small core */
	}
	return false;
}

bool big_take(struct big_message *m)
{
	bool taken;

	lock();
	taken = take(m);
	unlock();
	return taken;
}

int big_reply(uint8_t command, uint32_t *param)
{
	struct big_message m;

	for (ULONG n = 0; n < TX_TIMER_TICKS_PER_SECOND; n++) {
		if (big_take(&m)) {
			*param = m.param;
			return m.ip == IP && m.command == command ? 0 : 1;
		}
		(void)tx_thread_sleep(1);
	}
	return 1;
}

void big_failed(const char *file, int line)
{
	board_say("%s:%d: does not hold", file, line);
	tohost = 3;
	for (;;)
		(void)tx_thread_sleep(TX_WAIT_FOREVER);
}

static VOID run(ULONG unused)
{
	(void)tx_thread_sleep(20); /* so that the small core is up */
	tohost = (uint64_t)(unsigned)big_main() << 1 | 1;
}

VOID tx_application_define(VOID *unused)
{
	(void)tx_thread_create(&thread, "big", run, 0, stack, STACK, 8, 8, TX_NO_TIME_SLICE,
			       TX_AUTO_START);
}

/* Linux does not cache what it shares with the small core; here nothing is cached. */
int main(void)
{
	__asm__ volatile("csrc 0x7c1, %0" ::"r"(2)); /* mhcr: the data cache */
	tx_kernel_enter();
}
