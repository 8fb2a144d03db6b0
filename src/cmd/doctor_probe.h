/* SPDX-License-Identifier: MIT */
/*
 * One question to the host each. A probe looks and touches nothing: it downloads nothing, writes no
 * file, and has closed what it opened. Main thread, before there are others (some of them fork).
 */
#ifndef CMD_DOCTOR_PROBE_H
#define CMD_DOCTOR_PROBE_H

#include <stdbool.h>
#include <stddef.h>

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_LIMITED, /* there, but not as good as it might be */
	DOCTOR_MISSING,
};

struct doctor_finding {
	enum doctor_state state;
	char found[256]; /* what there is */
	char cure[320];  /* what to do about it, if anything; else empty */
};

struct doctor_probe {
	const char *name;
	const char *purpose; /* what Linnet wants it for */
	bool needed;         /* without it `linnet run` does not work */
	void (*look)(struct doctor_finding *f);
};

extern const struct doctor_probe doctor_probes[];
extern const unsigned doctor_n_probes;

/* Sets the state and what was found; the cure is added by doctor_cure(). */
void doctor_found(struct doctor_finding *f, enum doctor_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_cure(struct doctor_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Runs fn in a process of its own, for what would change this one, or might not return: it has a
 * few seconds. What fn returned (0 to 127), or -errno: -ETIMEDOUT, -EINTR when it was killed. */
int doctor_apart(int (*fn)(void));

/* The first line of a file without its newline; "" when it cannot be read. */
const char *doctor_line(const char *path, char *buf, size_t size);

/* Those that have a file of their own. */
void doctor_look_program(struct doctor_finding *f);
void doctor_look_guest(struct doctor_finding *f);
void doctor_look_disk(struct doctor_finding *f);
void doctor_look_kbuild(struct doctor_finding *f);
void doctor_look_kvm(struct doctor_finding *f);

#endif
