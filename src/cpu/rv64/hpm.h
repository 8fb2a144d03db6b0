/* SPDX-License-Identifier: MIT */
/*
 * Counters of a hart, by their number in mcounteren: 0 cycle, 2 instret, 3 on Zihpm's. Those that
 * do not exist read as zero and take no value. The hart's thread.
 *
 * A CSR instruction is counted when it is over, so what it writes or starts is a count from the
 * next one on: `now` is 1 then. It is 0 between two instructions.
 */
#ifndef CPU_RV64_HPM_H
#define CPU_RV64_HPM_H

#include "cpu/rv64/hart.h"

enum { RV64_CYCLE = 0, RV64_INSTRET = 2 };

bool rv64_hpm_exists(unsigned counter);
uint64_t rv64_hpm_read(const struct rv64_hart *h, unsigned counter);
void rv64_hpm_write(struct rv64_hart *h, unsigned counter, uint64_t value, unsigned now);
/* mcountinhibit becomes `value`, as far as there are counters. */
void rv64_hpm_inhibit(struct rv64_hart *h, uint64_t value, unsigned now);
/* mhpmevent, for counters from RV64_HPM_FIRST on: an enum rv64_event; what is none selects
 * RV64_EVENT_NONE. */
uint64_t rv64_hpm_event(const struct rv64_hart *h, unsigned counter);
void rv64_hpm_select(struct rv64_hart *h, unsigned counter, uint64_t event);

#endif
