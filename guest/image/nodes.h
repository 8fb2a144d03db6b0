/* SPDX-License-Identifier: MIT */
/* Who may use the device files of RPMsg channels. */
#ifndef LINNET_GUEST_NODES_H
#define LINNET_GUEST_NODES_H

/* Where there can be RPMsg channels (see /sys), starts a child that gives the device file of each,
 * now and whenever one appears, to the group of the channel's name, or else to the group rpmsg,
 * with mode 0660. Which groups there are /etc/group says at that moment. The files of endpoints
 * that somebody made, and those by which they are made, stay as they are. */
void nodes_watch(void);

#endif
