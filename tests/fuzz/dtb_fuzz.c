/* SPDX-License-Identifier: MIT */
/* Device tree blobs of any content: what is accepted is a whole tree, holds what was to be written,
 * and leaves libfdt nothing to stumble over. */
#include <libfdt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "boot/fdt_file.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const void *tree, size_t len, const struct fdt_file_request *r)
{
	int chosen, n = 0;

	require(len <= r->size_max && !fdt_check_full(tree, len));
	chosen = fdt_path_offset(tree, "/chosen");
	require(chosen >= 0);
	require(!strcmp(fdt_getprop(tree, chosen, "bootargs", &n), r->bootargs));
	require(!!fdt_getprop(tree, chosen, "linux,initrd-end", &n) ==
		(r->initrd_start != r->initrd_end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[32];
	int fd = memfd_create("dtb", MFD_CLOEXEC);
	struct err e = {0};
	char path[32];
	size_t len;
	void *tree;

	require(fd >= 0 && !fd_write_all(fd, data, size));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (unsigned initrd = 0; initrd < 2; initrd++) {
		const struct fdt_file_request r = {.path = path,
						   .size_max = 0x10000,
						   .ram_base = 0x80000000,
						   .ram_size = 0x10000000,
						   .bootargs = "console=ttyS0",
						   .initrd_start = 0x81000000,
						   .initrd_end = 0x81000000 + initrd,
						   .rng_seed = seed,
						   .rng_seed_len = sizeof(seed)};

		if (fdt_file_load(&r, &tree, &len, &e)) {
			require(e.text[0] != 0);
			continue;
		}
		check(tree, len, &r);
		free(tree);
	}
	close(fd);
	return 0;
}
