/* SPDX-License-Identifier: MIT */
/*
 * Where interrupts that are messages (MSI) go: a 32-bit word written to an address of the board's,
 * which says to which hart and as which number. Passed by value; its holder does not know what is
 * at the other end. A zeroed one: this board cannot take messages.
 *
 * send() may be called from any thread, with any address and data that a guest chose.
 */
#ifndef BUS_MSI_H
#define BUS_MSI_H

#include <stdint.h>

struct msi_sink {
	void (*send)(void *controller, uint64_t addr, uint32_t data);
	void *controller;
};

#endif
