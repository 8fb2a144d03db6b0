/* SPDX-License-Identifier: MIT */
/* ELF files made by hand: two segments, every field in turn wrong. */
#include "boot_test.h"

#include <elf.h>

struct sample {
	Elf64_Ehdr h;
	Elf64_Phdr ph[3];
	uint8_t text[0x1000], data[0x800];
};

static void make(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->h.e_ident, ELFMAG, SELFMAG);
	s->h.e_ident[EI_CLASS] = ELFCLASS64;
	s->h.e_ident[EI_DATA] = ELFDATA2LSB;
	s->h.e_ident[EI_VERSION] = EV_CURRENT;
	s->h.e_type = ET_EXEC;
	s->h.e_machine = EM_RISCV;
	s->h.e_entry = RAM_BASE + 0x10;
	s->h.e_phoff = offsetof(struct sample, ph);
	s->h.e_phentsize = sizeof(Elf64_Phdr);
	s->h.e_phnum = 3;
	s->ph[0].p_type = PT_RISCV_ATTRIBUTES;
	s->ph[0].p_memsz = 1ull << 60; /* not to be loaded, so of no matter */
	s->ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
				.p_offset = offsetof(struct sample, text),
				.p_vaddr = RAM_BASE,
				.p_paddr = RAM_BASE,
				.p_filesz = sizeof(s->text),
				.p_memsz = sizeof(s->text)};
	s->ph[2] = (Elf64_Phdr){.p_type = PT_LOAD,
				.p_offset = offsetof(struct sample, data),
				.p_vaddr = RAM_BASE + 0x2000,
				.p_paddr = RAM_BASE + 0x2000,
				.p_filesz = sizeof(s->data),
				.p_memsz = sizeof(s->data) + 0x3000};
	memset(s->text, 0x11, sizeof(s->text));
	memset(s->data, 0x22, sizeof(s->data));
}

static int load(struct fixture *f, const struct sample *s, struct image *img)
{
	return load_file(f, "--kernel", write_file(f, s, sizeof(*s)), img);
}

static void test_load(void **state)
{
	struct fixture *f = *state;
	uint8_t *ram = gmem_map(f->m, RAM_BASE, RAM_SIZE);
	struct sample s;
	struct image img;

	memset(ram, 0xee, 0x8000);
	make(&s);
	assert_int_equal(load(f, &s, &img), 0);
	assert_int_equal(img.kind, IMAGE_ELF);
	assert_int_equal(img.entry, RAM_BASE + 0x10);
	assert_int_equal(img.start, RAM_BASE);
	assert_int_equal(img.end, RAM_BASE + 0x2000 + 0x3800);
	assert_memory_equal(ram, s.text, sizeof(s.text));
	assert_int_equal(ram[0x1000], 0xee);
	assert_memory_equal(ram + 0x2000, s.data, sizeof(s.data));
	for (unsigned i = 0x2800; i < 0x5800; i++)
		assert_int_equal(ram[i], 0);
	assert_int_equal(ram[0x5800], 0xee);

	/* Linked to run elsewhere than it is loaded: the entry is where its bytes are. */
	s.ph[1].p_vaddr = 0x1000;
	s.h.e_entry = 0x1020;
	assert_int_equal(load(f, &s, &img), 0);
	assert_int_equal(img.entry, RAM_BASE + 0x20);
}

static void test_virtual_kernel(void **state)
{
	struct fixture *f = *state;
	const uint64_t link = 0xffffffff80000000;
	struct sample s;
	struct image img;

	make(&s);
	s.ph[1].p_vaddr = link;
	s.ph[2].p_vaddr = link + 0x2000;
	s.h.e_entry = link;
	for (unsigned i = 0; i < 2; i++) { /* physical addresses from 0, or the virtual ones */
		s.ph[1].p_paddr = i ? link : 0;
		s.ph[2].p_paddr = s.ph[1].p_paddr + 0x2000;
		assert_int_equal(load(f, &s, &img), 0);
		assert_int_equal(img.entry, RAM_BASE + 0x200000);
		assert_int_equal(img.start, RAM_BASE + 0x200000);
		assert_memory_equal(gmem_map(f->m, RAM_BASE + 0x202000, 0x800), s.data, 0x800);
	}
	s.ph[1].p_paddr = RAM_BASE; /* it says where it wants to be */
	s.ph[2].p_paddr = RAM_BASE + 0x2000;
	assert_int_equal(load(f, &s, &img), 0);
	assert_int_equal(img.entry, RAM_BASE);
}

/* Linked at 0, it goes where code without an address goes; linked for the RAM, it stays. */
static void test_independent(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	struct image img;

	make(&s);
	s.h.e_type = ET_DYN;
	assert_int_equal(load(f, &s, &img), 0);
	assert_int_equal(img.start, RAM_BASE);
	assert_int_equal(img.moved, 0);
	s.ph[1].p_paddr = s.ph[1].p_vaddr = 0;
	s.ph[2].p_paddr = s.ph[2].p_vaddr = 0x2000;
	s.h.e_entry = 0x10;
	assert_int_equal(load(f, &s, &img), 0);
	assert_int_equal(img.start, RAM_BASE + 0x200000);
	assert_int_equal(img.entry, RAM_BASE + 0x200010);
	assert_int_equal(img.moved, RAM_BASE + 0x200000);
	assert_memory_equal(gmem_map(f->m, RAM_BASE + 0x202000, 0x800), s.data, 0x800);
}

static void refused(struct fixture *f, const struct sample *s, const char *says)
{
	struct image img;

	f->e.text[0] = 0;
	assert_true(load(f, s, &img) < 0);
	assert_says(f, "--kernel /tmp/linnet-test-");
	assert_says(f, says);
}

static void test_header(void **state)
{
	static const struct {
		unsigned machine;
		const char *says;
	} others[] = {{EM_X86_64, "x86-64"}, {EM_AARCH64, "arm64"}, {999, "machine number 999"}};
	struct fixture *f = *state;
	struct sample s;

	for (unsigned i = 0; i < 3; i++) {
		make(&s);
		s.h.e_machine = (Elf64_Half)others[i].machine;
		refused(f, &s, others[i].says);
	}
	make(&s);
	s.h.e_ident[EI_CLASS] = ELFCLASS32;
	refused(f, &s, "32-bit");
	make(&s);
	s.h.e_ident[EI_DATA] = ELFDATA2MSB;
	refused(f, &s, "big-endian");
	make(&s);
	s.h.e_type = ET_REL;
	refused(f, &s, "object or module");
	make(&s);
	s.h.e_phentsize = 32;
	refused(f, &s, "odd size");
	make(&s);
	s.h.e_phnum = 0;
	refused(f, &s, "no program headers");
	s.h.e_phnum = 65;
	refused(f, &s, "far too many");
	make(&s);
	s.h.e_phoff = -8ull;
	refused(f, &s, "truncated");
	make(&s);
	s.ph[1].p_type = s.ph[2].p_type = PT_NOTE;
	refused(f, &s, "nothing to load");
	make(&s);
	s.h.e_entry = RAM_BASE + 0x1000;
	refused(f, &s, "entry");
}

static void test_segments(void **state)
{
	struct fixture *f = *state;
	struct sample s;

	make(&s);
	s.ph[1].p_paddr = 0x1000;
	refused(f, &s, "0x1000 lies outside of the RAM");
	make(&s);
	s.ph[1].p_memsz = RAM_SIZE + 1;
	refused(f, &s, "--mem 17M");
	s.ph[1].p_memsz = -RAM_BASE;
	refused(f, &s, "outside");
	s.ph[1].p_memsz = -1ull;
	refused(f, &s, "outside");
	make(&s);
	s.ph[1].p_memsz = s.ph[1].p_filesz - 1;
	refused(f, &s, "contradict");
	make(&s);
	s.ph[1].p_offset = -1ull;
	refused(f, &s, "contradict");
	make(&s);
	s.ph[2].p_offset++;
	refused(f, &s, "truncated");
	s.ph[2].p_offset = 1ull << 62;
	refused(f, &s, "truncated");
}

static void test_short(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	struct image img;

	make(&s);
	for (size_t len = 4; len < sizeof(s); len += len < 300 ? 7 : 500) {
		assert_true(load_file(f, "--kernel", write_file(f, &s, len), &img) < 0);
		assert_true(strstr(f->e.text, "truncated") || strstr(f->e.text, "shorter"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_load),   TEST(test_virtual_kernel), TEST(test_independent),
		TEST(test_header), TEST(test_segments),       TEST(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
