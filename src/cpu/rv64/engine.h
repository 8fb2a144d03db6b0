/* SPDX-License-Identifier: MIT */
/* The engines for RV64 that run anywhere. */
#ifndef CPU_RV64_ENGINE_H
#define CPU_RV64_ENGINE_H

#include "cpu/cpu.h"

extern const struct cpu_engine rv64_interp_engine;
#if defined(__x86_64__)
extern const struct cpu_engine rv64_jit_engine;
#endif

#endif
