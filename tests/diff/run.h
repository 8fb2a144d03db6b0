/* SPDX-License-Identifier: MIT */
/*
 * Running a program (program.h): by an engine of Linnet, and by qemu-riscv64. Each run is a process
 * of its own, so that two of them share two processors, and a crash or an endless loop is a result
 * like others.
 */
#ifndef RUN_H
#define RUN_H

#include <stdint.h>
#include <sys/types.h>

#include "program.h"

#define RUN_SECONDS 60 /* of a run; then it is killed */

struct run {
	const char *name;
	pid_t pid;
	int output, log; /* memory files */
	uint8_t *result; /* PROGRAM_ROUNDS times all records */
	size_t size;
	char message[512]; /* what went wrong; empty if nothing did */
};

/* Both take the program as it is now. */
void run_engine_start(struct run *r, const char *engine, const struct program *p);
void run_peer_start(struct run *r, const char *path, const struct program *p);

/* Waits for the end; then `result` and `message` are valid until run_free(). */
void run_finish(struct run *r);
void run_free(struct run *r);

#endif
