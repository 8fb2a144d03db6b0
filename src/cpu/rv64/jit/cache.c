/* SPDX-License-Identifier: MIT */
/* The two mappings of the code cache. */
#include "cpu/rv64/jit/cache.h"

#include <errno.h>
#include <sys/mman.h>

#define STEP ((size_t)1 << 20)

int jit_cache_init(struct jit_cache *m, size_t size)
{
	void *write = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *exec;

	*m = (struct jit_cache){.size = size};
	if (write == MAP_FAILED)
		return -ENOMEM;
	m->write = write;
	exec = mremap(write, 0, size, MREMAP_MAYMOVE); /* of length 0: a second mapping */
	if (exec == MAP_FAILED)
		return -ENOMEM;
	m->exec = exec;
	return mprotect(exec, size, PROT_READ | PROT_EXEC) ? -errno : 0;
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
	size_t step = m->used / STEP;

	if (step != m->hidden)
		(void)madvise(m->write, m->size, MADV_DONTNEED); /* the memory keeps them */
	m->hidden = step;
}
