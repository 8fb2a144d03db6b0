/* SPDX-License-Identifier: GPL-2.0 */
/* RPMsg channels as user space sees them: /sys/bus/rpmsg, /sys/class/rpmsg, /dev/rpmsgN. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdint.h>

#define CHANNEL_PATH  64
#define CHANNEL_BYTES 496 /* the longest message */

#define CHANNEL_PATIENCE_MS 20000 /* an answer that takes longer does not come */

/* Prints what the other side announced, and which device files there are. 0, or 1 after a message.
 * */
int channel_list(void);

/* Opens a device file: by its path, or the first one of a channel of that name. -1 after a message.
 * */
int channel_open(const char *what, int flags);

/* Makes an endpoint of this side's address `src` (-1: a free one) that sends to `dst`, for which
 * the kernel makes a device file: its path. With a group, its members may use it. -1 after a
 * message. */
int channel_create(const char *name, uint32_t src, uint32_t dst, const char *group,
		   char path[CHANNEL_PATH]);

/* Takes such an endpoint away. -1 after a message. */
int channel_destroy(const char *path);

#endif
