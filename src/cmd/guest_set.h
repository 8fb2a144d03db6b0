/* SPDX-License-Identifier: MIT */
/*
 * The default guest: what guest/image/fetch.sh keeps in the cache, got on first use. Main thread.
 */
#ifndef CMD_GUEST_SET_H
#define CMD_GUEST_SET_H

#include <stdbool.h>

struct err;

struct guest_set {
	char *kernel, *initrd, *disk; /* paths */
	char *modules;                /* an own kernel's, an archive for behind initrd; or NULL */
	char *extras;                 /* another; NULL if it was not built */
	char *extras_lacking;         /* drivers that should be in it but are not; NULL: none */
	char *append;                 /* the default kernel line */
	char *append_off;             /* with this one init powers off at once */
	char *text;                   /* all of it as name=value lines; the others point into it */
};

/* The kernels that Linnet builds itself out of Debian's source, by name; NULL ends them. */
extern const char *const guest_set_kernels[];

/* Whether a --kernel (or NULL) is one of their names and not a path. */
bool guest_set_is_own(const char *kernel);

/* Runs the recipe, which fetches or builds what is missing and says so on standard error. own: the
 * kernel's name, or NULL for Debian's. 0, or -errno with the message in e. */
int guest_set_get(struct guest_set *g, const char *own, struct err *e);
void guest_set_free(struct guest_set *g);

/* Runs the recipe that builds g->extras for that kernel, which fetches what it needs and says so
 * on standard error. Another guest_set_get() tells of them. 0, or -errno with the message in e:
 * -ECHILD is the recipe's own failure, of which it has told the cause. */
int guest_set_build_extras(const char *own, struct err *e);

struct guest_set_wish {
	bool update, print;
	bool own[2]; /* which of guest_set_kernels */
};

/* `linnet fetch`: becomes the recipe; returns only when that failed. */
int guest_set_exec_fetch(const struct guest_set_wish *w, struct err *e);

#endif
