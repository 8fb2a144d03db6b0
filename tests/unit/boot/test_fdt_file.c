/* SPDX-License-Identifier: MIT */
/* Device tree blobs of the user's: what is written into /chosen, and what is refused. */
#include "boot_test.h"

#include <libfdt.h>

#include "boot/fdt.h"
#include "boot/fdt_file.h"

#define ROOM 0x4000u

static const uint8_t seed[8] = "chance!";

static struct fdt_file_request request(const char *path)
{
	return (struct fdt_file_request){.path = path,
					 .size_max = ROOM,
					 .ram_base = RAM_BASE,
					 .ram_size = RAM_SIZE,
					 .bootargs = "quiet",
					 .initrd_start = 0x81000000,
					 .initrd_end = 0x81002000,
					 .rng_seed = seed,
					 .rng_seed_len = sizeof(seed)};
}

struct shape {
	bool chosen;
	uint32_t address_cells;
	uint64_t ram_base, ram_size;
};

/* A tree with a `/thing`, and the rest as `s` says. */
static const char *write_tree(struct fixture *f, const struct shape *s)
{
	struct fdt_builder b;
	const char *path;
	size_t len;
	void *dtb;

	fdtb_init(&b);
	fdtb_begin(&b, "%s", "");
	fdtb_u32(&b, "#address-cells", s->address_cells);
	fdtb_u32(&b, "#size-cells", s->address_cells);
	fdtb_begin(&b, "thing");
	fdtb_string(&b, "status", "okay");
	fdtb_end(&b);
	if (s->chosen) {
		fdtb_begin(&b, "chosen");
		fdtb_string(&b, "bootargs", "a line that is longer than the new one");
		fdtb_string(&b, "stdout-path", "/thing");
		fdtb_u32(&b, "linux,initrd-start", 1);
		fdtb_u32(&b, "linux,initrd-end", 2);
		fdtb_end(&b);
	}
	fdtb_begin(&b, "memory@1");
	fdtb_string(&b, "device_type", "memory");
	if (s->address_cells == 1)
		fdtb_u64(&b, "reg", s->ram_base << 32 | s->ram_size);
	else
		fdtb_reg(&b, s->ram_base, s->ram_size);
	fdtb_end(&b);
	fdtb_end(&b);
	assert_int_equal(fdtb_finish(&b, &dtb, &len), 0);
	path = write_file(f, dtb, len);
	free(dtb);
	return path;
}

static const void *chosen(const void *tree, const char *name)
{
	return fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), name, NULL);
}

static void test_completed(void **state)
{
	struct fixture *f = *state;
	struct shape s = {.chosen = true, .address_cells = 2, RAM_BASE, RAM_SIZE};
	struct fdt_file_request r = request(write_tree(f, &s));
	size_t len;
	void *tree;

	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), 0);
	assert_int_equal(fdt_check_full(tree, len), 0);
	assert_string_equal(chosen(tree, "bootargs"), "quiet");
	assert_string_equal(chosen(tree, "stdout-path"), "/thing");
	assert_int_equal(fdt64_ld(chosen(tree, "linux,initrd-start")), 0x81000000);
	assert_int_equal(fdt64_ld(chosen(tree, "linux,initrd-end")), 0x81002000);
	assert_memory_equal(chosen(tree, "rng-seed"), seed, sizeof(seed));
	assert_true(fdt_path_offset(tree, "/thing") > 0);
	free(tree);

	/* Nothing of a run before is left when there is no initial RAM disk; bootargs may stay. */
	r.initrd_end = r.initrd_start;
	r.bootargs = NULL;
	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), 0);
	assert_null(chosen(tree, "linux,initrd-start"));
	assert_null(chosen(tree, "linux,initrd-end"));
	assert_non_null(strstr(chosen(tree, "bootargs"), "longer"));
	free(tree);

	s.chosen = false;
	r = request(write_tree(f, &s));
	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), 0);
	assert_string_equal(chosen(tree, "bootargs"), "quiet");
	free(tree);
}

/* The tree's memory becomes that of this run, in cells as wide as the tree's. */
static void test_set_memory(void **state)
{
	struct fixture *f = *state;
	struct shape s = {.address_cells = 1, 0x1000, 0x2000};
	struct fdt_file_request r = request(write_tree(f, &s));
	const fdt32_t *cells;
	size_t len;
	void *tree;

	r.set_memory = true;
	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), 0);
	cells = fdt_getprop(tree, fdt_path_offset(tree, "/memory@1"), "reg", NULL);
	assert_int_equal(fdt32_ld(cells), RAM_BASE);
	assert_int_equal(fdt32_ld(cells + 1), RAM_SIZE);
	free(tree);

	r.ram_size = 1ull << 32; /* more than a cell holds */
	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), -ENOEXEC);
	s.address_cells = 2;
	r.path = write_tree(f, &s);
	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), 0);
	cells = fdt_getprop(tree, fdt_path_offset(tree, "/memory@1"), "reg", NULL);
	assert_int_equal(fdt64_ld((const fdt64_t *)cells + 1), 1ull << 32);
	free(tree);
}

static void test_memory(void **state)
{
	static const struct {
		struct shape s;
		int want;
	} cases[] = {
		{{.address_cells = 2, RAM_BASE, RAM_SIZE}, 0},
		{{.address_cells = 1, RAM_BASE, RAM_SIZE}, 0},
		{{.address_cells = 2, RAM_BASE + 4096, RAM_SIZE - 4096}, 0},
		{{.address_cells = 2, RAM_BASE, RAM_SIZE + 1}, -ERANGE},
		{{.address_cells = 2, RAM_BASE - 1, 1}, -ERANGE},
		{{.address_cells = 2, RAM_BASE, UINT64_MAX}, -ERANGE},
		{{.address_cells = 2, UINT64_MAX, 2}, -ERANGE},
		{{.address_cells = 1, 0, 1}, -ERANGE},
		{{.address_cells = 3, RAM_BASE, RAM_SIZE}, -ENOEXEC},
		{{.address_cells = 0, RAM_BASE, RAM_SIZE}, -ENOEXEC},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fdt_file_request r = request(write_tree(f, &cases[i].s));
		void *tree = NULL;
		size_t len;

		assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), cases[i].want);
		free(tree);
		if (cases[i].want == -ERANGE)
			assert_says(f, "--mem");
	}
}

static void refuse(struct fixture *f, const void *data, size_t len, const char *why)
{
	struct fdt_file_request r = request(write_file(f, data, len));
	void *tree;
	size_t tree_len;

	assert_true(fdt_file_load(&r, &tree, &tree_len, &f->e) < 0);
	assert_says(f, "--dtb /tmp/linnet-test-");
	assert_says(f, why);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct shape s = {.chosen = true, .address_cells = 2, RAM_BASE, RAM_SIZE};
	static uint8_t large[ROOM + 1];
	struct fdt_file_request r = request("/nonexistent");
	uint8_t *blob, *bad;
	size_t len;
	void *tree;

	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), -ENOENT);
	assert_says(f, "--dtb /nonexistent: cannot be read");
	r = request(write_tree(f, &s));
	assert_int_equal(fd_read_file(f->path, 65536, &blob, &len), 0);
	bad = malloc(len);
	assert_non_null(bad);

	refuse(f, "", 0, "is empty");
	refuse(f, "\xd0\x0d", 2, "is no device tree blob");
	refuse(f, "/dts-v1/; / { };", 16, "dtc -O dtb");
	refuse(f, blob, 39, "is truncated");
	refuse(f, blob, len - 1, "is truncated");
	refuse(f, large, sizeof(large), "is too large");
	refuse(f, large, ROOM, "is no device tree blob");
	memcpy(bad, blob, len);
	memset(bad + fdt_off_dt_struct(blob), 0xff, 8);
	refuse(f, bad, len, "is damaged");
	memcpy(bad, blob, len);
	memset(bad + 8, 0xff, 4); /* where the nodes begin */
	refuse(f, bad, len, "is damaged");
	memcpy(bad, blob, len);
	fdt_set_version(bad, 7);
	refuse(f, bad, len, "is of the old version 7");

	/* With what is added it would not fit. */
	r = request(write_file(f, blob, len));
	r.size_max = len;
	assert_int_equal(fdt_file_load(&r, &tree, &len, &f->e), -E2BIG);
	assert_says(f, "is too large");
	free(bad);
	free(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_completed), TEST(test_set_memory),
					   TEST(test_memory), TEST(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
