/* SPDX-License-Identifier: MIT */
/*
 * The console (specification 5.3) with several ports, each over a struct chr.
 *
 * Offers MULTIPORT. Port 0 is the only one for a driver without it; it may be absent. To the guest
 * a port is open on the host's side as long as its stream works: a stream that breaks (-EPIPE)
 * closes it, and so does the end of its input where close_at_end says so. From then on output is
 * thrown away. Neither direction is buffered here: output that the stream does not take stays in
 * its chain, and input is taken only while the guest has the port open and buffers posted.
 */
#ifndef DEV_CONSOLE_H
#define DEV_CONSOLE_H

#include <stdbool.h>

struct chr;
struct loop;
struct vdev;

#define CONSOLE_PORTS_MAX 16u
#define CONSOLE_NAME_MAX  64u /* bytes that the guest is told */

struct console_port_config {
	struct chr *chr;   /* stays the caller's, must outlive the device; NULL: no such port */
	const char *name;  /* as in /dev/virtio-ports/NAME; NULL: none. Copied. */
	bool is_console;   /* the guest makes it an hvc terminal */
	bool close_at_end; /* the guest reads end of file when the input has ended */
};

struct console_config {
	struct loop *loop; /* where all queues are served and all streams live */
	const struct console_port_config *port;
	unsigned n_ports; /* 1 .. CONSOLE_PORTS_MAX */
};

/* Control thread, while the loop does not run or from the loop. Attaches itself to the streams,
 * and detaches when the device is freed, by vdev_free() or by its carrier. 0 or -ENOMEM. */
int console_new(const struct console_config *config, struct vdev **out);

#endif
