/* SPDX-License-Identifier: MIT */
/*
 * Prints every row of insn.def with random operands, twice: as an assembler's .insn line and,
 * behind a tab, as our disassembler has it at the address where it then lies. [COUNT-PER-ROW]
 *
 * Operands stay within what GNU's tools take for the instruction: they call reserved fields that a
 * hart has to ignore no instruction.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/rv64/csr_names.h"
#include "cpu/rv64/disasm.h"

static uint64_t seed = 1;

static uint32_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static uint32_t without_reserved(unsigned id, uint32_t bits)
{
	switch (id) {
	case RV64_fence:
		/* rd, rs1 and fm are 0; never with the second set empty, which may be pause. */
		if (next_random() % 8 == 0)
			return 0x8330000f; /* fence.tso */
		bits &= 0x0ff0707f;
		return bits >> 20 & 15 ? bits : bits | 0x00100000;
	case RV64_fence_i: return rv64_insn_info[id].match;
	case RV64_fcvt_d_w:
	case RV64_fcvt_d_wu:
	case RV64_fcvt_d_s: return bits & ~0x7000u; /* exact, written with mode 0 */
	default: return bits;
	}
}

/* GNU knows CSRs of harts that have more than this one. */
static uint32_t with_known_csr(uint32_t bits)
{
	char name[RV64_CSR_NAME];

	while (!rv64_csr_name(bits >> 20, name))
		bits = (bits & 0xfffff) | (next_random() & 0xfff00000);
	return bits;
}

/* Not all bit patterns are the row's: some are reserved or those of a more special row. */
static void print_row(uint32_t match, uint32_t mask, unsigned id, uint64_t *pc)
{
	uint32_t bits = match | (next_random() & ~mask);
	char text[RV64_DISASM_MAX];
	struct rv64_insn in;

	if ((match & 3) == 3)
		bits = without_reserved(id, bits);
	else
		bits &= 0xffff;
	if ((match & 0x7f) == 0x73 && match & 0x3000)
		bits = with_known_csr(bits);
	rv64_decode(bits, &in);
	if (in.id != id)
		return;
	rv64_disasm(&in, *pc, text);
	printf(".insn %u, 0x%x\t%s\n", in.len, bits, text);
	*pc += in.len;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
	uint64_t pc = 0;

	for (unsigned id = 0; id < RV64_ILLEGAL_INSN; id++)
		for (unsigned i = 0; i < n; i++)
			print_row(rv64_insn_info[id].match, rv64_insn_info[id].mask, id, &pc);
	for (unsigned k = 0; k < rv64_n_cinsns; k++)
		for (unsigned i = 0; i < n; i++)
			print_row(rv64_cinsn_info[k].match, rv64_cinsn_info[k].mask,
				  rv64_cinsn_info[k].id, &pc);
	return EXIT_SUCCESS;
}
