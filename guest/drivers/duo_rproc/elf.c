// SPDX-License-Identifier: GPL-2.0
/*
 * ELF files for the small core: 64 bits, little-endian, RISC-V, at fixed addresses. Segments go to
 * their physical addresses. Nothing of a file is believed, and nothing is written before all of it
 * has been looked at.
 */
#include <linux/elf.h>
#include <linux/ioport.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "rproc.h"

/* Whether the bytes from offset on are in the file. */
static bool in_file(const struct firmware *fw, u64 offset, u64 len)
{
	return offset <= fw->size && len <= fw->size - offset;
}

/* The file lies in memory at a page's begin; its parts may lie anywhere. */
static void segment_at(const struct firmware *fw, unsigned int i, Elf64_Phdr *p)
{
	const Elf64_Ehdr *e = (const void *)fw->data;

	memcpy(p, fw->data + e->e_phoff + i * sizeof(*p), sizeof(*p));
}

static void section_at(const struct firmware *fw, unsigned int i, Elf64_Shdr *s)
{
	const Elf64_Ehdr *e = (const void *)fw->data;

	memcpy(s, fw->data + e->e_shoff + i * sizeof(*s), sizeof(*s));
}

static int check_header(struct duo_rproc *r, const struct firmware *fw)
{
	const Elf64_Ehdr *e = (const void *)fw->data;

	if (fw->size >= SELFMAG && memcmp(e->e_ident, ELFMAG, SELFMAG))
		return duo_refuse(r, -ENOEXEC, "is no ELF file");
	if (fw->size < sizeof(*e))
		return duo_refuse(r, -ENODATA, "ends within its header");
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_ident[EI_DATA] != ELFDATA2LSB ||
	    e->e_machine != EM_RISCV)
		return duo_refuse(r, -ENOEXEC,
				  "is for another architecture: class %u, order %u, machine %u",
				  e->e_ident[EI_CLASS], e->e_ident[EI_DATA], e->e_machine);
	if (e->e_type != ET_EXEC || (e->e_phnum && e->e_phentsize != sizeof(Elf64_Phdr)) ||
	    (e->e_shnum && e->e_shentsize != sizeof(Elf64_Shdr)))
		return duo_refuse(r, -ENOEXEC, "is no program");
	if (!in_file(fw, e->e_phoff, (u64)e->e_phnum * sizeof(Elf64_Phdr)) ||
	    !in_file(fw, e->e_shoff, (u64)e->e_shnum * sizeof(Elf64_Shdr)))
		return duo_refuse(r, -ENODATA, "ends within its tables");
	return 0;
}

static int check_place(struct duo_rproc *r, u64 da, u64 len)
{
	const struct duo_memory *m = &r->rtos;
	u64 end = m->base + m->size;

	if (duo_memory_at(m, da, len))
		return 0;
	if (da >= m->base && da < end)
		return duo_refuse(r, -EFBIG,
				  "is too large: 0x%llx bytes at 0x%llx, where 0x%llx are", len, da,
				  end - da);
	if (region_intersects(da, len, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) != REGION_DISJOINT)
		return duo_refuse(r, -EADDRINUSE, "overlaps Linux' memory at 0x%llx", da);
	return duo_refuse(r, -ENXIO, "wants memory at 0x%llx, which is not the core's", da);
}

static int check_segment(struct duo_rproc *r, const struct firmware *fw, const Elf64_Phdr *p)
{
	u64 end;

	if (p->p_filesz > p->p_memsz || check_add_overflow(p->p_paddr, p->p_memsz, &end))
		return duo_refuse(r, -ENOEXEC, "has a segment of no sense at 0x%llx", p->p_paddr);
	if (!in_file(fw, p->p_offset, p->p_filesz))
		return duo_refuse(r, -ENODATA, "ends within the segment at 0x%llx", p->p_paddr);
	return check_place(r, p->p_paddr, p->p_memsz);
}

int duo_elf_check(struct duo_rproc *r, const struct firmware *fw)
{
	const Elf64_Ehdr *e = (const void *)fw->data;
	bool begins = false;
	int ret = check_header(r, fw);

	for (unsigned int i = 0; !ret && i < e->e_phnum; i++) {
		Elf64_Phdr p;

		segment_at(fw, i, &p);
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		ret = check_segment(r, fw, &p);
		begins |= e->e_entry >= p.p_paddr && e->e_entry - p.p_paddr < p.p_filesz;
	}
	if (!ret && !begins)
		ret = duo_refuse(r, -ENOEXEC, "begins at 0x%llx, which it does not fill",
				 e->e_entry);
	return ret;
}

u64 duo_elf_load(struct duo_rproc *r, const struct firmware *fw)
{
	const Elf64_Ehdr *e = (const void *)fw->data;

	for (unsigned int i = 0; i < e->e_phnum; i++) {
		Elf64_Phdr p;
		void *to;

		segment_at(fw, i, &p);
		to = duo_memory_at(&r->rtos, p.p_paddr, p.p_memsz);
		if (p.p_type != PT_LOAD || !p.p_memsz || !to)
			continue;
		memcpy(to, fw->data + p.p_offset, p.p_filesz);
		memset(to + p.p_filesz, 0, p.p_memsz - p.p_filesz);
	}
	return e->e_entry;
}

int duo_elf_section(struct duo_rproc *r, const struct firmware *fw, const char *name,
		    const u8 **data, u32 *size, u64 *da)
{
	const Elf64_Ehdr *e = (const void *)fw->data;
	Elf64_Shdr names, s;

	if (e->e_shstrndx >= e->e_shnum)
		return -ENOENT;
	section_at(fw, e->e_shstrndx, &names);
	if (!in_file(fw, names.sh_offset, names.sh_size))
		return duo_refuse(r, -ENODATA, "ends within its sections' names");
	for (unsigned int i = 0; i < e->e_shnum; i++) {
		section_at(fw, i, &s);
		if (s.sh_name >= names.sh_size || names.sh_size - s.sh_name <= strlen(name) ||
		    memcmp(fw->data + names.sh_offset + s.sh_name, name, strlen(name) + 1))
			continue;
		if (!in_file(fw, s.sh_offset, s.sh_size) || s.sh_size > U32_MAX)
			return duo_refuse(r, -ENODATA, "ends within %s", name);
		*data = fw->data + s.sh_offset;
		*size = s.sh_size;
		*da = s.sh_addr;
		return 0;
	}
	return -ENOENT;
}
