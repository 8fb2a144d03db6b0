/* SPDX-License-Identifier: MIT */
/*
 * Both forms, arguments and key lists, find an entry by name and hand its value to opt_store(),
 * which knows the kinds. Messages begin with a label, the option as the user wrote it, so that they
 * read the same however deep the value was found: "--disk ro=maybe: use on or off".
 */
#include "base/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define LABEL_MAX 96

static bool at_end(const struct opt *o)
{
	return !o->name && !o->help;
}

bool opt_takes_value(const struct opt *o)
{
	return o->kind != OPT_FLAG && (o->kind != OPT_CALL || o->arg);
}

static const struct opt *find_name(const struct opt *table, const char *name, size_t len)
{
	for (const struct opt *o = table; !at_end(o); o++)
		if (o->name && !strncmp(o->name, name, len) && !o->name[len])
			return o;
	return NULL;
}

const struct opt *opt_find(const struct opt *table, const char *name)
{
	return find_name(table, name, strlen(name));
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	for (const struct opt *o = table; !at_end(o); o++)
		if (o->name && o->letter == letter)
			return o;
	return NULL;
}

const char *opt_nearest_in(const struct opt *table, const char *word)
{
	uint32_t best = UINT32_MAX, d;
	const char *found = NULL;

	for (const struct opt *o = table; !at_end(o); o++) {
		if (!o->name)
			continue;
		d = opt_distance(word, o->name);
		if (d < best) {
			best = d;
			found = o->name;
		}
	}
	return found;
}

int opt_store(const struct opt *o, void *ctx, const char *label, char *value, struct err *e)
{
	char *to = (char *)ctx + o->offset;
	uint64_t number;
	int ret;

	switch (o->kind) {
	case OPT_FLAG: *(bool *)to = true; return 0;
	case OPT_BOOL: return opt_parse_bool(label, value, (bool *)to, e);
	case OPT_STRING: memcpy(to, &value, sizeof(value)); return 0;
	case OPT_UINT:
		ret = opt_parse_uint(label, value, o->min, o->max, &number, e);
		if (!ret)
			*(unsigned *)(void *)to = (unsigned)number;
		return ret;
	case OPT_SIZE:
		return opt_parse_size(label, value, o->min, o->max, (uint64_t *)(void *)to, e);
	case OPT_CHOICE:
		return opt_parse_choice(label, value, o->choices, (unsigned *)(void *)to, e);
	case OPT_CALL: return o->call(ctx, label, value, e);
	}
	return -EINVAL;
}

static int unknown_option(const struct opt *table, const char *arg, size_t len, struct err *e)
{
	char word[LABEL_MAX];
	const char *near;

	(void)snprintf(word, sizeof(word), "%.*s", (int)(len < LABEL_MAX ? len : LABEL_MAX), arg);
	near = strncmp(word, "--", 2) ? NULL : opt_nearest_in(table, word + 2);
	if (near)
		return err_set(e, -EINVAL, "unknown option %s; did you mean --%s?", word, near);
	return err_set(e, -EINVAL, "unknown option %s; --help lists them", word);
}

/* One option at argv[0], perhaps with its value at argv[1]; *used becomes 1 or 2. */
static int next_option(const struct opt *table, int argc, char **argv, const struct opt **out,
		       char **value, int *used, struct err *e)
{
	char *arg = argv[0];
	bool is_long = arg[1] == '-';
	size_t len = is_long ? strcspn(arg, "=") : strlen(arg);
	const struct opt *o = NULL;

	*used = 1;
	*value = NULL;
	if (is_long)
		o = find_name(table, arg + 2, len - 2);
	else if (len == 2)
		o = find_letter(table, arg[1]);
	*out = o;
	if (!o)
		return unknown_option(table, arg, len, e);
	if (arg[len] == '=')
		*value = arg + len + 1;
	if (*value && !opt_takes_value(o))
		return err_set(e, -EINVAL, "--%s takes no value; leave out =%.100s", o->name,
			       *value);
	if (!*value && opt_takes_value(o)) {
		if (argc < 2)
			return err_set(e, -EINVAL, "%.*s needs a value: --%s %s", (int)len, arg,
				       o->name, o->arg ? o->arg : "VALUE");
		*value = argv[1];
		*used = 2;
	}
	return 0;
}

/* Whether argv[i] can be an option: the options end before the first operand. */
static bool more_options(int i, int argc, char **argv)
{
	return i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--") != 0;
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

int opt_parse(const struct opt *table, void *ctx, int argc, char **argv, int *used, struct err *e)
{
	char label[LABEL_MAX], *value;
	const struct opt *o;
	int i = 0, n, ret;

	while (more_options(i, argc, argv)) {
		if (is_help(argv[i]))
			return OPT_WANTS_HELP;
		ret = next_option(table, argc - i, argv + i, &o, &value, &n, e);
		if (ret)
			return ret;
		(void)snprintf(label, sizeof(label), "--%s ", o->name);
		ret = opt_store(o, ctx, label, value, e);
		if (ret)
			return ret;
		i += n;
	}
	*used = i + (i < argc && !strcmp(argv[i], "--"));
	return 0;
}

void opt_walk(const struct opt *table, int argc, char **argv,
	      void (*fn)(void *arg, const struct opt *o, const char *value), void *arg)
{
	const struct opt *o;
	char *value;
	int n;

	for (int i = 0; more_options(i, argc, argv) && !is_help(argv[i]); i += n) {
		if (next_option(table, argc - i, argv + i, &o, &value, &n, NULL) || !o)
			return;
		fn(arg, o, value);
	}
}

struct search {
	const char *name, *value;
};

static void note_value(void *arg, const struct opt *o, const char *value)
{
	struct search *s = arg;

	if (!strcmp(o->name, s->name))
		s->value = value ? value : "";
}

const char *opt_given(const struct opt *table, int argc, char **argv, const char *name)
{
	struct search s = {.name = name};

	opt_walk(table, argc, argv, note_value, &s);
	return s.value;
}

/* Cuts the first item off *rest: ends it with a NUL, makes its doubled commas single, and moves
 * *rest behind it, or to NULL after the last one. */
static char *cut_item(char **rest)
{
	char *item = *rest, *from = item, *to = item;

	for (; *from; from++) {
		if (*from == ',' && *++from != ',') {
			*to = '\0';
			*rest = from;
			return item;
		}
		*to++ = *from;
	}
	*to = '\0';
	*rest = NULL;
	return item;
}

static int unknown_key(const struct opt *keys, const char *label, const char *item, struct err *e)
{
	const char *near = opt_nearest_in(keys, item);

	if (near)
		return err_set(e, -EINVAL, "%s%.100s: unknown key; did you mean %s?", label, item,
			       near);
	return err_set(e, -EINVAL, "%s%.100s: unknown key; --help lists them", label, item);
}

static int parse_item(const struct opt *keys, void *ctx, const char *label, char *item,
		      const char *implied, struct err *e)
{
	size_t len = strcspn(item, "=");
	const struct opt *o = find_name(keys, item, len);
	char *value = item[len] ? item + len + 1 : NULL;
	char inner[LABEL_MAX];
	char on[] = "on";
	int ret;

	if (!o && !value && implied) {
		o = find_name(keys, implied, strlen(implied));
		value = item;
	}
	if (!o) {
		item[len] = '\0';
		return unknown_key(keys, label, item, e);
	}
	if (value && !opt_takes_value(o))
		return err_set(e, -EINVAL, "%s%s takes no value; leave out =%.100s", label, o->name,
			       value);
	if (!value && o->kind == OPT_BOOL)
		value = on;
	if (!value && opt_takes_value(o))
		return err_set(e, -EINVAL, "%s%s needs a value: %s=%s", label, o->name, o->name,
			       o->arg ? o->arg : "VALUE");
	(void)snprintf(inner, sizeof(inner), "%s%s=", label, o->name);
	ret = opt_store(o, ctx, inner, value, e);
	if (ret && e && !e->at)
		e->at = value;
	return ret;
}

int opt_parse_list(const struct opt *keys, void *ctx, const char *label, char *text,
		   const char *implied, struct err *e)
{
	char *rest = text, *item;
	int ret = 0;

	while (rest && !ret) {
		item = cut_item(&rest);
		if (!*item)
			return err_set(e, -EINVAL, "%shas an empty item; write key=value,key=value",
				       label);
		ret = parse_item(keys, ctx, label, item, implied, e);
		if (ret && e && !e->at)
			e->at = item;
		implied = NULL;
	}
	return ret;
}
