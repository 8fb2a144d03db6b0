/* SPDX-License-Identifier: MIT */
/* Option parsing: the input is a command line, one argument a line. Whatever it is, parsing ends,
 * stays in bounds, and each refusal has its message. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opt.h"

#define ARGS_MAX 64

struct config {
	bool flag, on;
	const char *string;
	unsigned number, choice;
	uint64_t size;
};

static const char *const choices[] = {"interp", "jit", "kvm", NULL};

static const struct opt keys[] = {
	{.name = "path", .kind = OPT_STRING, .offset = offsetof(struct config, string)},
	{.name = "ro", .kind = OPT_BOOL, .offset = offsetof(struct config, on)},
	{.name = "cached", .kind = OPT_FLAG, .offset = offsetof(struct config, flag)},
	{.name = "size",
	 .kind = OPT_SIZE,
	 .max = UINT64_MAX,
	 .offset = offsetof(struct config, size)},
	{0},
};

static int parse_keys(void *ctx, const char *label, char *value, struct err *e)
{
	return opt_parse_list(keys, ctx, label, value, "path", e);
}

static const struct opt table[] = {
	{.help = "Group"},
	{.name = "flag", .letter = 'f', .kind = OPT_FLAG, .offset = offsetof(struct config, flag)},
	{.name = "on", .kind = OPT_BOOL, .offset = offsetof(struct config, on)},
	{.name = "string", .kind = OPT_STRING, .offset = offsetof(struct config, string)},
	{.name = "number",
	 .letter = 'n',
	 .kind = OPT_UINT,
	 .min = 1,
	 .max = 99,
	 .offset = offsetof(struct config, number)},
	{.name = "size",
	 .kind = OPT_SIZE,
	 .min = 4096,
	 .max = 1ull << 40,
	 .offset = offsetof(struct config, size)},
	{.name = "engine",
	 .kind = OPT_CHOICE,
	 .choices = choices,
	 .offset = offsetof(struct config, choice)},
	{.name = "disk", .kind = OPT_CALL, .arg = "path=FILE", .call = parse_keys},
	{0},
};

static void check(int ret, const struct err *e, const struct config *c, int used, int argc)
{
	if (ret == OPT_WANTS_HELP)
		return;
	assert(ret <= 0);
	assert(!ret == !e->text[0]);
	assert(ret || (used >= 0 && used <= argc));
	assert(!c->number || c->number <= 99);
	assert(c->choice < 3);
	assert(!c->string || strlen(c->string) < SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[ARGS_MAX];
	struct config c = {0};
	struct err e = {0};
	int argc = 0, used = 0, ret;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (char *p = text; p && argc < ARGS_MAX; argc++) {
		argv[argc] = p;
		p = strchr(p, '\n');
		if (p)
			*p++ = '\0';
	}
	ret = opt_parse(table, &c, argc, argv, &used, &e);
	check(ret, &e, &c, used, argc);
	free(text);
	return 0;
}
