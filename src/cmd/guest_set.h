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
	char *extras;                 /* an archive for behind initrd; NULL if it was not built */
	char *append;                 /* the default kernel line */
	char *append_off;             /* with this one init powers off at once */
	char *text;                   /* all of it as name=value lines; the others point into it */
};

/* Runs the recipe, which fetches what is missing and says so on standard error. 0, or -errno with
 * the message in e. */
int guest_set_get(struct guest_set *g, struct err *e);
void guest_set_free(struct guest_set *g);

/* `linnet fetch`: becomes the recipe; returns only when that failed. */
int guest_set_exec_fetch(bool update, bool print, struct err *e);

#endif
