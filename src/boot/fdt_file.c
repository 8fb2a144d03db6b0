/* SPDX-License-Identifier: MIT */
/*
 * libfdt trusts a tree that fdt_check_full() has walked once from end to end, so nothing else is
 * asked of a blob before that. What is written then goes to a larger copy.
 *
 * A blob often comes from --dump-dtb of another run. That its RAM is not that of this run is the
 * one mistake which a guest could not report: it would die before it has a console.
 */
#include "boot/fdt_file.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"

#define VERSION     17u /* what dtc makes; libfdt 1.6.1 stumbles over names in those before 16 */
#define HEADER_SIZE 40u
#define MAGIC       0xd00dfeedu
/* For names and lengths of the properties that are added, and for boot loaders, as in fdt.c. */
#define SLACK       4096u

/* Whether `blob` is a tree that libfdt may work on. */
static int check(const char *path, const void *blob, size_t len, struct err *e)
{
	int ret;

	if (!len)
		return err_set(e, -ENODATA, "--dtb %s: is empty", path);
	if (len < sizeof(uint32_t) || fdt_magic(blob) != MAGIC)
		return err_set(e, -ENOEXEC,
			       "--dtb %s: is no device tree blob; dtc -O dtb makes one of a source",
			       path);
	if (len < HEADER_SIZE || fdt_totalsize(blob) > len)
		return err_set(
			e, -ENOEXEC,
			"--dtb %s: is truncated: it has %zu bytes, less than its header says", path,
			len);
	if (fdt_version(blob) < VERSION)
		return err_set(e, -ENOEXEC,
			       "--dtb %s: is of the old version %" PRIu32
			       "; `dtc -I dtb -O dtb` makes one of version 17 of it",
			       path, fdt_version(blob));
	ret = fdt_check_full(blob, len);
	if (ret)
		return err_set(e, -ENOEXEC, "--dtb %s: is damaged: %s", path, fdt_strerror(ret));
	return 0;
}

static uint64_t number(const fdt32_t *cells, int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 32 | fdt32_ld(cells++);
	return v;
}

/* One memory node: pairs of address and size. */
static int check_memory(const struct fdt_file_request *r, const void *blob, int node, struct err *e)
{
	int n_addr = fdt_address_cells(blob, 0), n_size = fdt_size_cells(blob, 0), len;
	const fdt32_t *reg = fdt_getprop(blob, node, "reg", &len);

	if (n_addr < 1 || n_addr > 2 || n_size < 1 || n_size > 2)
		return err_set(e, -ENOEXEC,
			       "--dtb %s: #address-cells and #size-cells of the root have to be 1 "
			       "or 2",
			       r->path);
	if (!reg || r->set_memory)
		return 0;
	for (int left = len / 4; left >= n_addr + n_size; left -= n_addr + n_size) {
		uint64_t base = number(reg, n_addr), size = number(reg + n_addr, n_size);

		if (base < r->ram_base || base - r->ram_base > r->ram_size ||
		    size > r->ram_size - (base - r->ram_base))
			return err_set(e, -ERANGE,
				       "--dtb %s: names %" PRIu64 " MiB of RAM at 0x%" PRIx64
				       ", but there are %" PRIu64 " at 0x%" PRIx64
				       "; give the --mem that it was made for",
				       r->path, size >> 20, base, r->ram_size >> 20, r->ram_base);
		reg += n_addr + n_size;
	}
	return 0;
}

static int check_memories(const struct fdt_file_request *r, const void *blob, struct err *e)
{
	int ret = 0;

	for (int node = -1; !ret;) {
		node = fdt_node_offset_by_prop_value(blob, node, "device_type", "memory",
						     (int)sizeof("memory"));
		if (node < 0)
			break;
		ret = check_memory(r, blob, node, e);
	}
	return ret;
}

/* A damaged tree may have it twice. */
static int delete_property(void *tree, int node, const char *name)
{
	int ret;

	do {
		ret = fdt_delprop(tree, node, name);
	} while (!ret);
	return ret == -FDT_ERR_NOTFOUND ? 0 : ret;
}

/* The first memory node gets all the RAM; others, which a board does not have, would be left. */
static int write_memory(const struct fdt_file_request *r, void *tree)
{
	int n_addr = fdt_address_cells(tree, 0), n_size = fdt_size_cells(tree, 0);
	int node = fdt_node_offset_by_prop_value(tree, -1, "device_type", "memory",
						 (int)sizeof("memory"));
	uint64_t values[] = {r->ram_base, r->ram_size};
	fdt32_t cells[4];
	int n = 0;

	if (!r->set_memory)
		return 0;
	if (node < 0)
		return node;
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		if ((i ? n_size : n_addr) == 2)
			fdt32_st(&cells[n++], (uint32_t)(values[i] >> 32));
		else if (values[i] >> 32)
			return -FDT_ERR_BADVALUE;
		fdt32_st(&cells[n++], (uint32_t)values[i]);
	}
	return fdt_setprop(tree, node, "reg", cells, n * 4);
}

static int write_initrd(const struct fdt_file_request *r, void *tree, int chosen)
{
	int ret;

	if (r->initrd_start != r->initrd_end) {
		ret = fdt_setprop_u64(tree, chosen, "linux,initrd-start", r->initrd_start);
		return ret ? ret : fdt_setprop_u64(tree, chosen, "linux,initrd-end", r->initrd_end);
	}
	ret = delete_property(tree, chosen, "linux,initrd-start");
	return ret ? ret : delete_property(tree, chosen, "linux,initrd-end");
}

/* 0 or an error of libfdt's. */
static int write_chosen(const struct fdt_file_request *r, void *tree)
{
	int chosen = fdt_path_offset(tree, "/chosen");
	int ret = 0;

	if (chosen == -FDT_ERR_NOTFOUND)
		chosen = fdt_add_subnode(tree, 0, "chosen");
	if (chosen < 0)
		return chosen;
	if (r->bootargs)
		ret = fdt_setprop(tree, chosen, "bootargs", r->bootargs,
				  (int)strlen(r->bootargs) + 1);
	if (!ret)
		ret = write_initrd(r, tree, chosen);
	if (!ret)
		ret = fdt_setprop(tree, chosen, "rng-seed", r->rng_seed, (int)r->rng_seed_len);
	return ret;
}

static int too_large(const struct fdt_file_request *r, struct err *e)
{
	return err_set(e, -E2BIG,
		       "--dtb %s: is too large: %zu bytes are its room, with the kernel line and "
		       "4 KiB to spare",
		       r->path, r->size_max);
}

int fdt_file_load(const struct fdt_file_request *r, void **out, size_t *len, struct err *e)
{
	size_t blob_len, size;
	void *tree = NULL;
	uint8_t *blob;
	int ret = fd_read_file(r->path, r->size_max, &blob, &blob_len);

	if (ret == -EFBIG)
		return too_large(r, e);
	if (ret)
		return err_set(e, ret, "--dtb %s: cannot be read: %s", r->path, strerror(-ret));
	ret = check(r->path, blob, blob_len, e);
	if (!ret)
		ret = check_memories(r, blob, e);
	if (ret)
		goto out;
	size = blob_len + (r->bootargs ? strlen(r->bootargs) : 0) + r->rng_seed_len + SLACK;
	if (size > r->size_max) {
		ret = too_large(r, e);
		goto out;
	}
	tree = calloc(1, size);
	if (!tree) {
		ret = err_set(e, -ENOMEM, "--dtb %s: out of memory", r->path);
		goto out;
	}
	ret = fdt_open_into(blob, tree, (int)size);
	if (!ret)
		ret = write_memory(r, tree);
	if (!ret)
		ret = write_chosen(r, tree);
	if (ret) {
		ret = err_set(e, -ENOEXEC, "--dtb %s: it cannot be completed: %s", r->path,
			      fdt_strerror(ret));
		goto out;
	}
	*out = tree;
	*len = size;
	tree = NULL;
out:
	free(tree);
	free(blob);
	return ret;
}
