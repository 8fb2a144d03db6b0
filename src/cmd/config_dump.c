/* SPDX-License-Identifier: MIT */
/*
 * Most options are read back from where their values went, defaults included. What an OPT_CALL made
 * of its text nobody else knows: those are taken from the file and from argv as they were given.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/config_internal.h"

static const char not_json[] =
	"--dump-config: a value cannot be written as JSON, which wants UTF-8";

struct config_dump {
	json_t *calls; /* option -> what was given */
	bool failed;
};

/* A repeated option becomes an array, whatever it was. */
static void add_call(struct config_dump *d, const struct opt *o, json_t *v)
{
	json_t *all = json_object_get(d->calls, o->name);
	int ret;

	if (!o->repeat) {
		ret = json_object_set_new(d->calls, o->name, v);
	} else {
		if (!all) {
			all = json_array();
			d->failed |= json_object_set_new(d->calls, o->name, all) != 0;
		}
		ret = json_is_array(v) ? json_array_extend(all, v) : json_array_append(all, v);
		json_decref(v);
	}
	d->failed |= ret != 0;
}

static void add_given(void *arg, const struct opt *o, const char *value)
{
	if (o->kind == OPT_CALL && !o->shell_only)
		add_call(arg, o, opt_takes_value(o) ? json_string(value) : json_true());
}

int config_dump_new(const struct config *c, const struct opt *table, int argc, char **argv,
		    struct config_dump **out, struct err *e)
{
	struct config_dump *d = calloc(1, sizeof(*d));
	const struct opt *o;
	const char *key;
	json_t *v;

	*out = d;
	if (d)
		d->calls = json_object();
	if (!d || !d->calls)
		return err_set(e, -ENOMEM, "out of memory");
	if (c)
		json_object_foreach (c->root, key, v) {
			o = opt_find(table, key);
			if (o && o->kind == OPT_CALL)
				add_call(d, o, json_incref(v));
		}
	opt_walk(table, argc, argv, add_given, d);
	if (d->failed)
		return err_set(e, -EINVAL, not_json);
	return 0;
}

/* What is not set is left out; *bad is set where a value cannot be written. */
static json_t *read_back(const struct config_dump *d, const struct opt *o, const void *ctx,
			 bool *bad)
{
	const void *from = (const char *)ctx + o->offset;
	const char *string = NULL;
	char size[OPT_SIZE_TEXT];
	json_t *v = NULL;

	switch (o->kind) {
	case OPT_FLAG: return *(const bool *)from ? json_true() : NULL;
	case OPT_BOOL: return json_boolean(*(const bool *)from);
	case OPT_STRING: string = *(const char *const *)from; break;
	case OPT_UINT:
		if (*(const unsigned *)from >= o->min)
			v = json_integer(*(const unsigned *)from);
		break;
	case OPT_SIZE:
		if (*(const uint64_t *)from >= o->min)
			string = opt_format_size(*(const uint64_t *)from, size);
		break;
	case OPT_CHOICE: string = o->choices[*(const unsigned *)from]; break;
	case OPT_CALL: return json_incref(json_object_get(d->calls, o->name));
	}
	if (string)
		v = json_string(string);
	*bad |= string && !v;
	return v;
}

int config_dump_write(struct config_dump *d, const struct opt *table, const void *ctx, FILE *out,
		      struct err *e)
{
	json_t *root = json_object(), *v;
	bool bad = !root;

	for (const struct opt *o = table; (o->name || o->help) && !bad; o++) {
		if (!o->name || o->shell_only)
			continue;
		v = read_back(d, o, ctx, &bad);
		if (v)
			bad |= json_object_set_new(root, o->name, v) != 0;
	}
	if (bad)
		err_set(e, -EINVAL, not_json);
	else if (json_dumpf(root, out, JSON_INDENT(4)) || fputc('\n', out) == EOF)
		bad = err_set(e, -EIO, "--dump-config: it cannot be written");
	json_decref(root);
	return bad ? -EINVAL : 0;
}

void config_dump_free(struct config_dump *d)
{
	if (!d)
		return;
	json_decref(d->calls);
	free(d);
}
