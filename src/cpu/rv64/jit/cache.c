/* SPDX-License-Identifier: MIT */
/* The two mappings of the code cache. */
#include "cpu/rv64/jit/cache.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEP ((size_t)1 << 20)

static void *map(int fd, size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int jit_cache_init(struct jit_cache *m, size_t size)
{
	int fd = memfd_create("linnet-jit", MFD_CLOEXEC);
	int err = 0;

	*m = (struct jit_cache){.size = size};
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size)) {
		err = -errno;
	} else {
		m->write = map(fd, size, PROT_READ | PROT_WRITE);
		m->exec = map(fd, size, PROT_READ | PROT_EXEC);
		if (!m->write || !m->exec)
			err = -ENOMEM;
	}
	close(fd); /* the mappings keep the memory */
	return err;
}

void jit_cache_fini(struct jit_cache *m)
{
	if (m->write)
		munmap(m->write, m->size);
	if (m->exec)
		munmap((void *)(uintptr_t)m->exec, m->size);
}

void jit_cache_written(struct jit_cache *m)
{
	size_t whole = m->used & ~(STEP - 1);

	if (whole != m->hidden)
		(void)madvise(m->write, whole, MADV_DONTNEED); /* the memfd keeps them */
	m->hidden = whole;
}
