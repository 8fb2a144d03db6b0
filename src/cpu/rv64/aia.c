/* SPDX-License-Identifier: MIT */
/*
 * sireg stands for the register that siselect names. Of those, the priorities of major interrupts
 * are all zero here and cannot be changed, so stopi follows the standard order; the others belong
 * to the interrupt file. Interrupts arrive there at any time, so its bits change by masks.
 */
#include "cpu/rv64/aia.h"

#include "cpu/rv64/csr.h"
#include "cpu/rv64/hart.h"

/* siselect */
#define SELECT_MASK 0xfffu
#define IPRIO_FIRST 0x30u
#define IPRIO_LAST  0x3fu
#define FILE_FIRST  0x70u
#define ARRAY_FIRST 0x80u
#define FILE_LAST   0xffu

static bool is_iprio(uint64_t select)
{
	return select >= IPRIO_FIRST && select <= IPRIO_LAST;
}

/* Where XLEN is 64, arrays of 32-bit words have only their even registers. */
static bool is_register(uint64_t select)
{
	if (is_iprio(select) || (select >= ARRAY_FIRST && select <= FILE_LAST))
		return select % 2 == 0;
	return select >= FILE_FIRST && select < ARRAY_FIRST;
}

static bool is_there(const struct rv64_hart *h, unsigned num)
{
	return h->cpu.vm->cfg.imsic && (num != CSR_SIREG || is_register(h->csr.siselect));
}

static uint64_t change_register(struct rv64_hart *h, uint64_t clear, uint64_t set)
{
	const struct cpu_vm_config *cfg = &h->cpu.vm->cfg;

	if (is_iprio(h->csr.siselect))
		return 0;
	return cfg->imsic->change(cfg->imsic_arg, h->cpu.id, (unsigned)h->csr.siselect, clear, set);
}

static uint64_t top_external(struct rv64_hart *h, bool claim)
{
	const struct cpu_vm_config *cfg = &h->cpu.vm->cfg;

	return cfg->imsic->top(cfg->imsic_arg, h->cpu.id, claim);
}

/* The major interrupt that S mode would take, if it took any; all have priority 1. */
static uint64_t top(struct rv64_hart *h)
{
	int irq = rv64_interrupt_first(rv64_mip(h) & h->csr.mie & h->csr.mideleg);

	return irq < 0 ? 0 : (uint64_t)irq << 16 | 1;
}

int rv64_aia_read(struct rv64_hart *h, unsigned num, uint64_t *value)
{
	if (!is_there(h, num))
		return -1;
	switch (num) {
	case CSR_SISELECT: *value = h->csr.siselect; return 0;
	case CSR_SIREG: *value = change_register(h, 0, 0); return 0;
	case CSR_STOPEI: *value = top_external(h, false); return 0;
	case CSR_STOPI: *value = top(h); return 0;
	default: return -1;
	}
}

int rv64_aia_change(struct rv64_hart *h, unsigned num, uint64_t clear, uint64_t set, uint64_t *old)
{
	uint64_t before;

	if (!is_there(h, num))
		return -1;
	switch (num) {
	case CSR_SISELECT:
		before = h->csr.siselect;
		h->csr.siselect = ((before & ~clear) | set) & SELECT_MASK;
		break;
	case CSR_SIREG: before = change_register(h, clear, set); break;
	case CSR_STOPEI: before = top_external(h, true); break; /* whatever is written */
	default: return -1;
	}
	if (old)
		*old = before;
	return 0;
}
