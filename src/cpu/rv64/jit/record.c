/* SPDX-License-Identifier: MIT */
/*
 * Records of compiled blocks, the map for perf, and the search for a host address.
 *
 * The search runs in a signal handler, on the thread of the hart whose code has faulted: it reads
 * that hart's state, which stands still, and writes nothing. An address belongs to the hart in
 * whose memory it lies.
 */
#include "cpu/rv64/jit/record.h"

#include "cpu/cpu.h"
#include "cpu/rv64/jit/dump.h"
#include "cpu/rv64/jit/jit.h"
#include "mem/gmem.h"

static const struct cpu_watch *watch_of(const struct interp *c)
{
	return c->run.hart.cpu.vm->cfg.watch;
}

void jit_record_begin(struct rv64_jit *j)
{
	j->cache.used += sizeof(struct jit_record);
}

static void add_to_map(const struct interp *c, const void *code, const struct jit_record *r)
{
	static const char mode[] = "US?M";
	const struct rv64_hart *h = &c->run.hart;

	fprintf(watch_of(c)->map, "%llx %x guest:%c:0x%llx\n", (unsigned long long)(uintptr_t)code,
		r->size, mode[h->priv & 3], (unsigned long long)h->pc);
}

struct rv64_block *jit_record_block(struct interp *c, const struct jit_record *r)
{
	return rv64_code_of_native(&c->code, r->pa, r + 1);
}

void jit_record_end(struct interp *c, const void *native)
{
	const struct cpu_watch *w = watch_of(c);
	struct rv64_jit *j = c->jit;
	const struct jit_source *s = &j->source;
	struct jit_record *r;
	size_t begin;

	if (!native) {
		j->cache.used -= sizeof(*r);
		return;
	}
	begin = (size_t)((const uint8_t *)native - j->cache.exec);
	r = (struct jit_record *)(void *)(j->cache.write + begin - sizeof(*r));
	r->pa = s->block->pa;
	r->size = (uint32_t)(j->cache.used - begin);
	r->n = (uint16_t)s->n;
	r->compact = s->compact;
	if (w && w->map)
		add_to_map(c, native, r);
	if (w && w->dump)
		jit_dump(c, j->cache.write + begin, r->size);
}

void jit_record_glue(struct interp *c)
{
	const struct cpu_watch *w = watch_of(c);

	if (w && w->map)
		fprintf(w->map, "%llx %zx translator:glue\n",
			(unsigned long long)(uintptr_t)c->jit->cache.exec, c->jit->glue_end);
}

/* The block around an offset in the memory for code, or NULL: glue. */
static const struct jit_record *find(const struct rv64_jit *j, size_t offset, size_t *begin)
{
	const struct jit_segment *s = jit_segment_of(j, offset);
	size_t at = s ? s->begin : 0;

	while (s && at < jit_segment_used(j, s) && at <= offset) {
		const struct jit_record *r =
			(const struct jit_record *)(const void *)(j->cache.write + at);

		*begin = at + sizeof(*r);
		if (offset < *begin + r->size)
			return r;
		at = *begin + r->size;
	}
	return NULL;
}

static void describe(const struct interp *c, size_t offset, struct cpu_place *out)
{
	const struct rv64_jit *j = c->jit;
	const struct rv64_hart *h = &c->run.hart;
	size_t begin = 0;
	const struct jit_record *r = find(j, offset, &begin);

	*out = (struct cpu_place){.hart = h->cpu.id, .code = j->cache.write + offset};
	if (r) {
		out->pa = r->pa;
		out->pc = c->run.hart.x[RV64_X_PAGE] | (r->pa & (GMEM_PAGE_SIZE - 1));
		out->n = r->n;
		out->offset = offset - begin;
		out->size = r->size;
	} else {
		out->pc = h->pc;
		out->offset = offset;
		out->size = j->glue_end > offset ? j->glue_end : offset;
	}
}

bool rv64_jit_find_code(const struct cpu_vm *vm, uint64_t host_pc, struct cpu_place *out)
{
	for (unsigned i = 0; i < vm->cfg.n_harts; i++) {
		const struct interp *c = (const struct interp *)(const void *)vm->cpu[i];
		const struct rv64_jit *j = c ? c->jit : NULL;
		uint64_t base = j ? (uintptr_t)j->cache.exec : 0;

		if (!j || host_pc < base || host_pc - base >= j->cache.size)
			continue;
		describe(c, (size_t)(host_pc - base), out);
		return true;
	}
	return false;
}
