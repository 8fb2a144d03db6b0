/* SPDX-License-Identifier: MIT */
/* The value is a word and what belongs to it: "pty,link=PATH" has a key, the others a colon and a
 * path, which may hold anything. */
#include "cmd/run_console.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/chr.h"
#include "backend/chr_fd.h"
#include "backend/chr_pty.h"
#include "backend/chr_unix.h"
#include "base/bits.h"
#include "base/err.h"

static const struct {
	const char *word;
	enum run_console_kind kind;
	bool path; /* has to follow */
} forms[] = {
	{"stdio", RUN_CONSOLE_STDIO, false},  {"pty", RUN_CONSOLE_PTY, false},
	{"pty,link=", RUN_CONSOLE_PTY, true}, {"file:", RUN_CONSOLE_FILE, true},
	{"unix:", RUN_CONSOLE_UNIX, true},
};

int run_console_parse(struct run_console *c, const char *label, char *value, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t len = strlen(forms[i].word);

		if (strncmp(value, forms[i].word, len) || forms[i].path != (value[len] != '\0'))
			continue;
		c->given = true;
		c->kind = forms[i].kind;
		c->path = forms[i].path ? value + len : NULL;
		return 0;
	}
	return err_set(e, -EINVAL, "%s%s: give stdio, file:PATH, pty, pty,link=PATH or unix:PATH",
		       label, value);
}

int run_console_open(const struct run_console *c, const char *option, struct loop *loop,
		     struct chr **out, struct err *e)
{
	static const char *const kinds[] = {[RUN_CONSOLE_FILE] = "file:",
					    [RUN_CONSOLE_PTY] = "pty",
					    [RUN_CONSOLE_UNIX] = "unix:"};
	char label[48];
	int ret;

	(void)snprintf(label, sizeof(label), "%s %s", option, kinds[c->kind]);
	if (c->kind == RUN_CONSOLE_FILE)
		return chr_file_new(loop, label, c->path, out, e);
	if (c->kind == RUN_CONSOLE_UNIX)
		return chr_unix_new(loop, label, c->path, out, e);
	ret = chr_pty_new(loop, label, c->path, out, e);
	if (!ret)
		fprintf(stderr, "linnet: the %s is %s\n", option + 2, chr_pty_path(*out));
	return ret;
}
