/* SPDX-License-Identifier: MIT */
/*
 * Programs that play Linux' part on the big core, for tests of what runs on the small one: without
 * Linux they take milliseconds. They run on the kernel of the firmware and end the machine by HTIF.
 * board_say() is theirs too; its "RT: " stands before both cores' lines.
 */
#ifndef BIG_H
#define BIG_H

#include <stdbool.h>
#include <stdint.h>

/* The test: a thread's. What it returns is the machine's exit status. */
int big_main(void);

/* Sends a message in a channel that is free, as Linux does; takes a reply. 0, or nonzero when no
 * channel is free, or no such reply comes within a second. */
int big_mail(uint8_t command, uint32_t param);
int big_reply(uint8_t command, uint32_t *param);

/* The same while the lock of the mailbox is ours for a while: whether the small core has left the
 * byte alone meanwhile in which the channel is enabled. */
bool big_mail_locked(uint8_t command, uint32_t param);

/* Takes one message from the small core, if there is one. */
struct big_message {
	uint8_t ip, command;
	uint32_t param;
};
bool big_take(struct big_message *m);

/* For assert(): says where, and ends the machine. */
void big_failed(const char *file, int line) __attribute__((noreturn));

#endif
