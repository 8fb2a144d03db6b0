/* SPDX-License-Identifier: MIT */
/* A reservation without an address ("reg") is placed by the kernel, and unknown here. */
#include "machine/windows.h"

#include <errno.h>
#include <libfdt.h>

#include "base/bits.h"

int windows_add(struct windows *w, uint64_t start, uint64_t end)
{
	if (start >= end)
		return -EINVAL;
	if (w->n == WINDOWS_MAX)
		return -ENOSPC;
	w->range[w->n].start = start;
	w->range[w->n++].end = end;
	return 0;
}

static uint64_t number(const fdt32_t *cells, int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 32 | fdt32_ld(cells++);
	return v;
}

void windows_add_reserved(struct windows *w, const void *dtb)
{
	int parent = fdt_path_offset(dtb, "/reserved-memory"), node, len;
	int n_addr = parent < 0 ? 0 : fdt_address_cells(dtb, parent);
	int n_size = parent < 0 ? 0 : fdt_size_cells(dtb, parent);

	if (n_addr < 1 || n_addr > 2 || n_size < 1 || n_size > 2)
		return;
	fdt_for_each_subnode(node, dtb, parent)
	{
		const fdt32_t *reg = fdt_getprop(dtb, node, "reg", &len);

		if (!reg)
			continue;
		for (int left = len / 4; left >= n_addr + n_size; left -= n_addr + n_size) {
			uint64_t start = number(reg, n_addr);

			(void)windows_add(w, start, start + number(reg + n_addr, n_size));
			reg += n_addr + n_size;
		}
	}
}

bool windows_have_page(const struct windows *w, uint64_t addr)
{
	uint64_t page = align_down(addr, WINDOWS_PAGE);

	for (unsigned i = 0; i < w->n; i++)
		if (w->range[i].start < page + WINDOWS_PAGE && w->range[i].end > page)
			return true;
	return false;
}
