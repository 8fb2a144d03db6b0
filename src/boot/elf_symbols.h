/* SPDX-License-Identifier: MIT */
/* Looks up symbols of an ELF64 file: by name, and functions by address. */
#ifndef BOOT_ELF_SYMBOLS_H
#define BOOT_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct elf_symbol {
	const char *name;
	bool found;
	uint64_t value; /* as linked */
};

/* Fills in found and value of each of the n symbols. A file that is no ELF, is packed, or whose
 * symbol table is missing or damaged has none: only programs want them, loading does not. `option`
 * names the file in messages. 0, or -errno with the text in e when it cannot be read. One thread.
 */
int elf_find_symbols(const char *option, const char *path, struct elf_symbol *want, unsigned n,
		     struct err *e);

#define ELF_FUNCTION_NAME 64u
#define ELF_FUNCTION_CODE 16u

struct elf_function {
	bool found;
	char name[ELF_FUNCTION_NAME]; /* cut, if longer */
	uint64_t start;               /* as linked */
	uint8_t code[ELF_FUNCTION_CODE];
	size_t n_code; /* bytes that it begins with, in code; fewer if it is shorter, or has none */
};

/* The function that has `addr` in it; for the rest as above. */
int elf_function_at(const char *option, const char *path, uint64_t addr, struct elf_function *out,
		    struct err *e);

#endif
