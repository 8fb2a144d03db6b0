/* SPDX-License-Identifier: MIT */
/* libslirp, loaded when it is first needed: it brings glib along, which a machine without a network
 * should not pay for. */
#ifndef BACKEND_SLIRP_LIB_H
#define BACKEND_SLIRP_LIB_H

#include <slirp/libslirp.h>

struct err;

/* The functions as libslirp.h declares them. */
struct slirp_lib {
	Slirp *(*new_)(const SlirpConfig *cfg, const SlirpCb *callbacks, void *opaque);
	void (*cleanup)(Slirp *slirp);
	void (*pollfds_fill)(Slirp *slirp, uint32_t *timeout, SlirpAddPollCb add_poll,
			     void *opaque);
	void (*pollfds_poll)(Slirp *slirp, int select_error, SlirpGetREventsCb get_revents,
			     void *opaque);
	void (*input)(Slirp *slirp, const uint8_t *pkt, int pkt_len);
	int (*add_hostfwd)(Slirp *slirp, int is_udp, struct in_addr host_addr, int host_port,
			   struct in_addr guest_addr, int guest_port);
};

/* Loads the library into the process, for good. 0, or -ENOENT with a message. */
int slirp_lib_load(struct slirp_lib *lib, struct err *e);

#endif
