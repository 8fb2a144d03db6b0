/* SPDX-License-Identifier: GPL-2.0 */
/* A number that goes to and fro between Linux and an endpoint that counts. */
#ifndef PINGPONG_H
#define PINGPONG_H

/* Sends 0, and each answer back until it is `hops`; prints "ping-pong hop=N" for each answer, which
 * has to be the number sent and one. 0, or 1 after a message. */
int pingpong_run(const char *channel, unsigned hops);

#endif
