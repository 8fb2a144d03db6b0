/* SPDX-License-Identifier: MIT */
/* `linnet ioctl decode`: what an ioctl command is made of. */
#ifndef CMD_IOCTL_H
#define CMD_IOCTL_H

#include <stddef.h>
#include <stdint.h>

struct command;
struct err;

extern const struct command ioctl_command;

/* Long enough for each line below. */
#define IOCTL_LINE 120

/* Reads a command number: 0x hexadecimal or decimal, up to 32 bits; or a negative number, as
 * programs that keep it in an int print it; or the name of a command of Linnet's drivers. Any
 * thread. 0, or -EINVAL with a message. */
int ioctl_parse(const char *text, uint32_t *cmd, struct err *e);

/* Writes the four fields, and the command's name if it is of Linnet's drivers, as
 * "0xd50d direction none size 0 type 0xd5 number 13 SCULL_..."; after
 * Documentation/userspace-api/ioctl/ioctl-number.rst of Linux, with the fields as on all machines
 * but alpha, mips, powerpc, sparc and parisc. Any thread. */
void ioctl_format(uint32_t cmd, char out[IOCTL_LINE]);

#endif
