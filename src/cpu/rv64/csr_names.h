/* SPDX-License-Identifier: MIT */
/* The names of control and status registers, as GNU tools have them. Any thread. */
#ifndef CPU_RV64_CSR_NAMES_H
#define CPU_RV64_CSR_NAMES_H

#define RV64_CSR_NAME 24

/* The name of a CSR, or NULL; written to `out` where it has a number in it. */
const char *rv64_csr_name(unsigned num, char out[RV64_CSR_NAME]);
/* The CSR of that name, or -1. */
int rv64_csr_number(const char *name);

#endif
