/* SPDX-License-Identifier: MIT */
/*
 * The text has been parsed, so it is known to be good: it is enough to step over strings, brackets
 * and the rest. Members are counted instead of compared, since a key may be written with escapes.
 */
#include "cmd/config_place.h"

#include <string.h>

struct scan {
	const char *at, *end;
};

static bool is_one_of(const struct scan *s, const char *set)
{
	return s->at < s->end && *s->at && strchr(set, *s->at);
}

static void skip_blanks(struct scan *s)
{
	while (is_one_of(s, " \t\r\n"))
		s->at++;
}

static void skip_char(struct scan *s)
{
	if (s->at < s->end)
		s->at++;
}

/* From its first quote to behind its last. */
static void skip_string(struct scan *s)
{
	skip_char(s);
	while (s->at < s->end && *s->at != '"') {
		if (*s->at == '\\')
			skip_char(s);
		skip_char(s);
	}
	skip_char(s);
}

static void skip_value(struct scan *s)
{
	unsigned depth = 0;

	do {
		if (is_one_of(s, "\"")) {
			skip_string(s);
		} else if (is_one_of(s, "[{")) {
			depth++;
			skip_char(s);
		} else if (is_one_of(s, "]}")) {
			depth--;
			skip_char(s);
		} else if (depth) {
			skip_char(s);
		} else {
			while (s->at < s->end && !is_one_of(s, ",]} \t\r\n"))
				s->at++;
		}
	} while (depth && s->at < s->end);
}

/* From a key to its value. */
static void skip_key(struct scan *s)
{
	skip_string(s);
	skip_blanks(s);
	skip_char(s); /* the colon */
	skip_blanks(s);
}

/* From an object or array to its member or element number `step`; for a member, to its key. */
static void enter(struct scan *s, unsigned step, bool is_object)
{
	skip_char(s);
	skip_blanks(s);
	while (step-- && s->at < s->end) {
		if (is_object)
			skip_key(s);
		skip_value(s);
		skip_blanks(s);
		skip_char(s); /* the comma */
		skip_blanks(s);
	}
}

struct config_place config_place_in(struct config_place p, unsigned step)
{
	if (p.n < CONFIG_PLACE_DEPTH)
		p.step[p.n++] = step;
	return p;
}

size_t config_place_find(const char *text, size_t len, const struct config_place *p)
{
	struct scan s = {.at = text, .end = text + len};

	skip_blanks(&s);
	for (unsigned i = 0; i < p->n; i++) {
		bool is_object = is_one_of(&s, "{");

		enter(&s, p->step[i], is_object);
		if (is_object && !(p->at_key && i + 1 == p->n))
			skip_key(&s);
	}
	return (size_t)(s.at - text);
}

void config_place_line(const char *text, size_t offset, unsigned *line, unsigned *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			++*column; /* not inside of a character */
		}
	}
}
