/* SPDX-License-Identifier: MIT */
/* A core whose trap handler cannot run, told on standard error. Any thread. */
#ifndef MACHINE_CRASH_H
#define MACHINE_CRASH_H

#include <stddef.h>
#include <stdint.h>

struct cpu_crash;

#define CRASH_TEXT 200u

/* What happened and where, in one line. */
void crash_text(const struct cpu_crash *c, char out[CRASH_TEXT]);

/* That line and the registers; `who` is what the first line calls the core: "the small core". */
void crash_report(const char *who, const struct cpu_crash *c);

#endif
