/* SPDX-License-Identifier: MIT */
#ifndef RUN_ENGINE_H
#define RUN_ENGINE_H

#include "program.h"

/* Runs the program in S mode on a hart of that engine. Its output goes to standard output, a
 * message about a trap or an endless loop to standard error. Returns the program's exit status, or
 * 125. */
int run_engine(const char *engine, const struct program *p);

#endif
