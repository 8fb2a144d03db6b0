/* SPDX-License-Identifier: MIT */
/* A remote over vrings, and the model of Linux that it talks to. */
#ifndef RIG_H
#define RIG_H

#include "linux_side.h"
#include "rpmsg/queue.h"
#include "rpmsg/rpmsg.h"
#include "rpmsg/vring.h"

struct rig {
	struct linux_side driver;
	struct rpmsg_window window;
	struct rpmsg_vring_config config;
	struct rpmsg_env env;
	struct rpmsg_vrings vrings;
	struct rpmsg rpmsg;
	unsigned locked; /* how deep */
	bool ready;      /* for a test with that hook */
	unsigned n_link_up, n_link_down;
	unsigned n_waits, n_wakes;
	void (*in_wait)(struct rig *rig); /* what happens while a caller waits; NULL: nothing */
	unsigned n_cleans, n_invalidates;
};

/* A driver that has not begun, a configuration of `num` entries, and hooks that count. */
void rig_init(struct rig *rig, uint32_t num);
/* The remote begins. */
void rig_start(struct rig *rig);

#endif
