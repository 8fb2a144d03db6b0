/* SPDX-License-Identifier: MIT */
/* Byte streams over file descriptors: pipes, terminals, sockets, files, devices. */
#ifndef BACKEND_CHR_FD_H
#define BACKEND_CHR_FD_H

struct chr;
struct err;
struct loop;

/*
 * A stream that reads from in_fd and writes to out_fd; either may be -1: then no input ever comes
 * (nor its end), or what is written is dropped. Both may be the same. The descriptors stay the
 * caller's, who may close them at once: the stream works on its own copies. Their O_NONBLOCK flags,
 * which a parent shell may share, are neither changed nor relied on.
 *
 * 0 or -errno. Belongs to the loop's thread. SIGPIPE has to be ignored (sig_init() does).
 */
int chr_fd_new(struct loop *loop, int in_fd, int out_fd, struct chr **out);

/* A stream whose output goes to the file `path`, made or emptied first; no input. 0, or -errno with
 * a message that starts with `label`, such as "--console file:". */
int chr_file_new(struct loop *loop, const char *label, const char *path, struct chr **out,
		 struct err *e);

#endif
