/* SPDX-License-Identifier: MIT */
/*
 * Lines of text. A mutex keeps those of several threads apart, and a lock of the mailbox those of
 * both cores. The trace buffer takes the same lines until it is full, and begins anew then: it is
 * one string, which Linux' remoteproc shows as a file.
 */
#include "print.h"

#include <stdarg.h>
#include <stdbool.h>

#include "board.h"
#include "regs.h"
#include "kernel/tx_api.h"

#define UART_LSR      (5 * 4)
#define LSR_THR_EMPTY 0x20u
#define DIGITS        20

char board_trace[BOARD_TRACE_SIZE] __attribute__((section(".shared"), aligned(64)));
static unsigned trace_len;
static TX_MUTEX mutex;

static void put(char c)
{
	while (!(REG32(UART0_BASE + UART_LSR) & LSR_THR_EMPTY))
		;
	REG32(UART0_BASE) = (uint8_t)c;
	if (c == '\r')
		return;
	if (trace_len == BOARD_TRACE_SIZE - 1)
		trace_len = 0;
	board_trace[trace_len++] = c;
	board_trace[trace_len] = '\0';
}

static void put_string(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_number(unsigned long value, unsigned base)
{
	char digits[DIGITS];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(digits[--n]);
}

static void put_signed(long value)
{
	if (value < 0)
		put('-');
	put_number(value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
}

/* Behind the percent sign; returns what follows. */
static const char *put_argument(const char *format, va_list *args)
{
	bool is_long = *format == 'l';

	format += is_long;
	switch (*format) {
	case 's': put_string(va_arg(*args, const char *)); break;
	case 'c': put((char)va_arg(*args, int)); break;
	case 'd': put_signed(is_long ? va_arg(*args, long) : va_arg(*args, int)); break;
	case 'u':
	case 'x':
		put_number(is_long ? va_arg(*args, unsigned long) : va_arg(*args, unsigned),
			   *format == 'x' ? 16 : 10);
		break;
	default: put(*format); break;
	}
	return format + 1;
}

static void put_line(const char *format, va_list *args)
{
	put_string("RT: ");
	while (*format) {
		if (*format == '%')
			format = put_argument(format + 1, args);
		else
			put(*format++);
	}
	put_string("\r\n");
	board_cache_clean(board_trace, sizeof(board_trace));
}

void board_print_init(void)
{
	(void)tx_mutex_create(&mutex, "print", TX_INHERIT);
}

void board_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)tx_mutex_get(&mutex, TX_WAIT_FOREVER);
	board_lock(BOARD_LOCK_UART);
	put_line(format, &args);
	board_unlock(BOARD_LOCK_UART);
	(void)tx_mutex_put(&mutex);
	va_end(args);
}

void board_print_last(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(format, &args);
	va_end(args);
}
