/* SPDX-License-Identifier: MIT */
/*
 * Linux' side of RPMsg for programs on the big core: the rings of the unit tests of src/rpmsg,
 * where the vendor's software has them on the Duo 256M, with kicks by mailbox. What does not hold
 * ends the machine.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdint.h>

#include "tests/firmware/big/big.h"
#include "tests/unit/rpmsg/linux_side.h"

#define BIG_ENDPOINT 1025u /* ours */
#define BIG_COUNTER  30u
#define BIG_ECHO     33u
#define BIG_HOPS     32u

/* The last message that was received. */
extern struct linux_message big_got;
/* The last one of the mailbox that was no kick. */
extern struct big_message big_other;

/* Sets the rings up; once more is a restart. */
void big_probe(void);
/* Kicks, ours and the small core's. The next three do it too. */
void big_exchange(void);
/* Waits a second for a buffer. */
void big_send(uint32_t dst, const void *data, uint16_t len);
/* Whether there was a message. */
bool big_hears(void);
/* The next message, within a second: it is from src, and to dst. */
void big_receive(uint32_t src, uint32_t dst);
/* The next one announces this. */
void big_announced(const char *name, uint32_t addr);
/* What apps/rpmsg.c has is announced. */
void big_names(void);
/* A number goes there and back BIG_HOPS times, a line each. */
void big_ping_pong(void);
uint32_t big_load32(const uint8_t *p);

#endif
