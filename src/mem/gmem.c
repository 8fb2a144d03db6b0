/* SPDX-License-Identifier: MIT */
/*
 * RAM regions on memfds, and the code words beside them. A memfd of another process is mapped only
 * if no access to it can ever raise SIGBUS.
 *
 * Neither is allocated up front: the memfd is sparse, and the words are an anonymous mapping
 * without reservation, so a guest that never runs code on a page costs nothing for it.
 *
 * The order that makes code tracking safe: an engine sets GMEM_HAS_CODE and then reads the bytes; a
 * writer writes the bytes and then reads the flag. With a full barrier on both sides at least one
 * of them sees the other, so stale code is never kept under an unchanged generation.
 */
#include "mem/gmem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bits.h"

int gmem_new(struct gmem **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static size_t code_bytes(uint64_t size)
{
	return (size >> GMEM_PAGE_SHIFT) * sizeof(uint32_t);
}

static void *map_code(uint64_t size)
{
	return mmap(NULL, code_bytes(size), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

void gmem_clear(struct gmem *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct gmem_region *r = &m->region[i];

		munmap(r->host, r->size);
		if (r->code)
			munmap(r->code, code_bytes(r->size));
		if (r->fd >= 0)
			close(r->fd);
	}
	m->n = 0;
}

void gmem_free(struct gmem *m)
{
	if (m)
		gmem_clear(m);
	free(m);
}

uint64_t gmem_host_limit(void)
{
	struct sysinfo si;

	if (sysinfo(&si))
		return UINT64_MAX;
	return ((uint64_t)si.totalram + si.totalswap) * si.mem_unit;
}

/* Fills in everything but gpa. */
static int region_open(struct gmem_region *r, uint64_t size)
{
	int err;

	r->size = size;
	r->fd = memfd_create("linnet-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (r->fd < 0)
		return -errno;
	if (ftruncate(r->fd, (off_t)size))
		goto fail;
	/* Whoever else has it must not be able to take it away beneath us. */
	if (fcntl(r->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		goto fail;
	r->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, r->fd, 0);
	if (r->host == MAP_FAILED)
		goto fail;
	r->code = map_code(size);
	if (r->code == MAP_FAILED)
		goto fail_unmap;
	return 0;

fail_unmap:
	err = -errno;
	munmap(r->host, size);
	close(r->fd);
	return err;
fail:
	/* A size past what the file system can hold is EFBIG or EINVAL here; all mean the same. */
	close(r->fd);
	return -ENOMEM;
}

/* Where a region would be put: *at in the table. */
static int find_place(const struct gmem *m, uint64_t gpa, uint64_t size, unsigned *at)
{
	unsigned i = 0;

	if (!size || ((gpa | size) & (GMEM_PAGE_SIZE - 1)) || gpa + (size - 1) < gpa)
		return -EINVAL;
	while (i < m->n && m->region[i].gpa < gpa)
		i++;
	if (i > 0 && gpa - m->region[i - 1].gpa < m->region[i - 1].size)
		return -EINVAL;
	if (i < m->n && m->region[i].gpa - gpa < size)
		return -EINVAL;
	*at = i;
	return m->n == GMEM_MAX_REGIONS ? -ENOSPC : 0;
}

static void put(struct gmem *m, unsigned at, const struct gmem_region *r)
{
	memmove(&m->region[at + 1], &m->region[at], (m->n - at) * sizeof(*r));
	m->region[at] = *r;
	m->n++;
}

int gmem_add_ram(struct gmem *m, uint64_t gpa, uint64_t size)
{
	struct gmem_region r = {.gpa = gpa};
	unsigned at;
	int err = find_place(m, gpa, size, &at);

	if (!err && size > gmem_host_limit())
		err = -ENOMEM;
	if (!err)
		err = region_open(&r, size);
	if (!err)
		put(m, at, &r);
	return err;
}

/* Whether access to a mapping of it can never fail: another process can neither cut it off, nor is
 * it of huge pages, which may run out. */
static bool is_safe(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;

	return seals >= 0 && (seals & F_SEAL_SHRINK) && !fstatfs(fd, &fs) &&
	       fs.f_type == TMPFS_MAGIC;
}

int gmem_add_shared(struct gmem *m, uint64_t gpa, uint64_t size, int fd, uint64_t offset)
{
	struct gmem_region r = {.gpa = gpa, .size = size, .fd = -1};
	struct stat st;
	unsigned at;
	int err = find_place(m, gpa, size, &at);

	if (err)
		return err;
	if (!is_safe(fd) || fstat(fd, &st))
		return -EPERM;
	if (offset % GMEM_PAGE_SIZE || offset > (uint64_t)st.st_size ||
	    size > (uint64_t)st.st_size - offset)
		return -EINVAL;
	r.host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		      (off_t)offset);
	if (r.host == MAP_FAILED)
		return -errno;
	put(m, at, &r);
	return 0;
}

/* By the call of Linux 5.14, or by hand. */
static int populate(const struct gmem_region *r)
{
	if (!madvise(r->host, r->size, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return errno == EFAULT ? -ENOMEM : -errno;
	if (fallocate(r->fd, 0, 0, (off_t)r->size))
		return -errno;
	return 0;
}

int gmem_populate(struct gmem *m)
{
	int ret = 0;

	for (unsigned i = 0; i < m->n && !ret; i++)
		ret = populate(&m->region[i]);
	m->stays = !ret;
	return ret;
}

int gmem_zero(const struct gmem *m, uint64_t gpa, uint64_t len)
{
	const struct gmem_region *r = gmem_find(m, gpa);
	uint8_t *p = gmem_map(m, gpa, len);
	uint64_t start, first, last;

	if (!p)
		return -EFAULT;
	start = gpa - r->gpa;
	first = align_up(start, GMEM_PAGE_SIZE);
	last = align_down(start + len, GMEM_PAGE_SIZE);
	if (m->stays || first >= last ||
	    fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)first,
		      (off_t)(last - first))) {
		memset(p, 0, len);
	} else {
		memset(p, 0, first - start);
		memset(r->host + last, 0, start + len - last);
	}
	gmem_note_write(m, gpa, len);
	return 0;
}

void gmem_code_written(_Atomic uint32_t *word)
{
	uint32_t old = atomic_load_explicit(word, memory_order_relaxed);

	/* Release: who sees the new generation sees the bytes that were written before it. */
	while (old & GMEM_HAS_CODE)
		if (atomic_compare_exchange_weak_explicit(word, &old, (old + 2) & ~GMEM_HAS_CODE,
							  memory_order_release,
							  memory_order_relaxed))
			break;
}

/* FNV-1a over words of 64 bits, with a rotation since its multiplication only carries upwards. */
static uint64_t sum_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x100000001b3u;
	return sum << 31 | sum >> 33;
}

static uint64_t sum_page(uint64_t sum, uint64_t gpa, const uint8_t *page)
{
	uint64_t words[GMEM_PAGE_SIZE / 8], any = 0;

	memcpy(words, page, sizeof(words));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		any |= words[i];
	if (!any)
		return sum;
	sum = sum_word(sum, gpa);
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		sum = sum_word(sum, words[i]);
	return sum;
}

bool gmem_touched(const struct gmem_region *r, uint64_t *at, uint64_t *end)
{
	off_t start = lseek(r->fd, (off_t)*at, SEEK_DATA); /* the memfd knows */

	if (start < 0)
		return false;
	*at = (uint64_t)start;
	*end = (uint64_t)lseek(r->fd, start, SEEK_HOLE);
	return true;
}

uint64_t gmem_sum(const struct gmem *m)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (unsigned i = 0; i < m->n; i++) {
		const struct gmem_region *r = &m->region[i];
		uint64_t at = 0, end;

		while (gmem_touched(r, &at, &end))
			for (; at < end; at += GMEM_PAGE_SIZE)
				sum = sum_page(sum, r->gpa + at, r->host + at);
	}
	return sum;
}

void gmem_note_fence(void)
{
	/* The writer's half of the barrier described above; one for all pages. */
	atomic_thread_fence(memory_order_seq_cst);
}

void gmem_note_fenced(const struct gmem *m, uint64_t gpa, uint64_t len)
{
	const struct gmem_region *r = gmem_find(m, gpa);
	uint64_t page, last;

	if (!r || !r->code || !len)
		return;
	page = (gpa - r->gpa) >> GMEM_PAGE_SHIFT;
	last = min_u64(r->size - 1, gpa - r->gpa + (len - 1)) >> GMEM_PAGE_SHIFT;
	for (; page <= last; page++)
		if (atomic_load_explicit(&r->code[page], memory_order_relaxed) & GMEM_HAS_CODE)
			gmem_code_written(&r->code[page]);
}

void gmem_note_write(const struct gmem *m, uint64_t gpa, uint64_t len)
{
	gmem_note_fence();
	gmem_note_fenced(m, gpa, len);
}
