/* SPDX-License-Identifier: MIT */
/*
 * Detection, and the Linux Image. The file's bytes go from the file, or from the unpacker, straight
 * to their place in guest memory.
 *
 * An Image does not say how long its file is: image_size counts the bss as well. When it has an EFI
 * stub, the section table of its PE header does, and tells a truncated file.
 */
#include "boot/image.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/elf.h"
#include "boot/image_source.h"
#include "boot/unpack.h"
#include "mem/gmem.h"

#define MIB 0x100000u

/* Offsets in the header of a RISC-V Image. */
#define IMAGE_TEXT_OFFSET 0x08
#define IMAGE_SIZE        0x10
#define IMAGE_FLAGS       0x18
#define IMAGE_MAGIC       0x38
#define IMAGE_HEADER_LEN  0x40
#define IMAGE_BIG_ENDIAN  1u

/* Other things that people give; the longest prefix that matters decides, so order is by hand. */
struct known {
	unsigned offset;
	unsigned len;
	const char *magic;
	const char *text;
};

#define MAGIC(s) sizeof(s) - 1, s

static const struct known known[] = {
	{0x38, MAGIC("ARM\x64"), "is an arm64 kernel (Image)"},
	{0x202, MAGIC("HdrS"), "is an x86 kernel (bzImage)"},
	{0x24, MAGIC("\x18\x28\x6f\x01"), "is an arm kernel (zImage)"},
	{0, MAGIC("070701"), "is a cpio archive (an initrd?)"},
	{0,
	 MAGIC("\xfd"
	       "7zXZ"),
	 "is packed with xz; unpack it first"},
	{0, MAGIC("BZh"), "is packed with bzip2; unpack it first"},
	{0, MAGIC("\x02\x21\x4c\x18"), "is packed with lz4; unpack it first"},
	{0, MAGIC("\x5d\x00\x00"), "is packed with lzma; unpack it first"},
	{0, MAGIC("\x89LZO"), "is packed with lzo; unpack it first"},
	{0, MAGIC("\x27\x05\x19\x56"), "is a U-Boot image; give the Image that it was made from"},
	{0, MAGIC("\xd0\x0d\xfe\xed"), "is a device tree or a FIT image"},
	{0, MAGIC("QFI\xfb"), "is a qcow2 disk"},
	{0, MAGIC("!<arch>"), "is a Debian package or an archive; take the kernel out of it"},
	{0, MAGIC("MZ"), "is an EFI program, but no kernel that is known here"},
};

static bool has(const struct image_source *s, size_t offset, const char *magic, size_t len)
{
	return s->head_len >= offset + len && !memcmp(s->head + offset, magic, len);
}

static const struct known *find_known(const struct image_source *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (has(s, known[i].offset, known[i].magic, known[i].len))
			return &known[i];
	return NULL;
}

static int refuse(const struct image_source *s, struct err *e)
{
	const struct known *k = find_known(s);

	if (k)
		return err_set(e, -ENOEXEC, "%s %s: %s; a RISC-V Image or ELF is wanted", s->option,
			       s->path, k->text);
	if (s->head_len < IMAGE_HEADER_LEN)
		return err_set(e, -ENOEXEC,
			       "%s %s: is too short for a kernel (%zu bytes); get it again",
			       s->option, s->path, s->head_len);
	return err_set(
		e, -ENOEXEC,
		"%s %s: is of no known format; a RISC-V Image (gzip or zstd is fine) or ELF is "
		"wanted (for a flat binary, the ELF file it was made from)",
		s->option, s->path);
}

int image_too_large(const char *option, const char *path, uint64_t ram_base, uint64_t end,
		    struct err *e)
{
	uint64_t need = end - ram_base;

	return err_set(e, -E2BIG,
		       "%s %s: is too large for the guest's memory; it needs --mem %" PRIu64
		       "M at the very least",
		       option, path, need / MIB + (need % MIB != 0));
}

/* Where the data of the last PE section ends in the file; 0 without a PE header. */
static uint64_t pe_file_end(const struct image_source *s)
{
	uint64_t end = 0, at;
	uint32_t pe;
	unsigned n;

	if (!has(s, 0, "MZ", 2))
		return 0;
	pe = le32_load(s->head + 0x3c);
	if (pe > s->head_len || !has(s, pe, "PE\0\0", 4) || s->head_len - pe < 24)
		return 0;
	n = le16_load(s->head + pe + 6);
	at = pe + 24 + le16_load(s->head + pe + 20);
	for (; n && at + 40 <= s->head_len; n--, at += 40)
		end = max_u64(end, (uint64_t)le32_load(s->head + at + 16) +
					   le32_load(s->head + at + 20));
	return end;
}

static int load_linux(const struct gmem *m, uint64_t ram_base, struct image_source *s,
		      struct image *out, struct err *e)
{
	const struct gmem_region *r = gmem_find(m, ram_base);
	uint64_t text_offset = le64_load(s->head + IMAGE_TEXT_OFFSET);
	uint64_t size = le64_load(s->head + IMAGE_SIZE);
	uint64_t room;
	uint8_t more;
	size_t got, extra = 0;
	int err;

	if (le64_load(s->head + IMAGE_FLAGS) & IMAGE_BIG_ENDIAN)
		return err_set(e, -ENOEXEC,
			       "%s %s: is a big-endian kernel; build a little-endian one",
			       s->option, s->path);
	if (text_offset > UINT32_MAX || size > UINT32_MAX)
		return err_set(e, -ENOEXEC,
			       "%s %s: is damaged: its header says it has %" PRIu64
			       " bytes at offset %" PRIu64 "; get it again",
			       s->option, s->path, size, text_offset);
	if (!size && !s->unpacker) /* not filled in: the file is all that is known */
		size = s->size;
	room = r->size - (ram_base - r->gpa);
	if (text_offset >= room || size > room - text_offset)
		return image_too_large(s->option, s->path, ram_base, ram_base + text_offset + size,
				       e);
	room -= text_offset;
	out->entry = out->start = ram_base + text_offset;
	err = image_source_read(s, 0, gmem_map(m, out->start, 1), size ? size : room, &got, e);
	/* Reading on makes the unpacker check its sum, and tells an image that did not fit. */
	if (!err && s->unpacker && got == (size ? size : room))
		err = image_source_read(s, got, &more, 1, &extra, e);
	if (err)
		return err;
	if (!size && extra)
		return image_too_large(s->option, s->path, ram_base, out->start + got + 1, e);
	if (got < pe_file_end(s))
		return err_set(e, -EINVAL,
			       "%s %s: is truncated: %zu bytes of %" PRIu64 "; get it again",
			       s->option, s->path, got, pe_file_end(s));
	gmem_note_write(m, out->start, got);
	out->end = out->start + (size ? size : got);
	out->kind = IMAGE_LINUX;
	return 0;
}

static int load_flat(const struct gmem *m, const struct image_request *r, struct image_source *s,
		     struct image *out, struct err *e)
{
	const struct gmem_region *region = gmem_find(m, r->at);
	uint64_t room = region ? region->size - (r->at - region->gpa) : 0;
	size_t got, extra;
	uint8_t more;
	int err;

	if (!room)
		return image_too_large(s->option, s->path, r->ram_base, r->at + 1, e);
	err = image_source_read(s, 0, gmem_map(m, r->at, 1), room, &got, e);
	if (!err)
		err = image_source_read(s, got, &more, 1, &extra, e);
	if (err)
		return err;
	if (extra)
		return image_too_large(s->option, s->path, r->ram_base,
				       r->at + max_u64(s->size, got + 1), e);
	if (!got) /* a packed file of nothing; an empty plain one was refused when it was opened */
		return err_set(e, -EINVAL, "%s %s: is empty when it is unpacked; get it again",
			       s->option, s->path);
	gmem_note_write(m, r->at, got);
	out->kind = IMAGE_FLAT;
	out->entry = out->start = r->at;
	out->end = r->at + got;
	return 0;
}

/* How the file is packed, or NULL; *offset is where the stream begins. EFI_ZBOOT: Linux
 * drivers/firmware/efi/libstub/zboot-header.S. */
static const struct unpack_type *find_packing(const struct image_source *s, uint64_t *offset)
{
	bool zboot = has(s, 0, "MZ", 2) && has(s, 4, "zimg", 4) && s->head_len >= 64;

	*offset = zboot ? le32_load(s->head + 8) : 0;
	for (unsigned i = 0; i < unpack_n_types; i++) {
		const struct unpack_type *t = &unpack_types[i];

		if (zboot ? has(s, 24, t->name, strlen(t->name) + 1)
			  : has(s, 0, t->magic, t->magic_len))
			return t;
	}
	return NULL;
}

static int load(const struct gmem *m, const struct image_request *r, struct image_source *s,
		struct image *out, struct err *e)
{
	uint64_t offset;
	const struct unpack_type *packing = find_packing(s, &offset);
	int err;

	*out = (struct image){.packed = packing};
	if (packing) {
		err = image_source_unpack(s, packing, offset, e);
		if (err)
			return err;
	}
	if (has(s, IMAGE_MAGIC, "RSC\x05", 4) && s->head_len >= IMAGE_HEADER_LEN)
		return load_linux(m, r->ram_base, s, out, e);
	if (elf_detect(s->head, s->head_len))
		return elf_load(m, r, s, out, e);
	if (r->flat && !find_known(s))
		return load_flat(m, r, s, out, e);
	return refuse(s, e);
}

int image_load(const struct gmem *m, const struct image_request *r, struct image *out,
	       struct err *e)
{
	struct image_source s;
	int err = image_source_open(&s, r->option, r->path, e);

	if (!err)
		err = load(m, r, &s, out, e);
	image_source_close(&s);
	return err;
}
