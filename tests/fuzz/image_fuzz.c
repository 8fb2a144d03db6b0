/* SPDX-License-Identifier: MIT */
/* Kernel and firmware files of any content: the loaders keep within the file and within RAM, and
 * what they accept they describe truthfully. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "boot/elf_symbols.h"
#include "boot/image.h"
#include "require.h"
#include "mem/gmem.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE 0x400000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(const char *path, bool flat)
{
	const struct image_request r = {.option = "--kernel",
					.path = path,
					.ram_base = RAM_BASE,
					.at = RAM_BASE + RAM_SIZE / 2,
					.flat = flat};
	struct elf_symbol symbol = {.name = "tohost"};
	struct image image;
	struct gmem *m;
	struct err e = {0};

	require(!gmem_new(&m) && !gmem_add_ram(m, RAM_BASE, RAM_SIZE));
	if (image_load(m, &r, &image, &e)) {
		require(e.text[0] != 0);
	} else {
		require(image.start >= RAM_BASE && image.start < image.end);
		require(image.end <= RAM_BASE + RAM_SIZE);
		require(image.entry >= image.start && image.entry < image.end);
	}
	if (elf_find_symbols("--kernel", path, &symbol, 1, &e))
		require(e.text[0] != 0);
	gmem_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	int fd = memfd_create("image", MFD_CLOEXEC);

	require(fd >= 0 && !fd_write_all(fd, data, size));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	load(path, false);
	load(path, true);
	close(fd);
	return 0;
}
