/* SPDX-License-Identifier: MIT */
/*
 * Loads a kernel or a firmware into guest memory. What a file is, its content says:
 * - a RISC-V Linux Image (Documentation/arch/riscv/boot-image-header.rst), with or without an EFI
 *   stub, is placed at RAM + its text_offset;
 * - ELF64 for RISC-V is placed at its physical addresses, or, when it can run anywhere and is not
 *   linked for this RAM (a kernel at virtual addresses, a position-independent program), at `at`;
 * - either packed with gzip or zstd, or an Image so packed in the wrapper of Linux's EFI_ZBOOT;
 * - where `flat` allows it, anything that is no known format is code, placed and entered at `at`.
 * Nothing is executed and no memory is kept. One thread, while nothing runs.
 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct gmem;

enum image_kind { IMAGE_LINUX, IMAGE_ELF, IMAGE_FLAT };

struct image_request {
	const char *option; /* names the file in messages: "--kernel" */
	const char *path;
	uint64_t ram_base; /* where the RAM region begins that gets it */
	uint64_t at;       /* where code goes that does not say where */
	bool flat;         /* a file of no known format is a flat binary */
};

struct image {
	enum image_kind kind;
	bool packed;
	uint64_t entry;      /* guest physical address */
	uint64_t start, end; /* what it occupies, with its bss */
	uint64_t moved;      /* ELF: what was added to each address it is linked at */
};

/* 0, or -errno with the text in e: missing, unreadable, empty, truncated, damaged, for another
 * architecture, of unknown format, or too large for the RAM. */
int image_load(const struct gmem *m, const struct image_request *r, struct image *out,
	       struct err *e);

/* For loaders: the message "too large", with the size of RAM that [.., end) needs. */
int image_too_large(const char *option, const char *path, uint64_t ram_base, uint64_t end,
		    struct err *e);

#endif
