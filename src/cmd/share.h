/* SPDX-License-Identifier: MIT */
/*
 * Where Linnet's own files are: in $prefix/share/linnet beside $prefix/bin/linnet, or in the source
 * and build trees when the program was not installed. Any thread.
 */
#ifndef CMD_SHARE_H
#define CMD_SHARE_H

#include <limits.h>

struct err;

struct share_paths {
	char fetch[PATH_MAX]; /* the script that makes the default guest */
	char init[PATH_MAX];  /* the guest's init */
};

/* 0, or -ENOENT with the message in e. */
int share_find(struct share_paths *p, struct err *e);

#endif
