/* SPDX-License-Identifier: MIT */
/*
 * Ssaia: how a hart sees its interrupt file (RISC-V Advanced Interrupt Architecture 1.0, chapters 2
 * and 3, without what is for M mode and for guests). Only where cpu_vm_config has one; the numbers
 * are siselect, sireg, stopei and stopi. On the hart's thread.
 */
#ifndef CPU_RV64_AIA_H
#define CPU_RV64_AIA_H

#include <stdint.h>

struct rv64_hart;

/* As rv64_csr_read() and rv64_csr_change(), without the checks of privilege. 0, or -1: it is none
 * of these, or is not there (sireg, while siselect names nothing). */
int rv64_aia_read(struct rv64_hart *h, unsigned num, uint64_t *value);
int rv64_aia_change(struct rv64_hart *h, unsigned num, uint64_t clear, uint64_t set, uint64_t *old);

#endif
