/* SPDX-License-Identifier: MIT */
/*
 * An input device (specification 5.8) with one key: the machine's power button. Linux's
 * virtio_input makes an event device of it, which systemd and acpid listen to.
 */
#ifndef DEV_INPUT_H
#define DEV_INPUT_H

#include <stdint.h>

struct loop;
struct vdev;

/* The code of the key: Linux's KEY_POWER, whose numbers 5.8 adopts. */
#define INPUT_KEY_POWER 116u

/* Control thread, while the loop does not run or from the loop. The device is freed by vdev_free()
 * or by its carrier. 0 or -ENOMEM. */
int input_power_button_new(struct loop *loop, struct vdev **out);

/* On the loop: presses the key and lets it go. 0; -EAGAIN: no driver listens; -EBUSY: the driver
 * has not taken what was sent before. */
int input_press(struct vdev *dev);

#endif
