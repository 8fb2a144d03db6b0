/* SPDX-License-Identifier: MIT */
/*
 * A virtiofsd (the one of Debian 12's qemu-system-common) for one directory, in namespaces of its
 * own, so that it needs no rights that its user has not: see virtiofsd.c. Main thread.
 */
#ifndef CMD_VIRTIOFSD_H
#define CMD_VIRTIOFSD_H

#include <stdbool.h>

struct err;
struct loop;
struct virtiofsd;

struct virtiofsd_config {
	const char *dir;   /* borrowed while it is made */
	bool read_only;    /* nothing below dir can be changed through it */
	const char *label; /* what messages start with: "--share DIR"; borrowed */
	struct loop *loop; /* what it has to say is logged there */
};

/* The program, or NULL when it is not installed. */
const char *virtiofsd_path(void);

/* Whether we have the rights of root, with which it needs no user namespace. */
bool virtiofsd_is_root(void);

/* Looks whether it can work; starts nothing. 0, or -errno with the message in e. */
int virtiofsd_new(const struct virtiofsd_config *cfg, struct virtiofsd **out, struct err *e);

/* Ends the process that there was, starts one and connects to it: *fd is the caller's. 0, or -errno
 * with the message in e. */
int virtiofsd_connect(struct virtiofsd *v, int *fd, struct err *e);

/* Logs what the process says until it is quiet for a moment: for when it did not work. */
void virtiofsd_listen(struct virtiofsd *v);

/* The connections are closed, which ends the process: waits for it, a moment. NULL is allowed. */
void virtiofsd_free(struct virtiofsd *v);

#endif
