/* SPDX-License-Identifier: MIT */
/*
 * The resource table in the image, by which Linux' remoteproc learns what the firmware has and
 * wants: a virtio device for RPMsg with two rings, and a buffer with lines of text
 * (Documentation/staging/remoteproc.rst). Linux writes into the table where it has put the rings,
 * and the device's status.
 */
#ifndef LINK_TABLE_H
#define LINK_TABLE_H

#include <stdint.h>

#define TABLE_DRIVER_OK 4u

struct link_vring {
	uint32_t da, align, num, notifyid, pa;
};

struct link_table {
	uint32_t version, n, reserved[2], offset[2];
	struct {
		uint32_t type, da, len, reserved;
		char name[32];
	} trace;
	struct {
		uint32_t type, id, notifyid, dfeatures, gfeatures, config_len;
		uint8_t status, n_vrings, reserved[2];
		struct link_vring vring[2];
	} vdev;
};

extern volatile struct link_table link_table;

#endif
