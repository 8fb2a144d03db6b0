/* SPDX-License-Identifier: MIT */
/* A compiled block as text: see docs/translator.md for what it shows. */
#ifndef CPU_RV64_JIT_DUMP_H
#define CPU_RV64_JIT_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include "cpu/rv64/jit/native.h"

/* The block that c->jit->source describes has just become `size` bytes at `code` (in the writable
 * mapping). Appends it to the VM's dump if that wants it. */
void jit_dump(struct interp *c, const uint8_t *code, size_t size);

/* ---- x86_dump.c: what the host has to say ---- */

/* Where a guest's x or f register lives in the block: a host register's name, or NULL: in
 * memory. */
const char *jit_host_register(const struct rv64_jit *j, bool f, unsigned g);
/* Whether the instruction becomes host code; otherwise C is called for it. */
bool jit_host_lowers(const struct rv64_insn *in);
/* The host code, a line an instruction, addresses counted from its begin. */
void jit_dump_host(FILE *out, const struct rv64_jit *j, const uint8_t *code, size_t size);

#endif
