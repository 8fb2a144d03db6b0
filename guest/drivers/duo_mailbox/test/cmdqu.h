/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of this test program share. */
#ifndef CMDQU_H
#define CMDQU_H

#include <sys/ioctl.h>

#include <linnet/ioctl.h>

#include "remote.h"
#include <testing/check.h>

#define DEVICE "/dev/cvi-rtos-cmdqu"
#define LONG   60000 /* ms: for what comes */
#define SHORT  50    /* for what does not */

/* Sends a command to the small core and returns its reply's param; it must have one. */
unsigned int ask(int fd, unsigned int cmd_id, unsigned int param);

/* Leaves the small core with the mailbox's lock. */
void hold_lock(int fd);
void test_buffers(int fd);

#endif
