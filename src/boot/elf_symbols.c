/* SPDX-License-Identifier: MIT */
/*
 * The section headers lead to the symbol table, and that to its names; both are read as a whole,
 * and neither can be larger than the file. Whatever does not fit together ends the search.
 */
#include "boot/elf_symbols.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "boot/elf.h"
#include "boot/image_source.h"

/* Like image_source_read(), but `false` in *all also when the file ends early. */
static int read_all(struct image_source *s, uint64_t offset, void *buf, size_t len, bool *all,
		    struct err *e)
{
	size_t got;
	int err = image_source_read(s, offset, buf, len, &got, e);

	*all = !err && got == len;
	return err;
}

/* The section's bytes in *out, malloc'd, with a NUL behind them; NULL when they are not there. */
static int read_section(struct image_source *s, const Elf64_Shdr *h, char **out, struct err *e)
{
	uint64_t size = le64toh(h->sh_size);
	bool all;
	int err;

	*out = NULL;
	if (size > s->size)
		return 0;
	*out = malloc(size + 1);
	if (!*out)
		return err_set(e, -ENOMEM, "%s %s: no memory for its symbols", s->option, s->path);
	err = read_all(s, le64toh(h->sh_offset), *out, size, &all, e);
	if (all) {
		(*out)[size] = '\0';
		return 0;
	}
	free(*out);
	*out = NULL;
	return err;
}

/* What is looked for: symbols by name, or a function. */
struct query {
	struct elf_symbol *want;
	unsigned n;
	uint64_t addr;
	struct elf_function *function; /* or NULL */
	unsigned section;              /* of the one that was found */
};

static void match_names(struct query *q, const Elf64_Sym *sym, const char *name)
{
	for (unsigned i = 0; i < q->n; i++) {
		if (q->want[i].found || strcmp(name, q->want[i].name))
			continue;
		q->want[i].found = true;
		q->want[i].value = le64toh(sym->st_value);
	}
}

static void match_function(struct query *q, const Elf64_Sym *sym, const char *name)
{
	struct elf_function *f = q->function;
	uint64_t size = le64toh(sym->st_size);

	if (!f || f->found || ELF64_ST_TYPE(sym->st_info) != STT_FUNC ||
	    q->addr - le64toh(sym->st_value) >= size)
		return;
	f->found = true;
	f->start = le64toh(sym->st_value);
	f->n_code = (size_t)min_u64(size, sizeof(f->code));
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	q->section = le16toh(sym->st_shndx);
}

static void match(struct query *q, const char *table, uint64_t size, const char *names,
		  uint64_t names_size)
{
	Elf64_Sym sym;

	for (uint64_t at = 0; at + sizeof(sym) <= size; at += sizeof(sym)) {
		memcpy(&sym, table + at, sizeof(sym));
		if (le16toh(sym.st_shndx) == SHN_UNDEF || le32toh(sym.st_name) >= names_size)
			continue;
		match_names(q, &sym, names + le32toh(sym.st_name));
		match_function(q, &sym, names + le32toh(sym.st_name));
	}
}

static int search(struct image_source *s, const Elf64_Shdr *table, const Elf64_Shdr *names,
		  struct query *q, struct err *e)
{
	char *symbols, *strings = NULL;
	int err = read_section(s, table, &symbols, e);

	if (!err && symbols)
		err = read_section(s, names, &strings, e);
	if (strings)
		match(q, symbols, le64toh(table->sh_size), strings, le64toh(names->sh_size));
	free(strings);
	free(symbols);
	return err;
}

/* The code of the function that was found. */
static int read_code(struct image_source *s, const Elf64_Ehdr *h, struct query *q, struct err *e)
{
	struct elf_function *f = q->function;
	Elf64_Shdr text;
	bool all = false;
	int err = 0;

	if (!f || !f->found)
		return 0;
	if (q->section < le16toh(h->e_shnum))
		err = read_all(s, le64toh(h->e_shoff) + q->section * sizeof(text), &text,
			       sizeof(text), &all, e);
	if (all)
		err = read_all(s, le64toh(text.sh_offset) + f->start - le64toh(text.sh_addr),
			       f->code, f->n_code, &all, e);
	if (!all)
		f->n_code = 0;
	return err;
}

static int find(struct image_source *s, struct query *q, struct err *e)
{
	Elf64_Shdr table = {0}, names;
	uint64_t offset;
	unsigned count;
	Elf64_Ehdr h;
	bool all = true;
	int err = 0;

	if (!elf_detect(s->head, s->head_len) || s->head_len < sizeof(h))
		return 0;
	memcpy(&h, s->head, sizeof(h));
	offset = le64toh(h.e_shoff);
	count = le16toh(h.e_shnum);
	if (!offset || le16toh(h.e_shentsize) != sizeof(table))
		return 0;
	for (unsigned i = 0; i < count && all; i++) {
		err = read_all(s, offset + i * sizeof(table), &table, sizeof(table), &all, e);
		if (all && le32toh(table.sh_type) == SHT_SYMTAB)
			break;
	}
	if (!all || le32toh(table.sh_type) != SHT_SYMTAB || le32toh(table.sh_link) >= count)
		return err;
	err = read_all(s, offset + le32toh(table.sh_link) * sizeof(names), &names, sizeof(names),
		       &all, e);
	if (all)
		err = search(s, &table, &names, q, e);
	return err ? err : read_code(s, &h, q, e);
}

static int ask(const char *option, const char *path, struct query *q, struct err *e)
{
	struct image_source s;
	int err = image_source_open(&s, option, path, e);

	if (!err)
		err = find(&s, q, e);
	image_source_close(&s);
	return err;
}

int elf_find_symbols(const char *option, const char *path, struct elf_symbol *want, unsigned n,
		     struct err *e)
{
	struct query q = {.want = want, .n = n};

	for (unsigned i = 0; i < n; i++)
		want[i].found = false;
	return ask(option, path, &q, e);
}

int elf_function_at(const char *option, const char *path, uint64_t addr, struct elf_function *out,
		    struct err *e)
{
	struct query q = {.addr = addr, .function = out};

	*out = (struct elf_function){.found = false};
	return ask(option, path, &q, e);
}
