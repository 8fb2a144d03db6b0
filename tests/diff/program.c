/* SPDX-License-Identifier: MIT */
/*
 * How a program is laid out: see program.h. Addresses of records are known before any code is
 * written, so that there is nothing to relocate.
 *
 * The common routines that load and store the registers take the record's anchor and their return
 * address in two registers. A case cannot observe writes to these, so there are two sets of
 * routines with different ones, used in turn.
 */
#include "program.h"

#include <elf.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

#define FIRST_RECORD 2048u /* in the image: its anchor is at the beginning of a page */
#define ROUNDS_AT    1024u /* in the image: the rounds still to do */

#define RA 1u
#define A0 10u
#define A1 11u
#define A2 12u
#define A7 17u

struct reserved program_reserved(uint64_t number)
{
	return number & 1 ? (struct reserved){.anchor = 4, .link = 3}
			  : (struct reserved){.anchor = 31, .link = 30};
}

struct record *program_record(const struct program *p, unsigned i)
{
	return (struct record *)(void *)(p->image + FIRST_RECORD + (size_t)i * RECORD_SIZE);
}

uint64_t program_anchor(const struct program *p, unsigned i)
{
	return PROGRAM_BASE + FIRST_RECORD + RECORD_ANCHOR + (uint64_t)i * RECORD_SIZE;
}

uint64_t program_pc(const struct program *p)
{
	return PROGRAM_BASE + p->size;
}

static void grow(struct program *p, size_t by)
{
	if (by <= p->capacity - p->size)
		return;
	while (by > p->capacity - p->size)
		p->capacity *= 2;
	p->image = realloc(p->image, p->capacity);
	if (!p->image)
		err(1, "a program of %zu bytes", p->capacity);
}

void program_add(struct program *p, uint32_t bits)
{
	size_t len = (bits & 3) == 3 ? 4 : 2;

	grow(p, len);
	memcpy(p->image + p->size, &bits, len);
	p->size += len;
}

void program_fill_to(struct program *p, uint64_t pc)
{
	size_t len = pc - program_pc(p);

	grow(p, len);
	memset(p->image + p->size, 0, len);
	p->size += len;
}

/* reg = address, for an address in the program. */
static void add_address(struct program *p, unsigned reg, uint64_t address)
{
	uint32_t off = (uint32_t)(address - program_pc(p));

	program_add(p, enc_u(OP_AUIPC, reg, off + 0x800));
	program_add(p, enc_i(OP_ADDI, reg, reg, (int)(off & 0xfff)));
}

static void add_jump(struct program *p, unsigned link, unsigned scratch, uint64_t target)
{
	uint32_t off = (uint32_t)(target - program_pc(p));

	program_add(p, enc_u(OP_AUIPC, scratch, off + 0x800));
	program_add(p, enc_i(OP_JALR, link, scratch, (int)(off & 0xfff)));
}

static void add_load(struct program *p, struct reserved r)
{
	program_add(p, enc_i(OP_LD, RA, r.anchor, FROM_ANCHOR(in.fcsr)));
	program_add(p, enc_i(OP_CSRRW, 0, RA, CSR_FCSR));
	for (unsigned i = 0; i < 32; i++)
		program_add(p, enc_i(OP_FLD, i, r.anchor, FROM_ANCHOR(in.f) + 8 * (int)i));
	for (unsigned i = 1; i < 32; i++)
		if (i != r.anchor && i != r.link)
			program_add(p, enc_i(OP_LD, i, r.anchor, FROM_ANCHOR(in.x) + 8 * (int)i));
	program_add(p, enc_i(OP_JALR, 0, r.link, 0));
}

static void add_save(struct program *p, struct reserved r)
{
	for (unsigned i = 1; i < 32; i++)
		if (i != r.anchor && i != r.link)
			program_add(p, enc_s(OP_SD, r.anchor, i, FROM_ANCHOR(out.x) + 8 * (int)i));
	for (unsigned i = 0; i < 32; i++)
		program_add(p, enc_s(OP_FSD, r.anchor, i, FROM_ANCHOR(out.f) + 8 * (int)i));
	program_add(p, enc_i(OP_CSRRS, RA, 0, CSR_FCSR));
	program_add(p, enc_s(OP_SD, r.anchor, RA, FROM_ANCHOR(out.fcsr)));
	program_add(p, enc_i(OP_JALR, 0, r.link, 0));
}

void program_init(struct program *p, uint64_t first, unsigned n)
{
	/* The code begins behind the page that the last record ends in. */
	size_t code = (FIRST_RECORD + (size_t)n * RECORD_SIZE + 4095) & ~(size_t)4095;

	*p = (struct program){.first = first, .n_cases = n, .size = code, .capacity = 2 * code};
	p->image = calloc(1, p->capacity);
	p->begin = calloc(n, sizeof(*p->begin));
	p->end = calloc(n, sizeof(*p->end));
	if (!p->image || !p->begin || !p->end)
		err(1, "a program of %u cases", n);
	p->image[ROUNDS_AT] = PROGRAM_ROUNDS;
	for (unsigned kind = 0; kind < 2; kind++) {
		p->load[kind] = program_pc(p);
		add_load(p, program_reserved(kind));
		p->save[kind] = program_pc(p);
		add_save(p, program_reserved(kind));
	}
	p->entry = program_pc(p);
}

void program_fini(struct program *p)
{
	free(p->image);
	free(p->begin);
	free(p->end);
}

void program_case_begin(struct program *p, unsigned i)
{
	struct reserved r = program_reserved(p->first + i);

	add_address(p, r.anchor, program_anchor(p, i));
	add_jump(p, r.link, r.link, p->load[(p->first + i) & 1]);
	p->begin[i] = program_pc(p);
}

void program_case_end(struct program *p, unsigned i)
{
	struct reserved r = program_reserved(p->first + i);

	p->end[i] = program_pc(p);
	add_jump(p, r.link, r.link, p->save[(p->first + i) & 1]);
}

static void add_header(struct program *p)
{
	Elf64_Ehdr head = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_RISCV,
		.e_version = EV_CURRENT,
		.e_entry = p->entry,
		.e_phoff = sizeof(head),
		.e_flags = EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE,
		.e_ehsize = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W | PF_X,
		.p_vaddr = PROGRAM_BASE,
		.p_paddr = PROGRAM_BASE,
		.p_filesz = p->size,
		.p_memsz = p->size,
		.p_align = 4096,
	};

	memcpy(p->image, &head, sizeof(head));
	memcpy(p->image + sizeof(head), &segment, sizeof(segment));
}

void program_finish(struct program *p)
{
	unsigned t0 = 5;

	/* a0 = write(1, records, n * RECORD_SIZE) was short */
	program_add(p, enc_i(OP_ADDI, A0, 0, 1));
	add_address(p, A1, PROGRAM_BASE + FIRST_RECORD);
	program_add(p, enc_u(OP_LUI, A2, p->n_cases * RECORD_SIZE));
	program_add(p, enc_i(OP_ADDI, A7, 0, 64));
	program_add(p, OP_ECALL);
	program_add(p, OP_SUB | A0 << 7 | A0 << 15 | A2 << 20);
	program_add(p, OP_SLTU | A0 << 7 | A0 << 20);
	/* A short write or the last round: exit. Else once more from the first case. */
	program_add(p, OP_BNE | A0 << 15 | enc_offset_b(36));
	add_address(p, t0, PROGRAM_BASE + ROUNDS_AT);
	program_add(p, enc_i(OP_LD, A1, t0, 0));
	program_add(p, enc_i(OP_ADDI, A1, A1, -1));
	program_add(p, enc_s(OP_SD, t0, A1, 0));
	program_add(p, OP_BEQ | A1 << 15 | enc_offset_b(12));
	add_jump(p, 0, t0, p->entry);
	program_add(p, enc_i(OP_ADDI, A7, 0, 93));
	program_add(p, OP_ECALL);
	add_header(p);
}
