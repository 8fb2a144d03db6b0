/* SPDX-License-Identifier: MIT */
/*
 * The protocol between `linnet run --exec` and the guest's init.
 *
 * It runs over four generic ports of one multi-port virtio console (VIRTIO 1.2, section 5.3), told
 * apart by name and not by number:
 *
 *	linnet.out, linnet.err	guest to host: the command's standard output and error, raw bytes
 *	linnet.in		host to guest: the command's standard input, raw bytes
 *	linnet.control		both ways: the lines below
 *
 * Opening. The guest discards what arrives at a port before its side is open, and takes a port that
 * the host has not opened for one whose reader is gone. So the host opens (PORT_OPEN, value 1)
 * linnet.control last, after the other three, and sends nothing until it has read "ready".
 *
 * A line ends with '\n', has at most EXEC_LINE_MAX bytes with it, and its words are parted by one
 * space. Numbers are decimal. A side that reads a line it does not know ends the run.
 *
 * Host to guest:
 *	env LEN			LEN bytes follow: NAME=VALUE for the command's environment. Before
 *				"exec", any number of times; the last of a name counts.
 *	cwd LEN			LEN bytes follow: the directory in which the command starts, instead
 *				of /root. Before "exec".
 *	exec LEN		LEN bytes follow: the text for `sh -c`. Once in a run.
 *				For all three: 1 <= LEN <= EXEC_TEXT_MAX, no NUL among the bytes.
 *	eof BYTES		standard input ends after BYTES bytes in all have come through
 *				linnet.in, which may be before or after this line. (Closing the port
 *				ends it too, after what has arrived by then.)
 *	signal N		send signal N to the command's process group; ignored before
 *				"started" and after the command's end
 *	bye			all output was received; the guest powers off
 *
 * Guest to host:
 *	ready			all ports are open and the guest waits for "exec"
 *	started			the command runs
 *	exit CODE OUT ERR	it ended with exit status CODE (0 to 255); OUT and ERR bytes were
 *				sent through linnet.out and linnet.err in all. The host has
 *				received everything when it has counted that many on each. (A port
 *				that the host closed early loses the rest; it no longer cares.)
 *	killed SIGNO OUT ERR	as "exit", but signal SIGNO ended it
 *	nodir TEXT		the command was not started, since its directory cannot be entered
 *	error TEXT		the command could not be started
 *
 * Order: ready, exec, started, exit or killed, bye. After "nodir" and "error" the guest waits for
 * "bye" too.
 * Processes that the command left behind do not delay "exit": what they had written until then is
 * sent, and they die with the guest.
 */
#ifndef LINNET_EXEC_PROTOCOL_H
#define LINNET_EXEC_PROTOCOL_H

#define EXEC_PORT_OUT     "linnet.out"
#define EXEC_PORT_ERR     "linnet.err"
#define EXEC_PORT_IN      "linnet.in"
#define EXEC_PORT_CONTROL "linnet.control"

/* The longest line, '\n' included. */
#define EXEC_LINE_MAX 96
/* The longest text: Linux takes single arguments of up to 128 KiB with their NUL. */
#define EXEC_TEXT_MAX 131071

#define EXEC_ENV     "env"
#define EXEC_CWD     "cwd"
#define EXEC_EXEC    "exec"
#define EXEC_EOF     "eof"
#define EXEC_SIGNAL  "signal"
#define EXEC_BYE     "bye"
#define EXEC_READY   "ready"
#define EXEC_STARTED "started"
#define EXEC_EXIT    "exit"
#define EXEC_KILLED  "killed"
#define EXEC_NODIR   "nodir"
#define EXEC_ERROR   "error"

#endif
