/* SPDX-License-Identifier: MIT */
/* A repeatable run has the same seed each time. */
#include "machine/board_fdt.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "boot/fdt.h"
#include "boot/fdt_file.h"
#include "machine/board.h"

#define FIXED_SEED_BYTE 0x4c

int board_fdt_init(struct board_fdt *b, const struct machine *m, uint64_t initrd_start,
		   uint64_t initrd_end, struct err *e)
{
	*b = (struct board_fdt){.ram_base = m->cfg.type->ram_base,
				.ram_size = m->cfg.mem,
				.bootargs = m->cfg.append,
				.initrd_start = initrd_start,
				.initrd_end = initrd_end};
	if (m->cfg.counted_time)
		memset(b->rng_seed, FIXED_SEED_BYTE, sizeof(b->rng_seed));
	else if (getrandom(b->rng_seed, sizeof(b->rng_seed), 0) != sizeof(b->rng_seed))
		return err_set(e, -EIO, "the host gives no random numbers for the guest's seed");
	return 0;
}

int board_fdt_load(const struct board_fdt *b, struct machine *m, size_t size_max, bool set_memory,
		   struct err *e)
{
	const struct fdt_file_request r = {.path = m->cfg.dtb,
					   .size_max = size_max,
					   .ram_base = b->ram_base,
					   .ram_size = b->ram_size,
					   .set_memory = set_memory,
					   .bootargs = b->bootargs,
					   .initrd_start = b->initrd_start,
					   .initrd_end = b->initrd_end,
					   .rng_seed = b->rng_seed,
					   .rng_seed_len = sizeof(b->rng_seed)};

	return fdt_file_load(&r, &m->dtb, &m->dtb_len, e);
}

void board_fdt_aliases(struct fdt_builder *t, const char *console)
{
	fdtb_begin(t, "aliases");
	fdtb_string(t, "serial0", console);
}

void board_fdt_chosen(struct fdt_builder *t, const struct board_fdt *b, const char *console)
{
	fdtb_begin(t, "chosen");
	fdtb_string(t, "stdout-path", console);
	if (b->bootargs)
		fdtb_string(t, "bootargs", b->bootargs);
	if (b->initrd_start != b->initrd_end) {
		fdtb_u64(t, "linux,initrd-start", b->initrd_start);
		fdtb_u64(t, "linux,initrd-end", b->initrd_end);
	}
	fdtb_bytes(t, "rng-seed", b->rng_seed, sizeof(b->rng_seed));
	fdtb_end(t);

	fdtb_begin(t, "memory@%llx", (unsigned long long)b->ram_base);
	fdtb_string(t, "device_type", "memory");
	fdtb_reg(t, b->ram_base, b->ram_size);
	fdtb_end(t);
}

void board_fdt_device(struct fdt_builder *t, const char *name, uint64_t base, uint64_t size,
		      const char *compatible, size_t compatible_len)
{
	fdtb_begin(t, "%s@%llx", name, (unsigned long long)base);
	fdtb_bytes(t, "compatible", compatible, compatible_len);
	fdtb_reg(t, base, size);
}
