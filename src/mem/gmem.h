/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory: a few RAM regions, each backed by a memfd so that another process can map
 * it too: here, where the guest runs, or there, where a device of it is served.
 *
 * gmem_map() is the only way from a guest address to a pointer. Regions are added while nothing
 * runs and live as long as the gmem; pointers stay valid that long. Lookups may come from any
 * thread.
 *
 * Code tracking. An engine that keeps a decoded or compiled form of guest code must learn when the
 * bytes beneath it change, whoever changes them: another hart, or a device. For each page of 4 KiB
 * a word holds a flag "some engine has code of this page" and a generation. Whoever writes guest
 * memory calls gmem_note_write() after the write; it costs one load a page unless the flag is set.
 * An engine compares generations when the guest asks for it (fence.i), which is when RISC-V allows
 * new code to be expected.
 */
#ifndef MEM_GMEM_H
#define MEM_GMEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GMEM_PAGE_SHIFT  12
#define GMEM_PAGE_SIZE   (1u << GMEM_PAGE_SHIFT)
#define GMEM_MAX_REGIONS 8

struct gmem_region {
	uint64_t gpa;  /* multiple of GMEM_PAGE_SIZE */
	uint64_t size; /* multiple of GMEM_PAGE_SIZE, not 0 */
	uint8_t *host;
	int fd;                 /* the memfd; offset 0 is gpa. -1: another process's memory */
	_Atomic uint32_t *code; /* one word a page: bit 0 has code, bits 31..1 generation. NULL:
				 * another process's, where no engine of ours runs */
};

struct gmem {
	unsigned n;
	bool stays; /* no page is given back to the host: gmem_populate() */
	struct gmem_region region[GMEM_MAX_REGIONS]; /* by rising gpa, no overlap */
};

int gmem_new(struct gmem **out);
/* Nothing may use the memory any more. NULL is allowed. */
void gmem_free(struct gmem *m);

/* Adds zeroed RAM. -EINVAL: not page aligned, empty, overlaps or wraps; -ENOSPC: too many regions;
 * -ENOMEM: more than gmem_host_limit(), or the host refuses. Pages are allocated when first
 * touched. */
int gmem_add_ram(struct gmem *m, uint64_t gpa, uint64_t size);

/*
 * Adds RAM that is another process's, which may be hostile: bytes from `offset` on of a memfd,
 * which stays the caller's. -EINVAL as above, or `offset` is no multiple of a page or the file too
 * short; -ENOSPC; -EPERM: it is no memfd that is sealed against shrinking, so that using it could
 * be fatal; or what mmap() gave. The guest's code is not tracked here.
 */
int gmem_add_shared(struct gmem *m, uint64_t gpa, uint64_t size, int fd, uint64_t offset);

/* Takes all regions out. Nothing uses them any more. */
void gmem_clear(struct gmem *m);

/* Allocates all pages now, instead of when each is first touched, and keeps them: a page's memory
 * stays the same from here on. While nothing runs. 0 or -errno;
 * -ENOMEM: the host has not that much. */
int gmem_populate(struct gmem *m);

/* All the memory and swap that the host has, in bytes: more RAM than this cannot work. */
uint64_t gmem_host_limit(void);

/* Makes guest bytes [gpa, gpa + len) read as zero, and gives whole pages back to the host, unless
 * they are populated. Any thread. 0, or -EFAULT when they do not lie within one region. */
int gmem_zero(const struct gmem *m, uint64_t gpa, uint64_t len);

/* The next part of a region, from offset *at on, that anybody has ever touched: from the new *at up
 * to *end. False: there is none, or the memory is another process's. Any thread. */
bool gmem_touched(const struct gmem_region *r, uint64_t *at, uint64_t *end);

/* A number that depends on all bytes and their addresses, to compare two memories with. Pages that
 * hold only zeros count for nothing, touched or not, so untouched memory costs no time. While
 * nothing runs. */
uint64_t gmem_sum(const struct gmem *m);

/* The region that holds gpa, or NULL. */
static inline const struct gmem_region *gmem_find(const struct gmem *m, uint64_t gpa)
{
	for (unsigned i = 0; i < m->n; i++)
		if (gpa - m->region[i].gpa < m->region[i].size)
			return &m->region[i];
	return 0;
}

/* The host address of guest bytes [gpa, gpa + len), or NULL when any of them lies outside one
 * region or len wraps. len 0 asks for one byte's validity. */
static inline void *gmem_map(const struct gmem *m, uint64_t gpa, uint64_t len)
{
	const struct gmem_region *r = gmem_find(m, gpa);

	if (!r || len > r->size - (gpa - r->gpa))
		return 0;
	return r->host + (gpa - r->gpa);
}

/* The code word of the page that holds gpa, or NULL when it is no RAM. */
static inline _Atomic uint32_t *gmem_code_word(const struct gmem *m, uint64_t gpa)
{
	const struct gmem_region *r = gmem_find(m, gpa);

	return r ? &r->code[(gpa - r->gpa) >> GMEM_PAGE_SHIFT] : 0;
}

#define GMEM_HAS_CODE 1u

/* To be called after bytes [gpa, gpa + len) were written by anything but an engine's fast path. */
void gmem_note_write(const struct gmem *m, uint64_t gpa, uint64_t len);

/* The same for many ranges at the price of one full fence: gmem_note_fence() after all of them were
 * written, then gmem_note_fenced() for each. */
void gmem_note_fence(void);
void gmem_note_fenced(const struct gmem *m, uint64_t gpa, uint64_t len);

/* The same for one page's word: clears the flag and moves the generation if the flag is set. */
void gmem_code_written(_Atomic uint32_t *word);

#endif
