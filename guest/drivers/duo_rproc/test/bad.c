/* SPDX-License-Identifier: GPL-2.0 */
/* duo-bad FIRMWARE: breaks a good firmware in each way that there is, and has the core started with
 * it, which must fail with the right error. Prints how many there were. At last its tables are
 * changed at random, so that nothing is sure but that Linux lives.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <testing/check.h>

#define ROUNDS 100

/* The table of guest/firmware/bare/remote.c. */
struct ring {
	uint32_t da, align, num, notifyid, pa;
};

struct table {
	uint32_t version, n, zero[2], offset[2];
	struct {
		uint32_t type, da, len, zero;
		char name[32];
	} trace;
	struct {
		uint32_t type, id, notifyid, dfeatures, gfeatures, config_len;
		uint8_t status, n_vrings, zero[2];
		struct ring vring[2];
	} vdev;
};

static uint8_t good[1 << 18], bad[1 << 18];
static size_t len;
static Elf64_Ehdr *e = (Elf64_Ehdr *)bad;
static Elf64_Phdr *p;         /* the first segment */
static Elf64_Shdr *s, *names; /* the table's section */
static struct table *t;

static void find_parts(void)
{
	Elf64_Shdr *sections = (Elf64_Shdr *)(bad + e->e_shoff);

	p = (Elf64_Phdr *)(bad + e->e_phoff);
	while (p->p_type != PT_LOAD)
		p++;
	names = sections + e->e_shstrndx;
	for (s = sections; strcmp((char *)bad + names->sh_offset + s->sh_name, ".resource_table");
	     s++)
		CHECK(s < sections + e->e_shnum);
	t = (struct table *)(bad + s->sh_offset);
	CHECK(s->sh_size == sizeof(*t));
}

static int put(const char *file, const void *text, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600), error = 0;

	CHECK(fd >= 0);
	if (write(fd, text, n) != (ssize_t)n)
		error = errno;
	close(fd);
	return error;
}

static int tell(const char *file, const char *word)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/remoteproc/remoteproc0/%s", file);
	return put(path, word, strlen(word));
}

/* ---- the ways ---- */

/* One field gets another value; and then the file may be cut off. */
struct way {
	const char *name;
	void *part; /* one of those above, */
	size_t at, size;
	uint64_t value;
	int error;
	size_t (*cut)(void); /* gives the length */
};

#define WAY(part, field, value, error)                                                     \
	{                                                                                  \
#part "->" #field " = " #value, &part, offsetof(__typeof__(*part), field), \
			sizeof(part->field), value, error, NULL                            \
	}
#define CUT(length, error)                          \
	{                                           \
#length, &e, 0, 0, 0, error, length \
	}
#define LINUX 0x80200000
#define NO    0xffffffffffffff00

static size_t nothing(void)
{
	return 0;
}

static size_t in_header(void)
{
	return sizeof(*e) - 1;
}

static size_t in_sections(void)
{
	return len - 1;
}

static size_t in_segments(void)
{
	e->e_shnum = 0;
	e->e_shoff = 0;
	return e->e_phoff + 1;
}

static size_t in_text(void)
{
	e->e_shnum = 0;
	e->e_shoff = 0;
	return p->p_offset + p->p_filesz - 1;
}

static const struct way ways[] = {
	CUT(nothing, EINVAL), /* says the kernel, before it comes to us */
	CUT(in_header, ENODATA),
	CUT(in_segments, ENODATA),
	CUT(in_sections, ENODATA),
	CUT(in_text, ENODATA),
	WAY(e, e_ident[1], 'e', ENOEXEC),
	WAY(e, e_ident[EI_CLASS], ELFCLASS32, ENOEXEC),
	WAY(e, e_ident[EI_DATA], ELFDATA2MSB, ENOEXEC),
	WAY(e, e_machine, EM_AARCH64, ENOEXEC),
	WAY(e, e_type, ET_REL, ENOEXEC),
	WAY(e, e_phentsize, 8, ENOEXEC),
	WAY(e, e_phnum, 0, ENOEXEC),
	WAY(e, e_entry, 0, ENOEXEC),
	WAY(e, e_phoff, NO, ENODATA),
	WAY(e, e_shoff, NO, ENODATA),
	WAY(p, p_memsz, 1, ENOEXEC),
	WAY(p, p_paddr, NO, ENOEXEC),
	WAY(p, p_offset, NO, ENODATA),
	WAY(p, p_memsz, 0x200001, EFBIG),
	WAY(p, p_paddr, LINUX, EADDRINUSE),
	WAY(p, p_paddr, 0x8fe00000 - 0x100, EADDRINUSE),
	WAY(p, p_paddr, 0x04140000, ENXIO),
	WAY(names, sh_offset, NO, ENODATA),
	WAY(s, sh_offset, NO, ENODATA),
	WAY(s, sh_addr, LINUX, EBADMSG),
	WAY(s, sh_size, 8, EBADMSG),
	WAY(s, sh_size, sizeof(*t) - 1, EBADMSG),
	WAY(t, version, 2, EBADMSG),
	WAY(t, zero[1], 1, EBADMSG),
	WAY(t, n, NO, EBADMSG),
	WAY(t, offset[1], sizeof(*t), EBADMSG),
	WAY(t, offset[0], NO, EBADMSG),
	WAY(t, trace.type, 0, 0), /* a carveout in the core's memory */
	WAY(t, trace.da, LINUX, EBADMSG),
	WAY(t, trace.len, NO, EBADMSG),
	WAY(t, trace.len, 0, EBADMSG),
	WAY(t, vdev.n_vrings, 1, EBADMSG),
	WAY(t, vdev.vring[0].num, 3, EBADMSG),
	WAY(t, vdev.vring[1].num, 0, EBADMSG),
	WAY(t, vdev.vring[1].num, 0x8000, EBADMSG),
	WAY(t, vdev.vring[0].align, 24, EBADMSG),
	WAY(t, vdev.vring[0].da, LINUX, EBADMSG),
	WAY(t, vdev.vring[0].da, 0x8fc00010, EBADMSG),
	WAY(t, vdev.vring[0].da, 0x8fc08000, EBADMSG), /* where the other is then */
	WAY(t, vdev.config_len, 1, EBADMSG),
};
#define N_WAYS (sizeof(ways) / sizeof(*ways))

static void break_it(const struct way *w)
{
	void *part;

	memcpy(&part, w->part, sizeof(part));
	memcpy((uint8_t *)part + w->at, &w->value, w->size);
	if (w->cut)
		len = w->cut();
}

static int start_bad(void)
{
	CHECK(!put("/lib/firmware/bad.elf", bad, len));
	return tell("state", "start");
}

/* What runs then is the good firmware, with other wishes. */
static void at_random(size_t size)
{
	unsigned int seed = 1;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		memcpy(bad, good, len = size);
		for (unsigned int n = rand_r(&seed) % 4 + 1; n; n--) {
			uint8_t *part = rand_r(&seed) % 4 ? (uint8_t *)t : (uint8_t *)s;
			unsigned int at = rand_r(&seed) %
					  (part == (uint8_t *)t ? sizeof(*t) : sizeof(*s));

			part[at] = (uint8_t)(rand_r(&seed) % 3 ? rand_r(&seed) : part[at] ^ 1);
		}
		if (!start_bad())
			CHECK(!tell("state", "stop"));
	}
}

int main(int argc, char **argv)
{
	int fd = open(argc > 1 ? argv[1] : "", O_RDONLY);
	ssize_t size = read(fd, good, sizeof(good));

	CHECK(size > 0 && size < (ssize_t)sizeof(good));
	CHECK(!tell("firmware", "bad.elf"));
	for (unsigned int i = 0; i < N_WAYS; i++) {
		int error;

		memcpy(bad, good, len = size);
		find_parts();
		break_it(&ways[i]);
		error = start_bad();
		if (!error)
			CHECK(!tell("state", "stop"));
		if (error != ways[i].error) {
			printf("%s: error %d (%s) instead of %d\n", ways[i].name, error,
			       strerror(error), ways[i].error);
			return 1;
		}
	}
	printf("%u\n", (unsigned int)N_WAYS);
	fflush(stdout);
	memcpy(bad, good, len = size);
	find_parts();
	at_random(size);
	return 0;
}
