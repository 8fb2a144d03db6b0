/* SPDX-License-Identifier: MIT */
/*
 * Commands in the mailbox: the LED on and off (pin 2 of GPIO E, the blue one of a Duo 256M), each
 * with a reply, and three for tests, of which the second has none. A line for each second and each
 * LED command. The interrupt only takes a message off the mailbox; a thread does what it says.
 */
#include "board/board.h"
#include "board/mailbox.h"
#include "board/regs.h"

#define STACK    2048
#define N_MAILS  16
#define LED      (1u << 2)
#define GPIO_DR  0u
#define GPIO_DDR 4u

#define TEST_A_REPLY 0x12345678u
#define TEST_C_REPLY 0x55aau

static TX_QUEUE mails;
static ULONG mails_memory[N_MAILS];
static TX_THREAD mail_thread, clock_thread;
static UCHAR mail_stack[STACK] __attribute__((aligned(16)));
static UCHAR clock_stack[STACK] __attribute__((aligned(16)));

/* In the interrupt. If the queue is full, which eight channels do not do in time, it is lost. */
static void arrived(const struct mail *mail)
{
	ULONG message = mail->ip | (ULONG)mail->command << 8 | (ULONG)mail->param << 32;

	(void)tx_queue_send(&mails, &message, TX_NO_WAIT);
}

static void reply(const struct mail *to, uint32_t param)
{
	struct mail mail = {.ip = to->ip, .command = to->command, .param = param};

	while (mailbox_send(&mail) != TX_SUCCESS)
		(void)tx_thread_sleep(1);
}

static void set_led(const struct mail *mail)
{
	uint32_t pins = REG32(GPIO_E_BASE + GPIO_DR);
	int on = mail->param == MAIL_LED_ON;

	REG32(GPIO_E_BASE + GPIO_DDR) = REG32(GPIO_E_BASE + GPIO_DDR) | LED;
	REG32(GPIO_E_BASE + GPIO_DR) = on ? pins | LED : pins & ~LED;
	board_say("LED %s", on ? "on" : "off");
	reply(mail, MAIL_LED_DONE);
}

static VOID serve(ULONG unused)
{
	ULONG message;

	for (;;) {
		struct mail mail;

		(void)tx_queue_receive(&mails, &message, TX_WAIT_FOREVER);
		mail = (struct mail){.ip = (uint8_t)message,
				     .command = (uint8_t)(message >> 8),
				     .param = (uint32_t)(message >> 32)};
		switch (mail.command) {
		case MAIL_LED: set_led(&mail); break;
		case MAIL_TEST_A: reply(&mail, TEST_A_REPLY); break;
		case MAIL_TEST_B: board_say("test b %u", mail.param); break;
		case MAIL_TEST_C: reply(&mail, TEST_C_REPLY); break;
		default: board_say("command 0x%x is unknown", mail.command); break;
		}
	}
}

static VOID tell_time(ULONG unused)
{
	for (unsigned n = 1;; n++) {
		(void)tx_thread_sleep(TX_TIMER_TICKS_PER_SECOND);
		board_say("seconds %u", n);
	}
}

VOID tx_application_define(VOID *unused)
{
	board_say("up");
	(void)tx_queue_create(&mails, "mails", TX_1_ULONG, mails_memory, sizeof(mails_memory));
	(void)tx_thread_create(&mail_thread, "mail", serve, 0, mail_stack, STACK, 5, 5,
			       TX_NO_TIME_SLICE, TX_AUTO_START);
	(void)tx_thread_create(&clock_thread, "clock", tell_time, 0, clock_stack, STACK, 20, 20,
			       TX_NO_TIME_SLICE, TX_AUTO_START);
	mailbox_init(arrived);
}

int main(void)
{
	tx_kernel_enter();
}
