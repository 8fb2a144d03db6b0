/* SPDX-License-Identifier: MIT */
/* The guest's side of `linnet run --exec`: see exec_protocol.h for what goes over the wire. */
#ifndef LINNET_GUEST_EXEC_H
#define LINNET_GUEST_EXEC_H

#include <signal.h>

/*
 * Runs one command for the host, from opening the ports to "bye".
 * @sigfd: a non-blocking signalfd that reports at least SIGCHLD; those signals are blocked.
 * Returns 0 when the host has said "bye" or left, the signal's number if one other than SIGCHLD
 * came (someone asks init to power off or to reboot), or -errno if the ports cannot be used. What
 * the command left running is left to the caller.
 */
int exec_serve(int sigfd);

/* Gives the calling process the environment of a root login. */
void exec_environment(void);

#endif
