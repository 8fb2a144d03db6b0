/* SPDX-License-Identifier: MIT */
/*
 * What Linux can talk to by RPMsg. As in the firmware that people run on these boards: a counter at
 * endpoint 30 ("rpmsg-sg2002-c906l-channel"), which sends each number back increased by one, and an
 * LED at 32, which takes a period in milliseconds, and sends it back. Besides: "rpmsg-raw" sends
 * back what it gets; "linnet-burst" takes a count and a size, and sends so many messages of it,
 * each beginning with its number; "rpmsg-tty" is a console. And LED commands in the mailbox.
 */
#include <stddef.h>

#include "board/board.h"
#include "board/mailbox.h"
#include "board/regs.h"
#include "link/link.h"

#define LED         (1u << 2) /* of GPIO E: the blue one of a Duo 256M */
#define STACK       2048
#define PAYLOAD_MAX 496u
#define N_MAILS     8
#define LINE_MAX    80u

static TX_TIMER blink_timer;
static TX_QUEUE mails;
static ULONG mails_memory[N_MAILS];
static TX_THREAD mail_thread;
static UCHAR mail_stack[STACK] __attribute__((aligned(16)));

/* ---- the LED ---- */

static void set_led(bool on)
{
	uint32_t pins = REG32(GPIO_E_BASE);

	REG32(GPIO_E_BASE + 4) = REG32(GPIO_E_BASE + 4) | LED;
	REG32(GPIO_E_BASE) = on ? pins | LED : pins & ~LED;
}

static VOID blink(ULONG unused)
{
	set_led(!(REG32(GPIO_E_BASE) & LED));
}

/* 0: it stays as it is. */
static void set_period(uint32_t ms)
{
	ULONG ticks = (ULONG)ms * TX_TIMER_TICKS_PER_SECOND / 1000;

	(void)tx_timer_deactivate(&blink_timer);
	if (!ms)
		return;
	ticks = ticks ? ticks : 1;
	(void)tx_timer_change(&blink_timer, ticks, ticks);
	(void)tx_timer_activate(&blink_timer);
}

/* ---- services ---- */

static void count(struct link_service *s, uint32_t src, uint8_t *data, uint32_t len)
{
	if (len >= 4)
		rpmsg_store32(data, rpmsg_load32(data) + 1);
	(void)link_send(s, src, data, len);
}

static void led(struct link_service *s, uint32_t src, uint8_t *data, uint32_t len)
{
	if (len >= 4)
		set_period(rpmsg_load32(data));
	(void)link_send(s, src, data, len);
}

static void echo(struct link_service *s, uint32_t src, uint8_t *data, uint32_t len)
{
	(void)link_send(s, src, data, len);
}

static void burst(struct link_service *s, uint32_t src, uint8_t *data, uint32_t len)
{
	uint8_t message[PAYLOAD_MAX];
	uint32_t n, size;

	if (len < 8)
		return;
	n = rpmsg_load32(data);
	size = rpmsg_load32(data + 4);
	if (size < 4 || size > PAYLOAD_MAX)
		return;
	for (uint32_t i = 0; i < size; i++)
		message[i] = (uint8_t)i;
	for (uint32_t i = 0; i < n; i++) {
		rpmsg_store32(message, i);
		if (link_send(s, src, message, size))
			return; /* the link is down */
	}
}

/* ---- the console ---- */

struct console {
	struct link_service *s;
	uint32_t to;
	char line[LINE_MAX];
	uint32_t n;
};
static struct console console;

static void print(struct console *c, const char *text)
{
	uint32_t n = 0;

	while (text[n])
		n++;
	(void)link_send(c->s, c->to, text, n);
}

static void print_number(struct console *c, const char *name, ULONG value)
{
	char text[24];
	unsigned i = sizeof(text);

	text[--i] = '\0';
	text[--i] = '\n';
	do {
		text[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	print(c, name);
	print(c, &text[i]);
}

static void tell_counts(struct console *c)
{
	struct rpmsg_counts n = link_counts();

	print_number(c, "received ", n.received);
	print_number(c, "sent ", n.sent);
	print_number(c, "restarts ", n.restarts);
}

static void tell_uptime(struct console *c)
{
	print_number(c, "seconds ", tx_time_get() / TX_TIMER_TICKS_PER_SECOND);
}

static void led_on(struct console *c)
{
	set_led(true);
	print(c, "done\n");
}

static void led_off(struct console *c)
{
	set_led(false);
	print(c, "done\n");
}

static void help(struct console *c);

static const struct {
	const char *name;
	void (*run)(struct console *c);
} commands[] = {
	{"help", help},     {"uptime", tell_uptime}, {"counts", tell_counts},
	{"led on", led_on}, {"led off", led_off},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(struct console *c)
{
	for (unsigned i = 0; i < N_COMMANDS; i++) {
		print(c, commands[i].name);
		print(c, "\n");
	}
}

static bool is_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void run_line(struct console *c)
{
	c->line[c->n] = '\0';
	if (c->n) {
		unsigned i = 0;

		while (i < N_COMMANDS && !is_equal(c->line, commands[i].name))
			i++;
		if (i < N_COMMANDS)
			commands[i].run(c);
		else
			print(c, "what? try help\n");
	}
	c->n = 0;
}

/* A line may come in pieces, and a piece may hold several; what is too long is cut. */
static void type(struct link_service *s, uint32_t src, uint8_t *data, uint32_t len)
{
	struct console *c = s->priv;

	c->s = s;
	c->to = src;
	for (uint32_t i = 0; i < len; i++) {
		if (data[i] == '\n' || data[i] == '\r')
			run_line(c);
		else if (c->n < LINE_MAX - 1)
			c->line[c->n++] = (char)data[i];
	}
}

/* ---- the mailbox ---- */

static void mail_arrived(const struct mail *mail)
{
	ULONG message = mail->ip | (ULONG)mail->command << 8 | (ULONG)mail->param << 32;

	if (!link_is_kick(mail))
		(void)tx_queue_send(&mails, &message, TX_NO_WAIT);
}

static VOID answer_mail(ULONG unused)
{
	ULONG message;

	for (;;) {
		struct mail reply = {.param = MAIL_LED_DONE};

		(void)tx_queue_receive(&mails, &message, TX_WAIT_FOREVER);
		reply.ip = (uint8_t)message;
		reply.command = (uint8_t)(message >> 8);
		if (reply.command != MAIL_LED)
			continue;
		set_led(message >> 32 == MAIL_LED_ON);
		while (mailbox_send(&reply) != TX_SUCCESS)
			(void)tx_thread_sleep(1);
	}
}

/* The console is the most urgent, so that it answers while others are busy. */
static struct link_service services[] = {
	{.name = "rpmsg-sg2002-c906l-channel", .addr = 30, .priority = 8, .received = count},
	{.addr = 32, .priority = 9, .received = led},
	{.name = "rpmsg-raw", .addr = 33, .priority = 8, .received = echo},
	{.name = "linnet-burst", .addr = 34, .priority = 12, .received = burst},
	{.name = "rpmsg-tty", .addr = 35, .priority = 6, .received = type, .priv = &console},
};

VOID tx_application_define(VOID *unused)
{
	board_say("up");
	(void)tx_timer_create(&blink_timer, "blink", blink, 0, 1, 1, TX_NO_ACTIVATE);
	(void)tx_queue_create(&mails, "mails", TX_1_ULONG, mails_memory, sizeof(mails_memory));
	(void)tx_thread_create(&mail_thread, "mail", answer_mail, 0, mail_stack, STACK, 5, 5,
			       TX_NO_TIME_SLICE, TX_AUTO_START);
	link_init(services, sizeof(services) / sizeof(services[0]));
	mailbox_init(mail_arrived);
}

int main(void)
{
	tx_kernel_enter();
}
