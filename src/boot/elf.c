/* SPDX-License-Identifier: MIT */
/*
 * The program headers decide; sections and symbols are not looked at.
 *
 * A kernel's ELF (vmlinux) is linked at virtual addresses, and its physical ones begin at 0 or
 * repeat the virtual ones: neither is RAM. It runs wherever it is put as long as that is a multiple
 * of 2 MiB, so it goes where its Image would go. It is recognised by an entry in the upper half of
 * the address space. A position-independent firmware is linked at 0 and is moved likewise; it
 * relocates itself.
 */
#include "boot/elf.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "boot/image.h"
#include "boot/image_source.h"
#include "mem/gmem.h"

#define MAX_HEADERS 64

struct segment {
	uint64_t offset, filesz, memsz;
	uint64_t vaddr;
	uint64_t addr; /* where it goes */
};

struct elf {
	uint64_t entry;
	bool pie;
	unsigned n;
	struct segment seg[MAX_HEADERS];
};

struct machine_name {
	unsigned id;
	const char *name;
};

static const struct machine_name machine_names[] = {
	{EM_X86_64, "x86-64"},  {EM_386, "32-bit x86"}, {EM_AARCH64, "arm64"},
	{EM_ARM, "32-bit arm"}, {EM_PPC64, "ppc64"},    {EM_S390, "s390"},
	{EM_MIPS, "MIPS"},      {258, "LoongArch"},
};

bool elf_detect(const uint8_t *head, size_t len)
{
	return len >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG);
}

static int damaged(const struct image_source *s, const char *why, struct err *e)
{
	return err_set(e, -ENOEXEC, "%s %s: is a damaged ELF file: %s; get it again", s->option,
		       s->path, why);
}

static int wrong_machine(const struct image_source *s, unsigned machine, struct err *e)
{
	for (unsigned i = 0; i < ARRAY_SIZE(machine_names); i++)
		if (machine_names[i].id == machine)
			return err_set(e, -ENOEXEC,
				       "%s %s: is ELF for %s; one for 64-bit RISC-V is wanted",
				       s->option, s->path, machine_names[i].name);
	return err_set(e, -ENOEXEC,
		       "%s %s: is ELF for machine number %u; one for 64-bit RISC-V is wanted",
		       s->option, s->path, machine);
}

static int check_header(const struct image_source *s, const Elf64_Ehdr *h, struct err *e)
{
	unsigned machine = le16toh(h->e_machine);

	if (h->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(e, -ENOEXEC,
			       "%s %s: is big-endian ELF; one for 64-bit RISC-V is wanted",
			       s->option, s->path);
	if (machine != EM_RISCV)
		return wrong_machine(s, machine, e);
	if (h->e_ident[EI_CLASS] != ELFCLASS64)
		return err_set(e, -ENOEXEC, "%s %s: is for 32-bit RISC-V; build it for 64 bits",
			       s->option, s->path);
	if (le16toh(h->e_type) != ET_EXEC && le16toh(h->e_type) != ET_DYN)
		return err_set(e, -ENOEXEC,
			       "%s %s: is an ELF object or module, no program; link it", s->option,
			       s->path);
	if (le16toh(h->e_phentsize) != sizeof(Elf64_Phdr))
		return damaged(s, "its program headers have an odd size", e);
	if (!h->e_phnum || le16toh(h->e_phnum) > MAX_HEADERS)
		return damaged(s, "it has no program headers, or far too many", e);
	return 0;
}

static int read_exactly(struct image_source *s, uint64_t offset, void *buf, size_t len,
			struct err *e)
{
	size_t got;
	int err = image_source_read(s, offset, buf, len, &got, e);

	if (!err && got < len)
		err = err_set(e, -EINVAL,
			      "%s %s: is truncated: it ends before byte %" PRIu64 "; get it again",
			      s->option, s->path, offset + len);
	return err;
}

/* Fills in elf with the loadable segments, addr being their physical address. */
static int read_segments(struct image_source *s, const Elf64_Ehdr *h, struct elf *elf,
			 struct err *e)
{
	Elf64_Phdr ph[MAX_HEADERS];
	unsigned n = le16toh(h->e_phnum);
	int err = read_exactly(s, le64toh(h->e_phoff), ph, n * sizeof(ph[0]), e);

	if (err)
		return err;
	for (unsigned i = 0; i < n; i++) {
		struct segment *seg = &elf->seg[elf->n];

		if (le32toh(ph[i].p_type) != PT_LOAD || !ph[i].p_memsz)
			continue;
		seg->offset = le64toh(ph[i].p_offset);
		seg->filesz = le64toh(ph[i].p_filesz);
		seg->memsz = le64toh(ph[i].p_memsz);
		seg->vaddr = le64toh(ph[i].p_vaddr);
		seg->addr = le64toh(ph[i].p_paddr);
		if (seg->filesz > seg->memsz || seg->offset + seg->filesz < seg->offset)
			return damaged(s, "a segment's sizes contradict each other", e);
		elf->n++;
	}
	elf->entry = le64toh(h->e_entry);
	elf->pie = le16toh(h->e_type) == ET_DYN;
	return elf->n ? 0 : damaged(s, "it has nothing to load", e);
}

/* Moves what can run anywhere into RAM, if it is not there. By how much, is the result. */
static uint64_t place(struct elf *elf, const struct image_request *r)
{
	uint64_t lowest = UINT64_MAX;

	for (unsigned i = 0; i < elf->n; i++)
		lowest = min_u64(lowest, elf->seg[i].addr);
	if (!(elf->entry >> 63) && !elf->pie)
		return 0;
	if (lowest >= r->ram_base && !(lowest >> 63))
		return 0;
	for (unsigned i = 0; i < elf->n; i++)
		elf->seg[i].addr += r->at - lowest;
	return r->at - lowest;
}

/* The physical address of the entry; -ENOEXEC when it is in no segment. */
static int find_entry(const struct elf *elf, uint64_t *entry)
{
	for (unsigned i = 0; i < elf->n; i++) {
		if (elf->entry - elf->seg[i].addr < elf->seg[i].memsz) {
			*entry = elf->entry;
			return 0;
		}
	}
	for (unsigned i = 0; i < elf->n; i++) {
		if (elf->entry - elf->seg[i].vaddr < elf->seg[i].memsz) {
			*entry = elf->entry - elf->seg[i].vaddr + elf->seg[i].addr;
			return 0;
		}
	}
	return -ENOEXEC;
}

static int load_segment(const struct gmem *m, uint64_t ram_base, struct image_source *s,
			const struct segment *seg, struct err *e)
{
	void *host = gmem_map(m, seg->addr, seg->memsz);
	int err;

	if (!host && seg->addr >= ram_base && seg->addr + seg->memsz > seg->addr &&
	    seg->addr - ram_base + seg->memsz < 1ull << 40)
		return image_too_large(s->option, s->path, ram_base, seg->addr + seg->memsz, e);
	if (!host)
		return err_set(e, -ENOEXEC,
			       "%s %s: a segment at 0x%" PRIx64
			       " lies outside of the RAM at 0x%" PRIx64
			       "; link it for this machine",
			       s->option, s->path, seg->addr, ram_base);
	err = read_exactly(s, seg->offset, host, seg->filesz, e);
	if (err)
		return err;
	gmem_note_write(m, seg->addr, seg->filesz);
	if (seg->memsz > seg->filesz)
		err = gmem_zero(m, seg->addr + seg->filesz, seg->memsz - seg->filesz);
	return err;
}

int elf_load(const struct gmem *m, const struct image_request *r, struct image_source *s,
	     struct image *out, struct err *e)
{
	struct elf elf = {0};
	Elf64_Ehdr h;
	int err;

	if (s->head_len < sizeof(h))
		return damaged(s, "it is shorter than its header", e);
	memcpy(&h, s->head, sizeof(h));
	err = check_header(s, &h, e);
	if (!err)
		err = read_segments(s, &h, &elf, e);
	if (err)
		return err;
	out->moved = place(&elf, r);
	out->kind = IMAGE_ELF;
	out->start = UINT64_MAX;
	for (unsigned i = 0; i < elf.n; i++) {
		err = load_segment(m, r->ram_base, s, &elf.seg[i], e);
		if (err)
			return err;
		out->start = min_u64(out->start, elf.seg[i].addr);
		out->end = max_u64(out->end, elf.seg[i].addr + elf.seg[i].memsz);
	}
	if (find_entry(&elf, &out->entry))
		return damaged(s, "its entry lies in no segment", e);
	return 0;
}
