/* SPDX-License-Identifier: MIT */
/* Host instructions as text, by libcapstone. */
#ifndef CPU_RV64_JIT_HOST_TEXT_H
#define CPU_RV64_JIT_HOST_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct host_text;

struct host_insn {
	size_t len;
	char mnemonic[32];
	char operands[160]; /* places in the code as 0x..., counted from `at` 0 */
};

/* Loads the library. NULL: it is not there, or this was built without its header. */
struct host_text *host_text_new(void);
void host_text_free(struct host_text *t);

/* The instruction at code[at], of which `left` bytes are there. What is none becomes a byte. */
void host_text_next(struct host_text *t, const uint8_t *code, size_t at, size_t left,
		    struct host_insn *out);

#endif
