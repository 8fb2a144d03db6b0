/* SPDX-License-Identifier: MIT */
/*
 * Who is measured: emulators that boot one guest, which runs the loads (loads.c), and this host
 * itself, which runs the same program natively.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pace.h"

#define MAX_LOADS  32
#define MAX_PEERS  8
#define MAX_ROUNDS 15

/* What all have in common. Paths. */
struct scene {
	const char *linnet, *qemu, *qemu10; /* NULL: not there */
	const char *native;                 /* loads, built for this host */
	char *kernel, *initrd, *append;     /* of the default guest, with the loads in it */
	char disk[256];
	unsigned port; /* of the byte server on the loopback */
	unsigned harts;
	char log[64];      /* of the last peer's output */
	struct pace *pace; /* or NULL */
};

struct peer {
	const char *name;
	/* Fills argv for running `loads`, its names with spaces between; strings are malloc'd and
	 * never freed. False: not on this host. */
	bool (*command)(const struct scene *s, const char *loads, char **argv);
	bool guest_devices; /* has the disk and the network that some loads need */
};

extern const struct peer peers[];
extern const unsigned n_peers;

/* What one load cost a process between the marks around it. */
struct cost {
	double cpu, wall; /* seconds; with a pace `cpu` is in its pieces */
	uint64_t result;
	bool valid;
};

/* Runs argv, at the scene's pace if it has one; fills cost[i] for each of names[0..n) that its
 * output tells of, and *extra_mb with the resident memory outside of guest RAM at the last mark
 * (Linnet's only; else 0). Ends the program with a message when that fails. */
void peer_run(const struct scene *s, char *const argv[], const char *const names[], unsigned n,
	      struct cost *cost, double *extra_mb);

/* A server on the loopback that takes or gives as many bytes as a client asks for: a process that
 * ends with this one. Its port. */
unsigned server_start(void);

#endif
