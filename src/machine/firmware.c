/* SPDX-License-Identifier: MIT */
/*
 * What real firmware and bare-metal programs find besides the board: all harts at the entry in M
 * mode as after a power-on reset, with the register contents that QEMU's boards and the M-mode
 * firmwares in use have agreed on; and HTIF, for programs that have its symbols.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/elf_symbols.h"
#include "boot/image.h"
#include "cpu/cpu.h"
#include "hw/htif.h"
#include "machine/board.h"
#include "mem/gmem.h"

#define INFO_MAGIC   0x4942534fu /* "OSBI" */
#define INFO_VERSION 2u
#define INFO_MODE_S  1u
#define REG_A0       10

/* The boot hart is 0, on which our own SBI starts a kernel as well. */
void firmware_info(struct machine *m, uint64_t addr, uint64_t next)
{
	uint8_t info[FIRMWARE_INFO_SIZE] = {0};

	le64_store(info, INFO_MAGIC);
	le64_store(info + 8, INFO_VERSION);
	le64_store(info + 16, next);
	le64_store(info + 24, INFO_MODE_S);
	memcpy(gmem_map(m->mem, addr, sizeof(info)), info, sizeof(info));
}

static size_t print(void *arg, const uint8_t *buf, size_t len)
{
	return machine_console_write(arg, buf, len);
}

static void program_ended(void *arg, uint64_t status)
{
	if (status)
		machine_end(arg, MACHINE_FAILED, (unsigned)min_u64(status, UINT_MAX));
	else
		machine_end(arg, MACHINE_POWEROFF, 0);
}

int firmware_htif(struct machine *m, const struct image *image, struct err *e)
{
	struct elf_symbol sym[] = {{.name = "tohost"}, {.name = "fromhost"}};
	struct htif_config cfg = {
		.loop = m->loop, .mem = m->mem, .write = print, .exit = program_ended, .arg = m};
	int ret = elf_find_symbols("--firmware", m->cfg.firmware, sym, ARRAY_SIZE(sym), e);

	if (ret || !sym[0].found)
		return ret;
	cfg.tohost = sym[0].value + image->moved;
	if (sym[1].found)
		cfg.fromhost = sym[1].value + image->moved;
	ret = htif_new(&cfg, &m->htif);
	if (ret == -EINVAL)
		return err_set(e, ret,
			       "--firmware %s: its tohost at 0x%" PRIx64
			       " and fromhost at 0x%" PRIx64
			       " must lie in RAM at multiples of 8; align them, or strip the file",
			       m->cfg.firmware, cfg.tohost, cfg.fromhost);
	return ret ? err_set(e, ret, "out of memory") : 0;
}

int firmware_start(struct machine *m, uint64_t entry, uint64_t dtb, uint64_t info)
{
	const struct cpu_engine *engine = m->cfg.engine;
	struct cpu_regs regs; /* of the reset state, but for what follows */

	for (unsigned i = 0; i < m->cfg.smp; i++) {
		struct cpu *cpu = m->vm->cpu[i];
		int ret = engine->start(cpu, entry, dtb);

		if (ret)
			return ret;
		engine->get_regs(cpu, &regs);
		regs.pc = entry;
		regs.x[REG_A0] = i;
		regs.x[REG_A0 + 1] = dtb;
		regs.x[REG_A0 + 2] = info;
		engine->set_regs(cpu, &regs);
	}
	return 0;
}
