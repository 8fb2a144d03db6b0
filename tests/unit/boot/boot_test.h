/* SPDX-License-Identifier: MIT */
/* What the tests of this folder share: files made by hand, and a guest memory to load them into. */
#ifndef BOOT_TEST_H
#define BOOT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/fd.h"
#include "boot/image.h"
#include "mem/gmem.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE 0x1000000ull /* 16 MiB */

struct fixture {
	struct gmem *m;
	struct err e;
	char dir[32];
	char path[64];  /* the file of the last write_file() */
	char path2[64]; /* the one before */
};

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || gmem_new(&f->m) || gmem_add_ram(f->m, RAM_BASE, RAM_SIZE))
		return -1;
	strcpy(f->dir, "/tmp/linnet-test-XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	if (f->path[0])
		unlink(f->path);
	if (f->path2[0])
		unlink(f->path2);
	gmem_free(f->m);
	if (rmdir(f->dir))
		return -1;
	free(f);
	return 0;
}

/* Keeps two files: the one before the last is forgotten when a third is written. */
static inline const char *write_file(struct fixture *f, const void *data, size_t len)
{
	static const char names[] = "ab";
	char name = names[f->path[0] && f->path[strlen(f->path) - 1] == 'a'];
	FILE *file;

	memcpy(f->path2, f->path, sizeof(f->path2));
	snprintf(f->path, sizeof(f->path), "%s/%c", f->dir, name);
	file = fopen(f->path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	return f->path;
}

/* As the machine does: code without an address goes 2 MiB into RAM, and only a firmware may be
 * flat. */
static inline int load_file(struct fixture *f, const char *option, const char *path,
			    struct image *img)
{
	const struct image_request r = {.option = option,
					.path = path,
					.ram_base = RAM_BASE,
					.at = RAM_BASE + 0x200000,
					.flat = !strcmp(option, "--firmware")};

	return image_load(f->m, &r, img, &f->e);
}

static inline void assert_says(const struct fixture *f, const char *text)
{
	if (!strstr(f->e.text, text))
		fail_msg("\"%s\" does not say \"%s\"", f->e.text, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
