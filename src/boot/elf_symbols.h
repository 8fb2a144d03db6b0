/* SPDX-License-Identifier: MIT */
/* Looks up symbols of an ELF64 file by name. */
#ifndef BOOT_ELF_SYMBOLS_H
#define BOOT_ELF_SYMBOLS_H

#include <stdbool.h>
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

#endif
