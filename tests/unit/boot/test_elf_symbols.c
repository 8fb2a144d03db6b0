/* SPDX-License-Identifier: MIT */
/* Symbols by name, and files that have none or lie about them. */
#include "boot_test.h"

#include <elf.h>

#include "boot/elf_symbols.h"

#define NAMES "\0tohost\0fromhost\0elsewhere"

struct sample {
	Elf64_Ehdr h;
	Elf64_Shdr sh[3];
	Elf64_Sym sym[5];
	char names[sizeof(NAMES)];
	uint8_t code[6];
};

static void make(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->h.e_ident, ELFMAG, SELFMAG);
	s->h.e_shoff = offsetof(struct sample, sh);
	s->h.e_shentsize = sizeof(Elf64_Shdr);
	s->h.e_shnum = 3;
	s->sh[1] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
				.sh_offset = offsetof(struct sample, names),
				.sh_size = sizeof(s->names)};
	s->sh[2] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
				.sh_offset = offsetof(struct sample, sym),
				.sh_size = sizeof(s->sym),
				.sh_link = 1};
	s->sym[1] = (Elf64_Sym){.st_name = 17, .st_shndx = 1, .st_value = 0x5000};
	s->sym[2] = (Elf64_Sym){.st_name = 1, .st_value = 0x6000}; /* undefined here */
	s->sym[3] = (Elf64_Sym){.st_name = 1, .st_shndx = 1, .st_value = 0x1000};
	s->sym[4] = (Elf64_Sym){.st_name = 8, .st_shndx = 1, .st_value = 0x2000};
	memcpy(s->names, NAMES, sizeof(NAMES));
}

/* How many of tohost and fromhost are found, in sym. */
static unsigned find(struct fixture *f, const struct sample *s, size_t len, struct elf_symbol *sym)
{
	sym[0] = (struct elf_symbol){.name = "tohost", .found = true};
	sym[1] = (struct elf_symbol){.name = "fromhost", .found = true};
	assert_int_equal(elf_find_symbols("--firmware", write_file(f, s, len), sym, 2, &f->e), 0);
	return sym[0].found + sym[1].found;
}

static void test_found(void **state)
{
	struct fixture *f = *state;
	struct elf_symbol sym[2];
	struct sample s;

	make(&s);
	assert_int_equal(find(f, &s, sizeof(s), sym), 2);
	assert_int_equal(sym[0].value, 0x1000);
	assert_int_equal(sym[1].value, 0x2000);
	s.sym[4].st_shndx = SHN_UNDEF;
	assert_int_equal(find(f, &s, sizeof(s), sym), 1);
	assert_false(sym[1].found);
}

static void test_none(void **state)
{
	struct fixture *f = *state;
	struct elf_symbol sym[2];
	struct sample s;

	make(&s);
	s.h.e_ident[0] = 0;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	s.h.e_shoff = 0;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	s.sh[2].sh_type = SHT_NOTE;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	for (size_t len = 1; len < sizeof(s) - sizeof(s.names); len += 11)
		assert_int_equal(find(f, &s, len, sym), 0);
	assert_int_equal(elf_find_symbols("--firmware", "/nonexistent", sym, 2, &f->e), -ENOENT);
	assert_says(f, "--firmware /nonexistent");
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	struct elf_symbol sym[2];
	struct sample s;

	make(&s);
	s.h.e_shoff = -8ull;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	s.sh[2].sh_link = 3;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	s.sh[2].sh_link = UINT32_MAX;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	s.sh[1].sh_size = s.sh[2].sh_size = UINT64_MAX;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	s.sh[1].sh_offset = -1ull;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	s.sym[3].st_name = s.sym[4].st_name = UINT32_MAX;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
	make(&s);
	s.sh[1].sh_size = 10; /* names that do not end: "fr" is what is left of one */
	assert_int_equal(find(f, &s, sizeof(s), sym), 1);
	s.sh[2].sh_size = 3 * sizeof(Elf64_Sym) + 1;
	assert_int_equal(find(f, &s, sizeof(s), sym), 0);
}

static struct elf_function look(struct fixture *f, const struct sample *s, size_t len, uint64_t at)
{
	struct elf_function found;

	assert_int_equal(elf_function_at("--symbols", write_file(f, s, len), at, &found, &f->e), 0);
	return found;
}

/* A function of 6 bytes, fromhost, at 0x2000 in section 1; the names are section 0 then. */
static void make_function(struct sample *s)
{
	make(s);
	s->sh[0] = s->sh[1];
	s->sh[2].sh_link = 0;
	s->sh[1] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
				.sh_addr = 0x1ff0,
				.sh_offset = offsetof(struct sample, code) - 16};
	s->sym[4].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	s->sym[4].st_size = sizeof(s->code);
	memcpy(s->code, "begins", sizeof(s->code));
}

static void test_function(void **state)
{
	struct fixture *f = *state;
	struct elf_function found;
	struct sample s;

	make_function(&s);
	found = look(f, &s, sizeof(s), 0x2005);
	assert_true(found.found);
	assert_string_equal(found.name, "fromhost");
	assert_int_equal(found.start, 0x2000);
	assert_int_equal(found.n_code, sizeof(s.code));
	assert_memory_equal(found.code, "begins", sizeof(s.code));
	assert_false(look(f, &s, sizeof(s), 0x2006).found);
	assert_false(look(f, &s, sizeof(s), 0x1fff).found);
	assert_false(look(f, &s, sizeof(s), 0x1000).found); /* no function */
	/* Code that is not there. */
	found = look(f, &s, offsetof(struct sample, code), 0x2000);
	assert_true(found.found && !found.n_code);
	s.sym[4].st_shndx = 3;
	found = look(f, &s, sizeof(s), 0x2000);
	assert_true(found.found && !found.n_code);
	s.sym[4].st_shndx = 1;
	s.sh[1].sh_offset = 1ull << 40;
	found = look(f, &s, sizeof(s), 0x2000);
	assert_true(found.found && !found.n_code);
	assert_int_equal(elf_function_at("--symbols", "/nonexistent", 0, &found, &f->e), -ENOENT);
	assert_says(f, "--symbols /nonexistent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_found), TEST(test_none), TEST(test_damaged),
					   TEST(test_function)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
