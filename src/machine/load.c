/* SPDX-License-Identifier: MIT */
/*
 * What is in RAM when the first instruction runs:
 *
 *	base   [2 MiB]  kernel or firmware   initrd ...          device tree   end
 *
 * The device tree sits at the very end, where nothing that grows can reach it. With the built-in
 * SBI one hart starts, in S mode at the kernel's entry, and the kernel starts the others (SBI 2.0,
 * HSM); firmware finds all harts at its entry in M mode, as after a power-on reset.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "boot/image.h"
#include "boot/initrd.h"
#include "cpu/cpu.h"
#include "machine/board.h"
#include "mem/gmem.h"

/* A kernel takes the rest of the 2 MiB page that its end is in, for its own protection bits. */
#define KERNEL_ALIGN 0x200000u

static int load_main_image(struct machine *m, struct image *image, struct err *e)
{
	uint64_t base = m->cfg.type->ram_base;

	if (m->cfg.firmware)
		return image_load(m->mem, base, "--firmware", m->cfg.firmware, image, e);
	return image_load(m->mem, base, "--kernel", m->cfg.kernel, image, e);
}

static int start_harts(struct machine *m, uint64_t entry, uint64_t dtb)
{
	unsigned n = m->cfg.firmware ? m->cfg.smp : 1;
	int ret = 0;

	for (unsigned i = 0; i < n && !ret; i++)
		ret = m->cfg.engine->start(m->vm->cpu[i], entry, dtb);
	return ret;
}

int machine_load(struct machine *m, const struct load_plan *plan, struct err *e)
{
	uint64_t end = m->cfg.type->ram_base + m->cfg.mem;
	uint64_t dtb_addr = end - plan->dtb_max;
	uint64_t initrd_start = 0, initrd_end = 0;
	struct image image;
	int ret = load_main_image(m, &image, e);

	if (ret)
		return ret;
	if (image.end > dtb_addr)
		return image_too_large(m->cfg.firmware ? "--firmware" : "--kernel",
				       m->cfg.firmware ? m->cfg.firmware : m->cfg.kernel,
				       m->cfg.type->ram_base, image.end + plan->dtb_max, e);
	if (m->cfg.n_initrds)
		ret = initrd_load(m->mem, align_up(image.end, KERNEL_ALIGN), dtb_addr,
				  m->cfg.initrd, m->cfg.n_initrds, &initrd_start, &initrd_end, e);
	if (!ret)
		ret = plan->make_dtb(m, initrd_start, initrd_end, e);
	if (ret)
		return ret;
	if (m->dtb_len > plan->dtb_max)
		return err_set(e, -E2BIG,
			       "the device tree has %zu bytes and %" PRIu64 " are its room; "
			       "shorten --append",
			       m->dtb_len, plan->dtb_max);
	memcpy(gmem_map(m->mem, dtb_addr, m->dtb_len), m->dtb, m->dtb_len);
	ret = start_harts(m, image.entry, dtb_addr);
	if (ret)
		err_set(e, ret, "a hart did not start: %s", strerror(-ret));
	return ret;
}
