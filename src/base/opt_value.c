/* SPDX-License-Identifier: MIT */
/*
 * Single values and near words. Numbers are read digit by digit: strtoull() would take a sign,
 * leading blanks and octal. The distance of two words is the classic table of edits, row by row,
 * where swapped neighbours count as one edit.
 */
#include "base/opt.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/hex.h"

#define WORD_MAX 31

/* Reads digits from *text and moves it behind them. -EINVAL without any, -ERANGE past 64 bits. */
static int scan_number(const char **text, uint64_t *out)
{
	const char *p = *text;
	uint64_t value = 0;
	int base = 10, digit, ret = 0;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	digit = hex_value(*p);
	if (digit < 0 || digit >= base)
		return -EINVAL;
	for (; digit >= 0 && digit < base; digit = hex_value(*++p)) {
		if (__builtin_mul_overflow(value, (unsigned)base, &value) ||
		    __builtin_add_overflow(value, (unsigned)digit, &value))
			ret = -ERANGE;
	}
	*text = p;
	*out = value;
	return ret;
}

static int scan_size(const char *text, uint64_t *out)
{
	static const char units[] = "KMGT";
	int ret = scan_number(&text, out);
	const char *unit;
	unsigned shift;

	if (ret == -EINVAL || !*text)
		return ret;
	unit = strchr(units, *text >= 'a' ? *text - 'a' + 'A' : *text);
	if (!unit || text[1])
		return -EINVAL;
	shift = 10 * (unsigned)(unit - units + 1);
	if (ret || *out > UINT64_MAX >> shift)
		return -ERANGE;
	*out <<= shift;
	return 0;
}

const char *opt_format_size(uint64_t bytes, char out[OPT_SIZE_TEXT])
{
	static const char *const units[] = {"", "K", "M", "G", "T"};
	unsigned u = 0;

	while (bytes && bytes % 1024 == 0 && u < 4) {
		bytes /= 1024;
		u++;
	}
	(void)snprintf(out, OPT_SIZE_TEXT, "%llu%s", (unsigned long long)bytes, units[u]);
	return out;
}

int opt_parse_size(const char *label, const char *text, uint64_t min, uint64_t max, uint64_t *out,
		   struct err *e)
{
	char limit[OPT_SIZE_TEXT];
	uint64_t value;
	int ret = scan_size(text, &value);

	if (ret == -EINVAL)
		return err_set(e, -EINVAL,
			       "%s%.100s: not a size; write a number of bytes or one with "
			       "K, M, G or T, such as 512M",
			       label, text);
	if (ret || value > max)
		return err_set(e, -EINVAL, "%s%.100s: too large; the most is %s", label, text,
			       opt_format_size(max, limit));
	if (value < min)
		return err_set(e, -EINVAL, "%s%.100s: too small; the least is %s", label, text,
			       opt_format_size(min, limit));
	*out = value;
	return 0;
}

int opt_parse_uint(const char *label, const char *text, uint64_t min, uint64_t max, uint64_t *out,
		   struct err *e)
{
	const char *end = text;
	uint64_t value = 0;
	int ret = scan_number(&end, &value);

	if (ret == -EINVAL || *end)
		return err_set(e, -EINVAL, "%s%.100s: not a number; use %llu to %llu", label, text,
			       (unsigned long long)min, (unsigned long long)max);
	if (ret || value < min || value > max)
		return err_set(e, -EINVAL, "%s%.100s: out of range; use %llu to %llu", label, text,
			       (unsigned long long)min, (unsigned long long)max);
	*out = value;
	return 0;
}

int opt_parse_bool(const char *label, const char *text, bool *out, struct err *e)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return err_set(e, -EINVAL, "%s%.100s: use on or off", label, text);
	*out = !strcmp(text, "on");
	return 0;
}

/* "a, b or c" */
static void join_choices(char *out, size_t room, const char *const *choices)
{
	size_t len = 0;
	int n;

	out[0] = '\0';
	for (unsigned i = 0; choices[i] && len < room; i++) {
		n = snprintf(out + len, room - len, "%s%s",
			     !i               ? ""
			     : choices[i + 1] ? ", "
					      : " or ",
			     choices[i]);
		if (n < 0)
			return;
		len += (size_t)n;
	}
}

int opt_parse_choice(const char *label, const char *text, const char *const *choices, unsigned *out,
		     struct err *e)
{
	const char *near;
	char all[200];

	for (unsigned i = 0; choices[i]; i++) {
		if (!strcmp(choices[i], text)) {
			*out = i;
			return 0;
		}
	}
	near = opt_nearest(text, choices);
	if (near)
		return err_set(e, -EINVAL, "%s%.100s: unknown; did you mean %s?", label, text,
			       near);
	join_choices(all, sizeof(all), choices);
	return err_set(e, -EINVAL, "%s%.100s: unknown; use %s", label, text, all);
}

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t m = a < b ? a : b;

	return m < c ? m : c;
}

static uint32_t edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	uint32_t row[3][WORD_MAX + 1]; /* of prefixes of a; row i is row[i % 3] */

	for (uint32_t j = 0; j <= b_len; j++)
		row[0][j] = j;
	for (uint32_t i = 1; i <= a_len; i++) {
		uint32_t *now = row[i % 3], *before = row[(i + 2) % 3], *two = row[(i + 1) % 3];

		now[0] = i;
		for (uint32_t j = 1; j <= b_len; j++) {
			uint32_t replace = before[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] = min3(now[j - 1] + 1, before[j] + 1, replace);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = min3(now[j], two[j - 2] + 1, UINT32_MAX);
		}
	}
	return row[a_len % 3][b_len];
}

uint32_t opt_distance(const char *word, const char *meant)
{
	size_t a = strlen(word), b = strlen(meant);
	size_t shorter = a < b ? a : b;
	size_t longer = a < b ? b : a;
	uint32_t d;

	if (longer > WORD_MAX)
		return UINT32_MAX;
	d = edits(word, a, meant, b);
	/* A word that was cut short, or written in full: "mem" and "memory". */
	if (shorter >= 2 && !strncmp(word, meant, shorter))
		return d;
	/* About one slip in four letters, and not every letter wrong. */
	return d <= 1 + longer / 4 && d < shorter ? d : UINT32_MAX;
}

const char *opt_nearest(const char *word, const char *const *list)
{
	uint32_t best = UINT32_MAX, d;
	const char *found = NULL;

	for (unsigned i = 0; list[i]; i++) {
		d = opt_distance(word, list[i]);
		if (d < best) {
			best = d;
			found = list[i];
		}
	}
	return found;
}
