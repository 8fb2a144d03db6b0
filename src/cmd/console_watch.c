/* SPDX-License-Identifier: MIT */
/*
 * Lines are kept in a ring; control characters are dropped, since the lines are printed on a
 * terminal later. A panic counts only where the kernel's message begins, behind an optional "[
 * time] " stamp and "<level>" mark, so that a file which merely mentions one does not look like
 * one. A kernel that has halted says no more, unlike a guest that shows the log of one.
 */
#include "cmd/console_watch.h"

#include <ctype.h>
#include <string.h>

static const char *message_start(const char *line)
{
	const char *end;

	if (*line == '<' && (end = strchr(line, '>')))
		line = end + 1;
	if (*line == '[' && (end = strchr(line, ']')))
		line = end + 1;
	while (*line == ' ')
		line++;
	return line;
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static void line_done(struct console_watch *w)
{
	const char *msg = message_start(w->line[w->next]);

	if (starts_with(msg, "Kernel panic - not syncing"))
		w->panicked = true;
	else if (w->panicked && starts_with(msg, "---[ end Kernel panic"))
		w->halted = true;
	w->next = (w->next + 1) % CONSOLE_WATCH_SLOTS;
	w->len = 0;
	w->line[w->next][0] = '\0';
	if (w->lines < CONSOLE_WATCH_LINES)
		w->lines++;
}

void console_watch_feed(struct console_watch *w, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			line_done(w);
		} else if (isprint(buf[i]) || buf[i] == '\t') {
			w->halted = false;
			if (w->len == CONSOLE_WATCH_WIDTH - 1)
				continue;
			w->line[w->next][w->len++] = (char)buf[i];
			w->line[w->next][w->len] = '\0';
		}
	}
}

void console_watch_print(const struct console_watch *w, FILE *to, const char *prefix)
{
	unsigned n = w->lines + (w->len > 0);
	unsigned end = w->next + (w->len > 0);

	if (n > CONSOLE_WATCH_LINES)
		n = CONSOLE_WATCH_LINES;
	for (unsigned i = n; i > 0; i--)
		fprintf(to, "%s%s\n", prefix,
			w->line[(end + CONSOLE_WATCH_SLOTS - i) % CONSOLE_WATCH_SLOTS]);
}
