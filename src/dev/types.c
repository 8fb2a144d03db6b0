/* SPDX-License-Identifier: MIT */
#include "dev/types.h"

#include "virtio/spec.h"

const struct vdev_type vdev_types[] = {
	{"net", VIRTIO_ID_NET,
	 "network card over a network of the host's (mac, mtu, mergeable buffers)"},
	{"blk", VIRTIO_ID_BLOCK, "disk over a file (flush, read-only, serial number)"},
	{"console", VIRTIO_ID_CONSOLE, "terminals and named byte streams, several ports"},
	{"rng", VIRTIO_ID_RNG, "random bytes of the host's, or a repeatable sequence"},
	{"input", VIRTIO_ID_INPUT, "power button, pushed by `linnet ctl PATH powerbutton`"},
	{"balloon", VIRTIO_ID_BALLOON,
	 "gives the guest's memory to the host and back (--balloon, `linnet ctl PATH balloon`)"},
	{"vsock", VIRTIO_ID_VSOCK,
	 "streams between the guest and the host's UNIX sockets (--vsock)"},
	{"rpmsg", VIRTIO_ID_RPMSG, "remote processor's channels that echo (--rpmsg echo)"},
	{"fs", VIRTIO_ID_FS, "folder of the host's, served by virtiofsd (--share)"},
	{0},
};
