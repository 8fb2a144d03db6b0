/* SPDX-License-Identifier: MIT */
/*
 * Jansson parses the file and keeps the order of members. Each value then becomes the text that one
 * would write on the command line, an object "key=value,key=value", and goes to the option by
 * opt_store(). What refuses it says which part of that text is wrong (err.at); the text is then
 * composed once more, to see which member that part came from, and config_place.c finds the member
 * in the file.
 */
#include "cmd/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "cmd/config_internal.h"
#include "cmd/config_place.h"

#define LABEL_MAX 96

struct config_value {
	struct config_value *next;
	char *text; /* for free() */
};

/* Puts "FILE:LINE:COLUMN: " before the message. */
static int fail_at_offset(const struct config *c, size_t offset, int code, const char *text,
			  struct err *e)
{
	unsigned line, column;

	config_place_line(c->text, offset, &line, &column);
	return err_set(e, code, "%.200s:%u:%u: %s", c->name, line, column, text);
}

static int fail_at(const struct config *c, const struct config_place *place, int code,
		   struct err *e, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static int fail_at(const struct config *c, const struct config_place *place, int code,
		   struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_at_offset(c, config_place_find(c->text, c->len, place), code, text, e);
}

/* The parser's position is behind the word that it did not expect; its message ends with that word,
 * unless it is long. */
static int fail_syntax(const struct config *c, const json_error_t *error, struct err *e)
{
	static const char near[] = " near '";
	size_t offset = error->position > 0 ? (size_t)error->position : 0;
	const char *word = strstr(error->text, near);
	size_t len;

	if (offset > c->len)
		offset = c->len;
	if (word) {
		word += sizeof(near) - 1;
		len = strlen(word) - 1; /* the quote behind it */
		if (len <= offset && !memcmp(c->text + offset - len, word, len))
			offset -= len;
	}
	return fail_at_offset(c, offset, -EINVAL, error->text, e);
}

int config_parse(const char *name, const char *text, size_t len, struct config **out, struct err *e)
{
	struct config *c = calloc(1, sizeof(*c));
	json_error_t error;
	int ret = -ENOMEM;

	*out = NULL;
	if (c)
		*c = (struct config){.name = strdup(name), .text = malloc(len + 1), .len = len};
	if (!c || !c->name || !c->text) {
		err_set(e, -ENOMEM, "out of memory");
		goto fail;
	}
	if (len)
		memcpy(c->text, text, len);
	c->text[len] = '\0';
	c->root = json_loadb(c->text, len, JSON_REJECT_DUPLICATES, &error);
	if (!c->root) {
		ret = fail_syntax(c, &error, e);
		goto fail;
	}
	if (!json_is_object(c->root)) {
		ret = fail_at(c, &(struct config_place){0}, -EINVAL, e,
			      "give an object of options, such as {\"mem\": \"1G\"}");
		goto fail;
	}
	*out = c;
	return 0;
fail:
	config_free(c);
	return ret;
}

static int read_file(const char *path, char *buf, size_t *len, struct err *e)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : fd_read_full(fd, buf, *len);

	if (!is_stdin)
		fd_close(&fd);
	if (n < 0)
		return err_set(e, (int)n, "--config %.200s: %s", path, strerror((int)-n));
	if ((size_t)n == *len)
		return err_set(e, -EFBIG, "--config %.200s: too large; the most is 1M", path);
	*len = (size_t)n;
	return 0;
}

int config_load(const char *path, struct config **out, struct err *e)
{
	size_t len = CONFIG_MAX + 1;
	char *text = malloc(len);
	int ret;

	*out = NULL;
	if (!text)
		return err_set(e, -ENOMEM, "out of memory");
	ret = read_file(path, text, &len, e);
	if (!ret)
		ret = config_parse(strcmp(path, "-") ? path : "standard input", text, len, out, e);
	free(text);
	return ret;
}

void config_free(struct config *c)
{
	struct config_value *v;

	if (!c)
		return;
	while ((v = c->values)) {
		c->values = v->next;
		free(v->text);
		free(v);
	}
	json_decref(c->root);
	free(c->name);
	free(c->text);
	free(c);
}

bool config_has(const struct config *c, const char *key)
{
	return json_object_get(c->root, key) != NULL;
}

/* The text of one value on its way to an option. */
struct composer {
	const struct config *c;
	const struct opt *o;
	FILE *out;
	struct config_place place; /* of the whole value */
	/* When text is composed again: which of its bytes is looked for, and what it came from. */
	long wanted;
	struct config_place found;
	struct err *e;
};

static int wrong_type(struct composer *k, const struct config_place *at, const char *key,
		      const char *cure)
{
	return fail_at(k->c, at, -EINVAL, k->e, "\"%s\": %s%s%s", k->o->name, key ? key : "",
		       key ? ": " : "", cure);
}

/* What a list does with a comma: two stand for one. */
static void put_list_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		(void)fputc(*text, out);
		if (*text == ',')
			(void)fputc(',', out);
	}
}

/* One item of a list. A member that is false is left out where only its presence counts. */
static int put_item(struct composer *k, const char *key, const json_t *v, struct config_place at)
{
	const struct opt *o = k->o->keys ? opt_find(k->o->keys, key) : NULL;
	bool is_head = k->o->head && !strcmp(k->o->head, key);
	long start;

	if (!json_is_string(v) && !json_is_integer(v) && (!json_is_boolean(v) || is_head))
		return wrong_type(k, &at, key, "give a string, a whole number, true or false");
	if (json_is_false(v) && o && !opt_takes_value(o))
		return 0;
	start = ftell(k->out);
	if (start)
		start++;
	if (k->wanted >= start) {
		k->found = at;
		k->found.at_key = k->wanted == start && !is_head;
	}
	(void)fprintf(k->out, "%s%s", start ? "," : "", is_head ? "" : key);
	if (json_is_false(v)) {
		(void)fputs("=off", k->out);
	} else if (!json_is_true(v)) {
		(void)fputs(is_head ? "" : "=", k->out);
		if (json_is_integer(v))
			(void)fprintf(k->out, "%lld", (long long)json_integer_value(v));
		else
			put_list_text(k->out, json_string_value(v));
	}
	return 0;
}

static int put_member(struct composer *k, const char *key, const json_t *v, struct config_place at)
{
	const struct opt *o = k->o->keys ? opt_find(k->o->keys, key) : NULL;
	const json_t *element;
	int ret = 0;
	size_t i;

	if (!*key || strpbrk(key, "=,")) {
		at.at_key = true;
		return wrong_type(k, &at, key, "there is no such key; --help lists them");
	}
	if (!json_is_array(v))
		return put_item(k, key, v, at);
	if (!o || !o->repeat)
		return wrong_type(k, &at, key, "it has one value, not a list");
	json_array_foreach (v, i, element) {
		ret = put_item(k, key, element, config_place_in(at, (unsigned)i));
		if (ret)
			break;
	}
	return ret;
}

/* An object as a list; the item without a key comes first wherever it stands. */
static int put_object(struct composer *k, json_t *object)
{
	unsigned n = 0, at_head = 0;
	const char *key;
	json_t *head = k->o->head ? json_object_get(object, k->o->head) : NULL;
	json_t *v;
	int ret = 0;

	if (k->o->head && !head)
		return fail_at(k->c, &k->place, -EINVAL, k->e, "\"%s\": it needs a \"%s\"",
			       k->o->name, k->o->head);
	json_object_foreach (object, key, v) {
		if (v == head)
			at_head = n;
		n++;
	}
	if (head)
		ret = put_item(k, k->o->head, head, config_place_in(k->place, at_head));
	n = 0;
	json_object_foreach (object, key, v) {
		if (!ret && v != head)
			ret = put_member(k, key, v, config_place_in(k->place, n));
		n++;
	}
	return ret;
}

/* A string may stand for anything that has a value; the other types for what they mean. */
static int put_value(struct composer *k, json_t *v)
{
	enum opt_kind kind = k->o->kind;

	if (!opt_takes_value(k->o))
		return json_is_boolean(v) ? 0
					  : wrong_type(k, &k->place, NULL, "give true or false");
	if (json_is_string(v))
		(void)fputs(json_string_value(v), k->out);
	else if (json_is_boolean(v) && kind == OPT_BOOL)
		(void)fputs(json_is_true(v) ? "on" : "off", k->out);
	else if (json_is_integer(v) && (kind == OPT_UINT || kind == OPT_SIZE))
		(void)fprintf(k->out, "%lld", (long long)json_integer_value(v));
	else if (json_is_object(v) && k->o->keys)
		return put_object(k, v);
	else if (kind == OPT_BOOL)
		return wrong_type(k, &k->place, NULL, "give true or false");
	else if (kind == OPT_UINT)
		return wrong_type(k, &k->place, NULL, "give a whole number");
	else if (kind == OPT_SIZE)
		return wrong_type(k, &k->place, NULL,
				  "give a number of bytes, or a string such as \"512M\"");
	else
		return wrong_type(k, &k->place, NULL,
				  k->o->keys ? "give a string or an object" : "give a string");
	return 0;
}

/* Sets *text to what put_value() writes, for free(). */
static int compose(struct composer *k, json_t *v, char **text)
{
	size_t len;
	int ret;

	*text = NULL;
	k->out = open_memstream(text, &len);
	if (!k->out)
		return err_set(k->e, -ENOMEM, "out of memory");
	ret = put_value(k, v);
	if (fclose(k->out) && !ret)
		ret = err_set(k->e, -ENOMEM, "out of memory");
	return ret;
}

/* Finds what in v became the byte of the text at `offset`. */
static struct config_place find_part(struct composer *k, json_t *v, long offset)
{
	char *again;

	k->wanted = offset;
	k->found = k->place;
	if (json_is_object(v)) {
		(void)compose(k, v, &again); /* it went well before */
		free(again);
	}
	return k->found;
}

static int keep(struct config *c, char *text, struct err *e)
{
	struct config_value *kept = malloc(sizeof(*kept));

	if (!kept) {
		free(text);
		err_set(e, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	*kept = (struct config_value){.next = c->values, .text = text};
	c->values = kept;
	return 0;
}

static int apply_value(struct config *c, const struct opt *o, void *ctx, json_t *v,
		       struct config_place place, struct err *e)
{
	struct composer k = {.c = c, .o = o, .place = place, .wanted = -1, .e = e};
	struct config_place at = place;
	char label[LABEL_MAX], *text, *copy;
	size_t len;
	int ret = compose(&k, v, &text);

	if (ret) {
		free(text);
		return ret;
	}
	len = strlen(text);
	ret = keep(c, text, e);
	if (ret || (!opt_takes_value(o) && json_is_false(v)))
		return ret;
	(void)snprintf(label, sizeof(label), "\"%s\": ", o->name);
	ret = opt_store(o, ctx, label, opt_takes_value(o) ? text : NULL, e);
	if (!ret)
		return 0;
	if (e->at && e->at >= text && e->at <= text + len)
		at = find_part(&k, v, e->at - text);
	copy = strdup(e->text);
	ret = fail_at(c, &at, ret, e, "%s", copy ? copy : o->name);
	free(copy);
	return ret;
}

static int unknown_key(const struct config *c, const struct opt *table, const char *key,
		       struct config_place place, struct err *e)
{
	const char *near = opt_nearest_in(table, key);

	place.at_key = true;
	return fail_at(c, &place, -EINVAL, e, "\"%.100s\": there is no such option; %s%s%s", key,
		       near ? "did you mean \"" : "--help lists them", near ? near : "",
		       near ? "\"?" : "");
}

static int shell_only(const struct config *c, const char *key, struct config_place place,
		      struct err *e)
{
	place.at_key = true;
	return fail_at(c, &place, -EINVAL, e, "\"%s\": give it on the command line, not in a file",
		       key);
}

static int apply_member(struct config *c, const struct opt *table, const struct opt *o, void *ctx,
			json_t *v, struct config_place place, struct err *e)
{
	json_t *element;
	int ret = 0;
	size_t i;

	if (!json_is_array(v))
		return apply_value(c, o, ctx, v, place, e);
	if (!o->repeat)
		return fail_at(c, &place, -EINVAL, e, "\"%s\": it has one value, not a list",
			       o->name);
	json_array_foreach (v, i, element) {
		ret = apply_value(c, o, ctx, element, config_place_in(place, (unsigned)i), e);
		if (ret)
			break;
	}
	return ret;
}

int config_apply(struct config *c, const struct opt *table, void *ctx, int argc, char **argv,
		 struct err *e)
{
	struct config_place place = {.n = 1};
	const struct opt *o;
	const char *key;
	int ret = 0;
	json_t *v;

	json_object_foreach (c->root, key, v) {
		o = opt_find(table, key);
		if (!o)
			ret = unknown_key(c, table, key, place, e);
		else if (o->shell_only)
			ret = shell_only(c, key, place, e);
		else if (o->repeat || !opt_given(table, argc, argv, key))
			ret = apply_member(c, table, o, ctx, v, place, e);
		if (ret)
			return ret;
		place.step[0]++;
	}
	return 0;
}
