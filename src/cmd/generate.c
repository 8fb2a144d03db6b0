/* SPDX-License-Identifier: MIT */
/* Chooses what to generate; and what the names of values tell, which both shells are told of. */
#include "cmd/generate.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"

bool generate_is_file(const struct opt *o)
{
	return o->arg &&
	       (!strcmp(o->arg, "F") || !strcmp(o->arg, "FILE") || !strncmp(o->arg, "HOST:", 5));
}

bool generate_is_directory(const struct opt *o)
{
	return o->arg && !strcmp(o->arg, "DIR");
}

/* Behind the next '|' that is not in brackets, or at the end. */
static const char *skip_alternative(const char *p)
{
	int depth = 0;

	for (; *p && (*p != '|' || depth); p++)
		depth += (*p == '[') - (*p == ']');
	return *p ? p + 1 : p;
}

bool generate_alternative(const struct opt *o, unsigned i, char word[GENERATE_WORD_MAX])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *p = o->kind == OPT_CALL ? o->arg : NULL;
	size_t len;

	if (!p || !*skip_alternative(p))
		return false;
	for (; *p; p = skip_alternative(p)) {
		len = strspn(p, letters);
		if (p[len] == ':')
			len++;
		if (len && !i--) {
			(void)snprintf(word, GENERATE_WORD_MAX, "%.*s", (int)len, p);
			return true;
		}
	}
	return false;
}

int generate(FILE *out, const struct command *const *commands, unsigned n, int argc, char **argv)
{
	const char *what = argc ? argv[0] : "";

	if (!strcmp(what, "man") && argc == 1) {
		generate_man(out, commands, n);
		return EXIT_SUCCESS;
	}
	for (unsigned i = 0; !strcmp(what, "man") && argc == 2 && i < n; i++)
		if (!strcmp(commands[i]->name, argv[1])) {
			generate_command_man(out, commands[i]);
			return EXIT_SUCCESS;
		}
	if (!strcmp(what, "bash") && argc == 1) {
		generate_bash(out, commands, n);
		return EXIT_SUCCESS;
	}
	if (!strcmp(what, "zsh") && argc == 1) {
		generate_zsh(out, commands, n);
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "linnet --generate: give man, man COMMAND, bash or zsh\n");
	return 2;
}
