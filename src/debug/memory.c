/* SPDX-License-Identifier: MIT */
/* Guest memory by virtual addresses, a page at a time: consecutive pages lie anywhere. */
#include <string.h>

#include "base/bits.h"
#include "debug/private.h"
#include "mem/gmem.h"

/* Where [va, va + n) lies in the host, for as many bytes as are in its page; NULL: no RAM. */
static uint8_t *find(struct gdb_session *s, uint64_t va, size_t *n, uint64_t *pa)
{
	struct cpu *cpu = gdb_cpu(s);

	*n = min_u64(*n, GMEM_PAGE_SIZE - (va & (GMEM_PAGE_SIZE - 1)));
	if (cpu->vm->engine->debug->translate(cpu, va, pa))
		return NULL;
	return gmem_map(cpu->vm->cfg.mem, *pa, *n);
}

size_t gdb_memory_read(struct gdb_session *s, uint64_t va, void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t part = n - done;
		uint64_t pa;
		const uint8_t *host = find(s, va + done, &part, &pa);

		if (!host)
			break;
		memcpy((uint8_t *)buf + done, host, part);
		done += part;
	}
	return done;
}

size_t gdb_memory_write(struct gdb_session *s, uint64_t va, const void *buf, size_t n)
{
	struct cpu_vm *vm = s->target->vm;
	size_t done = 0;

	while (done < n) {
		size_t part = n - done;
		uint64_t pa;
		uint8_t *host = find(s, va + done, &part, &pa);

		if (!host)
			break;
		memcpy(host, (const uint8_t *)buf + done, part);
		gmem_note_write(vm->cfg.mem, pa, part);
		done += part;
	}
	/* It may have been code. */
	if (done)
		vm->engine->fence(vm, BIT(vm->cfg.n_harts) - 1, CPU_FENCE_I, 0, 0, 0);
	return done;
}
