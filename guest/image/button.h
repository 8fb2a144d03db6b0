/* SPDX-License-Identifier: MIT */
/* The power button, where the machine has one: pressed, it does what `poweroff` does. */
#ifndef LINNET_GUEST_BUTTON_H
#define LINNET_GUEST_BUTTON_H

struct modules;

/* Loads what makes event devices of input devices, and starts a child that sends SIGUSR2 to init
 * when a power key is pressed. Without an input device it does nothing. @mods may be NULL. */
void button_watch(struct modules *mods);

#endif
