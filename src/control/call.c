/* SPDX-License-Identifier: MIT */
/*
 * A call is made for each line, whatever is on it, so that every line is answered the same way.
 * What is wrong with a request is found here; a handler sees only arguments that its verb has.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"
#include "control/internal.h"

#define MESSAGE_MAX 512
#define NAMES_MAX   64

/* ---- answers ---- */

/* What is not UTF-8 (a message may be cut inside of a character) cannot be in JSON. */
static json_t *text(const char *s)
{
	char plain[MESSAGE_MAX];
	json_t *j = json_string(s);

	if (j)
		return j;
	snprintf(plain, sizeof(plain), "%s", s);
	for (char *p = plain; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(plain);
}

json_t *call_error(const char *code, const char *message)
{
	return json_pack("{s:{s:s,s:o*}}", "error", "code", code, "message", text(message));
}

/* Sends the answer, with the call's id, and ends the call. The client's next line is not served
 * from here, since this may be a handler of something else. */
static void finish(struct control_call *call, json_t *answer)
{
	struct control *c = call->control;
	struct client *cl = call->client;

	if (answer && call->id)
		json_object_set(answer, "id", call->id);
	if (cl) {
		cl->call = NULL;
		client_send(cl, answer);
		loop_post(c->loop, &c->work);
	} else {
		json_decref(answer);
	}
	json_decref(call->id);
	json_decref(call->args);
	free(call);
	c->n_calls--;
}

void control_answer(struct control_call *call, json_t *body)
{
	json_t *answer = json_pack("{s:b}", "ok", 1);

	if (answer && body && json_object_update(answer, body)) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(body);
	finish(call, answer);
}

void control_fail(struct control_call *call, const char *code, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	finish(call, call_error(code, message));
}

const char *control_arg(const struct control_call *call, const char *name)
{
	return json_string_value(json_object_get(call->args, name));
}

void control_calls_put(struct control_calls *l, struct control_call *call)
{
	struct control_call **p = &l->first;

	while (*p)
		p = &(*p)->next;
	call->next = NULL;
	*p = call;
}

struct control_call *control_calls_take(struct control_calls *l)
{
	struct control_call *call = l->first;

	if (call)
		l->first = call->next;
	return call;
}

/* ---- requests ---- */

static const struct control_verb *find_verb(const struct control *c, const char *name, void **arg)
{
	for (unsigned i = 0; i < c->n_sets; i++)
		for (const struct control_verb *v = c->set[i].verbs; v->name; v++)
			if (!strcmp(v->name, name)) {
				*arg = c->set[i].arg;
				return v;
			}
	return NULL;
}

static void fail_verb(struct control_call *call, const char *name)
{
	const struct control *c = call->control;
	const char *names[NAMES_MAX + 1];
	const char *near;
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_sets; i++)
		for (const struct control_verb *v = c->set[i].verbs; v->name && n < NAMES_MAX; v++)
			names[n++] = v->name;
	names[n] = NULL;
	near = opt_nearest(name, names);
	control_fail(call, CONTROL_E_VERB, "there is no verb %s; %s%s%s", name,
		     near ? "did you mean " : "help lists them all", near ? near : "",
		     near ? "?" : "");
}

/* False: the call has failed. */
static bool take_members(struct control_call *call, json_t *request, const char **verb)
{
	const char *key;
	json_t *value;

	json_object_foreach (request, key, value) {
		if (!strcmp(key, "verb") && json_is_string(value)) {
			*verb = json_string_value(value);
		} else if (!strcmp(key, "args") && json_is_object(value)) {
			call->args = json_incref(value);
		} else if (!strcmp(key, "id") &&
			   (json_is_string(value) || json_is_integer(value))) {
			call->id = json_incref(value);
		} else {
			control_fail(call, CONTROL_E_REQUEST,
				     "\"%s\": a request has \"verb\" (a string), and if need be "
				     "\"args\" (an object) and \"id\" (a string or an integer)",
				     key);
			return false;
		}
	}
	if (!*verb)
		control_fail(call, CONTROL_E_REQUEST, "\"verb\" is missing");
	return *verb;
}

static bool verb_takes(const struct control_verb *v, const char *name)
{
	for (unsigned i = 0; v->args && v->args[i]; i++)
		if (!strcmp(v->args[i], name))
			return true;
	return false;
}

static bool check_args(struct control_call *call, const struct control_verb *v)
{
	const char *name;
	json_t *value;

	json_object_foreach (call->args, name, value) {
		if (verb_takes(v, name) && json_is_string(value))
			continue;
		control_fail(call, CONTROL_E_ARGUMENT,
			     verb_takes(v, name) ? "%s: the argument %s is a string"
						 : "%s takes no argument %s",
			     v->name, name);
		return false;
	}
	return true;
}

static void serve(struct control_call *call, json_t *request)
{
	const char *name = NULL;
	const struct control_verb *v;
	void *arg;

	if (!take_members(call, request, &name))
		return;
	v = find_verb(call->control, name, &arg);
	if (!v)
		fail_verb(call, name);
	else if (check_args(call, v))
		v->handle(arg, call);
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r", line[i]) || !line[i])
			return false;
	return true;
}

void call_begin(struct client *cl, const char *line, size_t len)
{
	struct control_call *call;
	json_error_t error;
	json_t *request;

	if (is_blank(line, len))
		return;
	call = calloc(1, sizeof(*call));
	if (!call) {
		cl->dead = true;
		return;
	}
	call->control = cl->control;
	call->client = cl;
	call->control->n_calls++;
	cl->call = call;
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(request))
		serve(call, request);
	else if (request)
		control_fail(call, CONTROL_E_SYNTAX, "an array is no request; give an object");
	else
		control_fail(call, CONTROL_E_SYNTAX, "column %d: %s", error.column, error.text);
	json_decref(request);
}
