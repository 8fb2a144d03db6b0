/* SPDX-License-Identifier: MIT */
/*
 * What is in RAM when the first instruction runs:
 *
 *	base  firmware  [2 MiB]  kernel   initrd ...     device tree   firmware's info   end
 *
 * The device tree sits at the end, where nothing that grows can reach it. With the built-in SBI one
 * hart starts, in S mode at the kernel's entry, and the kernel starts the others (SBI 2.0, HSM).
 * Firmware is entered by all harts in M mode, and goes on to the kernel by itself, if there is one.
 *
 * A firmware may put things of its own behind the kernel: OpenSBI's fw_jump moves the device tree
 * to 34 MiB. So the initial RAM disk lies further up then, where QEMU and U-Boot have it too.
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
#define KERNEL_ALIGN  0x200000u
#define KERNEL_OFFSET 0x200000u
/* With firmware: here, or in the middle of RAM if that is less, but behind that device tree. */
#define INITRD_OFFSET 0x8000000u
#define INITRD_LEAST  0x2400000u

static int too_large(struct machine *m, const struct image *image, const struct load_plan *plan,
		     bool firmware, struct err *e)
{
	return image_too_large(firmware ? "--firmware" : "--kernel",
			       firmware ? m->cfg.firmware : m->cfg.kernel, m->cfg.type->ram_base,
			       image->end + plan->dtb_max, e);
}

static int load_firmware(struct machine *m, const struct load_plan *plan, uint64_t room_end,
			 struct image *image, struct err *e)
{
	const struct image_request r = {.option = "--firmware",
					.path = m->cfg.firmware,
					.ram_base = m->cfg.type->ram_base,
					.at = m->cfg.type->ram_base,
					.flat = true};
	int ret = image_load(m->mem, &r, image, e);

	if (ret)
		return ret;
	if (image->end > room_end)
		return too_large(m, image, plan, true, e);
	return firmware_htif(m, image, e);
}

/* What a firmware goes on to may be anything, so a flat binary is fine then. */
static int load_kernel(struct machine *m, const struct load_plan *plan, uint64_t room_end,
		       struct image *image, struct err *e)
{
	const struct image_request r = {.option = "--kernel",
					.path = m->cfg.kernel,
					.ram_base = m->cfg.type->ram_base,
					.at = m->cfg.type->ram_base + KERNEL_OFFSET,
					.flat = m->cfg.firmware};
	int ret = image_load(m->mem, &r, image, e);

	return ret || image->end <= room_end ? ret : too_large(m, image, plan, false, e);
}

static int load_images(struct machine *m, const struct load_plan *plan, uint64_t room_end,
		       struct image *firmware, struct image *kernel, struct err *e)
{
	int ret = 0;

	if (m->cfg.firmware)
		ret = load_firmware(m, plan, room_end, firmware, e);
	if (!ret && m->cfg.kernel)
		ret = load_kernel(m, plan, room_end, kernel, e);
	if (!ret && firmware->start < kernel->end && kernel->start < firmware->end)
		return err_set(e, -EEXIST,
			       "--kernel %s: lies at 0x%" PRIx64 " to 0x%" PRIx64
			       ", where --firmware %s is; link one of them for another address",
			       m->cfg.kernel, kernel->start, kernel->end, m->cfg.firmware);
	return ret;
}

/* From where on the initial RAM disk may lie. */
static uint64_t initrd_from(const struct machine *m, uint64_t images_end)
{
	uint64_t from = align_up(images_end, KERNEL_ALIGN);
	uint64_t offset = min_u64(m->cfg.mem / 2, INITRD_OFFSET);

	if (!m->cfg.firmware)
		return from;
	if (m->cfg.kernel)
		offset = max_u64(offset, INITRD_LEAST);
	return max_u64(from, m->cfg.type->ram_base + offset);
}

static int place_dtb(struct machine *m, uint64_t addr, uint64_t room, struct err *e)
{
	if (m->dtb_len > room)
		return err_set(e, -E2BIG,
			       "the device tree has %zu bytes and %" PRIu64 " are its room; "
			       "shorten --append",
			       m->dtb_len, room);
	memcpy(gmem_map(m->mem, addr, m->dtb_len), m->dtb, m->dtb_len);
	return 0;
}

static int start_harts(struct machine *m, const struct image *firmware, const struct image *kernel,
		       uint64_t dtb, uint64_t info)
{
	if (!m->cfg.firmware)
		return m->cfg.engine->start(m->vm->cpu[0], kernel->entry, dtb);
	firmware_info(m, info, kernel->entry);
	return firmware_start(m, firmware->entry, dtb, info);
}

int machine_load(struct machine *m, const struct load_plan *plan, struct err *e)
{
	uint64_t end = plan->end ? plan->end : m->cfg.type->ram_base + m->cfg.mem;
	uint64_t dtb_addr = end - plan->dtb_max;
	uint64_t info_addr = end - FIRMWARE_INFO_SIZE;
	uint64_t initrd_start = 0, initrd_end = 0;
	struct image firmware = {0}, kernel = {0};
	int ret = load_images(m, plan, dtb_addr, &firmware, &kernel, e);

	if (!ret && m->cfg.n_initrds)
		ret = initrd_load(m->mem, initrd_from(m, max_u64(firmware.end, kernel.end)),
				  dtb_addr, m->cfg.initrd, m->cfg.n_initrds, &initrd_start,
				  &initrd_end, e);
	if (!ret)
		ret = plan->make_dtb(m, initrd_start, initrd_end, e);
	if (!ret)
		ret = place_dtb(m, dtb_addr, info_addr - dtb_addr, e);
	if (ret)
		return ret;
	ret = start_harts(m, &firmware, &kernel, dtb_addr, info_addr);
	if (ret)
		err_set(e, ret, "a hart did not start: %s", strerror(-ret));
	return ret;
}
