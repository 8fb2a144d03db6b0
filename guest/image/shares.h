/* SPDX-License-Identifier: MIT */
/* Folders that the host shares (`linnet run --share`). */
#ifndef LINNET_GUEST_SHARES_H
#define LINNET_GUEST_SHARES_H

/* Mounts each file system of a virtio device at /TAG, TAG being its name. After /sys is there; the
 * kernel is 6.9 or newer, else there are none. */
void shares_mount(void);

#endif
