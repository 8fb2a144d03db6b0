/* SPDX-License-Identifier: MIT */
/* Devices that other processes serve: --share, --vhost-user and --net switch=PATH. Main thread. */
#ifndef CMD_RUN_REMOTE_H
#define CMD_RUN_REMOTE_H

#include <stdbool.h>

#include "base/opt.h"
#include "machine/machine.h"

struct err;
struct loop;
struct run_net;
struct run_remote;
struct virtiofsd;

#define RUN_MAX_REMOTES (MACHINE_MAX_REMOTES - 1) /* beside a switch */

/* One option, of either kind. */
struct run_remote_options {
	const char *dir; /* --share; NULL: --vhost-user */
	bool read_only;
	unsigned kind; /* enum remote_kind */
	const char *socket;
	const char *tag;
	unsigned queues;
	bool reconnect;
};

struct run_remotes_options {
	struct run_remote_options remote[RUN_MAX_REMOTES];
	unsigned n;
};

extern const struct opt run_share_keys[], run_vhost_user_keys[];

/* An option's value: points into `value`, which is changed. 0 or -EINVAL with a message. */
int run_share_parse(struct run_remotes_options *o, const char *label, char *value, struct err *e);
int run_vhost_user_parse(struct run_remotes_options *o, const char *label, char *value,
			 struct err *e);

/* Where the guest finds the first shared folder, as the default guest mounts it; NULL: there is
 * none. In `room`. */
const char *run_share_place(const struct run_remotes_options *o, char room[REMOTE_TAG_MAX + 2]);

struct run_remotes {
	struct run_remote *remote;
	unsigned n;
	struct net_pcap *pcap; /* of a switch's frames; or NULL */
};

/* Looks whether each can work, and the network if that is a switch, and fills in the machine's
 * configuration, which borrows from r until run_remotes_close(). 0, or -errno with the message in
 * e; r is to be closed in either case. */
int run_remotes_open(struct run_remotes *r, const struct run_remotes_options *o,
		     const struct run_net *net, struct loop *loop, struct machine_config *c,
		     struct err *e);
/* Logs what back ends that we started have said, which a failure may be due to. */
void run_remotes_listen(struct run_remotes *r);
void run_remotes_close(struct run_remotes *r);

#endif
