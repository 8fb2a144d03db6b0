/* SPDX-License-Identifier: MIT */
/* Loads an ELF64 file for RISC-V into guest memory; see image_load(), which calls it. */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct gmem;
struct image;
struct image_request;
struct image_source;

/* Whether a file that begins so is ELF of any kind. */
bool elf_detect(const uint8_t *head, size_t len);

/* Fills in all of *out but `packed`. 0, or -errno with the text in e. */
int elf_load(const struct gmem *m, const struct image_request *r, struct image_source *s,
	     struct image *out, struct err *e);

#endif
