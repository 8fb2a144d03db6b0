/* SPDX-License-Identifier: MIT */
/*
 * What every carrier with registers keeps for a driver, however the registers lie: the status byte
 * (specification 2.1), the negotiation of features (2.2), a record for each queue, and the reset.
 * A transport embeds it, decodes addresses, and sees to interrupts.
 *
 * "home" is the loop given to vdev_attach(); what is said to be of "any" thread is so.
 */
#ifndef TRANSPORT_CARRIER_H
#define TRANSPORT_CARRIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct carrier;
struct vdev;

/* A queue as its driver has described it. The transport reads and writes the first four, the latter
 * only through carrier_queue_writable(). */
struct carrier_queue {
	uint32_t size;
	uint64_t desc, driver, device; /* guest addresses of the three parts */
	bool ready;                    /* the driver has enabled it */
	bool resetting;                /* carrier_queue_reset() is under way */

	/* private */
	struct carrier *c;
	bool stopping;
	void (*stopped_cb)(void *arg);
	void *stopped_arg;
};

/* All private, but for dev and queues. */
struct carrier {
	struct vdev *dev;
	struct carrier_queue *queues; /* dev->n_queues */
	void (*was_reset)(struct carrier *c);
	atomic_uint status;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint64_t driver_features;
	bool resetting;
	void (*driver_cb)(void *arg); /* of the driver's reset */
	void *driver_arg;
	void (*reset_cb)(void *arg); /* of carrier_reset() */
	void *reset_arg;
};

/* Of a zeroed *c, before vdev_attach(). was_reset is called on home at the end of each reset, when
 * all here is as at the start: the transport puts its own registers back. 0 or -ENOMEM. */
int carrier_init(struct carrier *c, struct vdev *dev, void (*was_reset)(struct carrier *c));
/* The device stays the caller's. Also of a zeroed one. */
void carrier_fini(struct carrier *c);

/* Any: the status byte as the driver would read it. */
uint8_t carrier_status(const struct carrier *c);
/* Any: the device is broken (2.1.2). True: the driver is to be told, being ready to hear it. */
bool carrier_needs_reset(struct carrier *c);

/* Home: the feature words that the selectors select. */
uint32_t carrier_device_features(const struct carrier *c);
uint32_t carrier_driver_features(const struct carrier *c);
/* What was chosen stands once FEATURES_OK is set. */
void carrier_driver_features_write(struct carrier *c, uint32_t v);

/* Home: the queue that the selector selects; NULL: there is none. */
struct carrier_queue *carrier_selected(struct carrier *c);
/* The same, but NULL also when it is enabled: its registers are frozen then. */
struct carrier_queue *carrier_queue_writable(struct carrier *c);
/* Home: puts the low or the high half of an address. */
void carrier_set_low(uint64_t *word, uint32_t v);
void carrier_set_high(uint64_t *word, uint32_t v);

/* Home: the driver enables a queue, which starts with DRIVER_OK at the latest. Ignored before
 * FEATURES_OK. A queue that cannot be marks the device broken. */
void carrier_queue_enable(struct carrier_queue *q);
/* Home: the driver takes it back. True: cb(arg) follows on home, never inside the call, when
 * nothing of the queue is in flight. False: that is so already, or it is being stopped. */
bool carrier_queue_stop(struct carrier_queue *q, void (*cb)(void *arg), void *arg);

/* Home: the driver resets it alone (2.6.1). Its record is as at the start when that is done. 1:
 * cb(arg) follows, as above; 0: it is done; -errno: refused, see vdev_queue_reset(). */
int carrier_queue_reset(struct carrier_queue *q, void (*cb)(void *arg), void *arg);

/* Home: the driver writes the status byte, not 0. */
void carrier_status_write(struct carrier *c, uint8_t v);
/* Home: the driver asks for a reset. True: cb(arg) follows on home when it is done; until then the
 * transport ignores what the driver writes. False: it is done. Not while one is under way. */
bool carrier_driver_reset(struct carrier *c, void (*cb)(void *arg), void *arg);
/* Home: whether a reset is under way. */
bool carrier_is_resetting(const struct carrier *c);

/* Home: a reset as by the driver, for a machine that stops or starts again. cb(arg) is called once
 * on home, perhaps inside the call, when nothing is in flight; the device may then be used again,
 * or freed. One at a time; it may join one of the driver's. */
void carrier_reset(struct carrier *c, void (*cb)(void *arg), void *arg);

#endif
