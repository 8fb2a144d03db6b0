/* SPDX-License-Identifier: GPL-2.0 */
/* Samples of the firmware guest/firmware/apps/sensor.c, from its channel to whoever listens. */
#ifndef STREAM_H
#define STREAM_H

/* Asks the channel for `count` samples and sends each to `to` (IPv4 ADDRESS:PORT) by TCP as a line
 * of its index and its value, until the last one has come. 0, or 1 after a message. */
int stream_run(const char *channel, unsigned count, const char *to);

#endif
