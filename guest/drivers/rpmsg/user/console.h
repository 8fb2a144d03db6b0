/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONSOLE_H
#define CONSOLE_H

/* Lines of standard input as messages, and messages to standard output, until the input has ended
 * and nothing has come for a second; or until `count` messages have come, if it is not 0. 0, or 1
 * after a message. */
int console_run(const char *channel, unsigned count);

#endif
