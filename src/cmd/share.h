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
	char program[PATH_MAX];    /* this one */
	char fetch[PATH_MAX];      /* the script that makes the default guest */
	char kbuild[PATH_MAX];     /* the one that builds modules for it */
	char new_driver[PATH_MAX]; /* and the one that writes a first module */
	char init[PATH_MAX];       /* the guest's init */
};

/* 0, or -ENOENT with the message in e. */
int share_find(struct share_paths *p, struct err *e);

/* The path of an image of guest/firmware. 0, or -errno. */
int share_find_firmware(const char *name, char path[PATH_MAX]);

/* Becomes the shell with argv, which is "sh", a script, its arguments, NULL. Returns only when that
 * failed: -errno with the message in e. */
int share_exec(const char *const argv[], struct err *e);

/* argv as exec and posix_spawn want it: their prototypes are older than const, but they change no
 * string. */
char *const *share_argv(const char *const argv[]);

#endif
