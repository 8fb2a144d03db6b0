/* SPDX-License-Identifier: MIT */
/* The virtio devices of a machine, whatever its board. On the thread that builds it. */
#ifndef MACHINE_DEVICES_H
#define MACHINE_DEVICES_H

struct err;
struct machine;

/* Makes all devices that m->cfg asks for and plugs them in (machine_type.plug). 0, or -errno with
 * the message in e. */
int devices_add(struct machine *m, struct err *e);

#endif
