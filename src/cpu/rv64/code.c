/* SPDX-License-Identifier: MIT */
/*
 * The code cache.
 *
 * Blocks live in one arena, one behind the other. When it is full, compiled blocks move together at
 * its start, mostly without their operations, and the others are dropped: most code is cold, and
 * soon decoded again. When that gains too little, or the array of page records is full, everything
 * is dropped. A hash finds a block by its physical address. Two caches stand before it, both by
 * virtual address and context: `jump` leads from a pc to its block, `fetch` from a page to its
 * record. rv64_code_flush() removes from them what an sfence.vma names: in a group of slots, and
 * only where the page was ever looked up.
 *
 * Coherence (mem/gmem.h). A page's record remembers the code word that was current when its code
 * was read. Before code is read from a page the word's flag is set; if it was clear, all harts drop
 * their store tags of that page first, so that every later store is noted in the word. fence.i
 * compares the words of all records, and a page that has changed gets a new serial number: its
 * blocks, which hold the old one, are void. They stay in the arena until the next reset and leave
 * the hash when somebody comes across them. Nothing leads into void blocks: the jump cache is
 * cleared, and slots lead only from a page to itself.
 *
 * An instruction that crosses into the next page makes a block of its own. It is found by both
 * physical pages, is never entered into a slot, and rv64_code_flush() looks for it in the page
 * before the one named as well, so that an entry in the jump cache holds for both halves.
 *
 * Code that is executed both in S mode and in another one has a block for each.
 *
 * Breakpoints are virtual and blocks are not. In a virtual page with a breakpoint, look-ups only
 * find blocks that were decoded with the present set of breakpoints: brk operations stand wherever
 * the offset is one's, and compare the whole pc. Elsewhere they only find blocks without. Slots
 * lead from a page to itself, so neither kind leads to the other, and what has no breakpoints stays
 * as fast as ever. A new set has a new serial number, which makes the blocks of older ones void.
 *
 * Waiting for other harts may serve their requests in return, and with that void what a look-up in
 * progress has found. Then `flushes`, `moves` or the context has moved, and the look-up starts
 * again.
 */
#include "cpu/rv64/code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "cpu/coherence.h"
#include "cpu/rv64/points.h"
#include "mem/gmem.h"

#define BLOCK_MAX      (sizeof(struct rv64_block) + RV64_BLOCK_OPS * sizeof(struct rv64_op))
#define SINGLE_OPS     6 /* the head, a breakpoint, a branch, the end, and their slots */
#define HASH_SIZE      32768u
#define PAGE_HASH_SIZE 4096u
#define PAGE_MASK      0xfffull
#define FLUSH_PAGES    8u /* more pages at a time: everything */

static unsigned hash_of(uint64_t pa)
{
	return (unsigned)(((pa >> 1) * 0x9e3779b97f4a7c15ull) >> 49) % HASH_SIZE;
}

static unsigned page_hash_of(uint64_t pa)
{
	return (unsigned)((pa >> GMEM_PAGE_SHIFT) % PAGE_HASH_SIZE);
}

static void forget_virtual(struct rv64_code *c)
{
	memset(c->noted, 0, sizeof(c->noted));
	c->n_noted = 0;
	memset(c->fetch, 0xff, sizeof(c->fetch));
	memset(c->jump, 0xff, sizeof(c->jump));
	rv64_mmu_void_code(&c->hart->mmu);
	c->flushes++;
}

void rv64_code_reset(struct rv64_code *c)
{
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	memset(c->hash, 0, HASH_SIZE * sizeof(*c->hash));
	memset(c->page_hash, 0xff, PAGE_HASH_SIZE * sizeof(*c->page_hash));
	c->n_pages = 0;
	c->used = 0;
	c->resets++;
	c->moves++;
	forget_virtual(c);
}

int rv64_code_init(struct rv64_code *c, struct rv64_hart *hart, const void *const *handlers)
{
	c->hart = hart;
	c->handlers = handlers;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	c->hash = malloc(HASH_SIZE * sizeof(*c->hash));
	c->page = malloc(RV64_CODE_PAGES * sizeof(*c->page));
	c->page_hash = malloc(PAGE_HASH_SIZE * sizeof(*c->page_hash));
	c->single = malloc(sizeof(*c->single) + SINGLE_OPS * sizeof(c->single->op[0]));
	c->room = RV64_CODE_ROOM;
	c->arena = mmap(NULL, RV64_CODE_ROOM, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->arena == MAP_FAILED)
		c->arena = NULL;
	if (!c->single || !c->hash || !c->page || !c->page_hash || !c->arena)
		return -ENOMEM;
	rv64_code_reset(c);
	return 0;
}

void rv64_code_fini(struct rv64_code *c)
{
	if (c->arena)
		munmap(c->arena, RV64_CODE_ROOM);
	free(c->single);
	free(c->page_hash);
	free(c->page);
	free(c->hash);
}

/* ---- pages ---- */

void rv64_code_forget_jumps(struct rv64_code *c)
{
	rv64_mmu_void_code(&c->hart->mmu);
	memset(c->jump, 0xff, sizeof(c->jump));
}

static bool page_changed(const struct rv64_code_page *p)
{
	/* Acquire: who sees the word moved sees what was stored before. */
	return atomic_load_explicit(p->word, memory_order_acquire) != p->seen;
}

/* From here on every store into the page moves its word. Another hart may have set the flag and not
 * yet be through with protecting the page: then its flag promises nothing, and it is done again. */
static void page_claim(struct rv64_code *c, struct rv64_code_page *p)
{
	uint32_t old;

	atomic_fetch_add(c->claiming, 1);
	old = atomic_fetch_or(p->word, GMEM_HAS_CODE);
	p->seen = old | GMEM_HAS_CODE;
	if (!(old & GMEM_HAS_CODE) || atomic_load(c->claiming) > 1)
		c->protect(c->hart, p->pa);
	atomic_fetch_sub(c->claiming, 1);
}

/* To be called before code is read. Once is not enough when a fence.i that was served meanwhile
 * found the page changed again. */
static void page_renew(struct rv64_code *c, struct rv64_code_page *p)
{
	while (unlikely(!(p->seen & GMEM_HAS_CODE) || page_changed(p))) {
		p->serial++;
		rv64_code_forget_jumps(c);
		page_claim(c, p);
	}
}

static struct rv64_code_page *page_get(struct rv64_code *c, uint64_t pa, const uint8_t *host)
{
	uint16_t *head = &c->page_hash[page_hash_of(pa)];
	struct rv64_code_page *p;

	for (unsigned i = *head; i != RV64_PAGE_NONE; i = p->next) {
		p = &c->page[i];
		if (p->pa == pa)
			return p;
	}
	p = &c->page[c->n_pages];
	*p = (struct rv64_code_page){
		.pa = pa,
		.host = host,
		.word = gmem_code_word(c->hart->cpu.vm->cfg.mem, pa),
		.next = *head,
	};
	*head = (uint16_t)c->n_pages++;
	page_claim(c, p);
	return p;
}

/* ---- virtual pages that were looked up ---- */

static unsigned note_hash(uint64_t page)
{
	return (unsigned)((page * 0x9e3779b97f4a7c15ull) >> 48) % RV64_CODE_NOTES;
}

static bool is_noted(const struct rv64_code *c, uint64_t page)
{
	unsigned i = note_hash(page);

	return c->noted[i / 64] & BIT(i % 64);
}

/* To be called before anything is remembered of the page. */
static void note_page(struct rv64_code *c, uint64_t page)
{
	unsigned i = note_hash(page);

	if (is_noted(c, page))
		return;
	if (c->n_noted++ == RV64_CODE_NOTES / 8) /* or they soon prove nothing */
		forget_virtual(c);
	c->noted[i / 64] |= BIT(i % 64);
}

/* The page of a virtual address: 0, or an exception's cause + 1. *whole is false where that holds
 * for two bytes only. */
static int page_of(struct rv64_code *c, uint64_t va, struct rv64_code_page **out, bool *whole)
{
	uint64_t tag = rv64_code_tag(c->hart, va & ~PAGE_MASK);
	struct rv64_fetch *f = &c->fetch[(va >> 12) % RV64_FETCH_SIZE];
	const uint8_t *host;
	uint64_t pa, flushes;
	int cause;

	if (likely(f->tag == tag && rv64_code_possible(va))) {
		*out = &c->page[f->page];
		*whole = true;
		return 0;
	}
	cause = rv64_fetch_translate(c->hart, va, &host, &pa, whole);
	if (cause)
		return cause;
	note_page(c, va >> 12);
	flushes = c->flushes;
	*out = page_get(c, pa & ~PAGE_MASK, host - (va & PAGE_MASK));
	if (*whole && c->flushes == flushes)
		*f = (struct rv64_fetch){.tag = tag, .page = (uint16_t)(*out - c->page)};
	return 0;
}

/* ---- blocks ---- */

static uint16_t number_of(const struct rv64_code *c, const struct rv64_code_page *p)
{
	return p ? (uint16_t)(p - c->page) : RV64_PAGE_NONE;
}

static size_t block_size(const struct rv64_block *b)
{
	return sizeof(*b) + b->n_ops * sizeof(b->op[0]);
}

static uint32_t points_serial(const struct rv64_points *p)
{
	return p ? p->serial : 0;
}

static bool in_kernel(const struct rv64_code *c)
{
	return c->hart->priv == RV64_S;
}

static bool block_valid(const struct rv64_code *c, const struct rv64_block *b)
{
	if (unlikely(b->points && b->points != points_serial(c->hart->points)))
		return false;
	return b->serial[0] == c->page[b->page[0]].serial &&
	       (b->page[1] == RV64_PAGE_NONE || b->serial[1] == c->page[b->page[1]].serial);
}

/* A block in the hash, by physical address and, when it crosses, second page. What is void on the
 * way is taken out, so that a page which changes again and again does not make the way long. */
static struct rv64_block *block_lookup(struct rv64_code *c, uint64_t pa, uint16_t second)
{
	struct rv64_block **at = &c->hash[hash_of(pa)].first;

	while (*at) {
		struct rv64_block *b = *at;

		if (unlikely(!block_valid(c, b))) {
			*at = b->next;
			continue;
		}
		if (b->pa == pa && b->page[1] == second && b->kernel == in_kernel(c) &&
		    b->points == points_serial(c->points))
			return b;
		at = &b->next;
	}
	return NULL;
}

/* Decodes at an offset of page p; with `bits`, that one instruction, which reaches into `second`
 * when that is not NULL. There is room. */
static struct rv64_block *block_new(struct rv64_code *c, struct rv64_code_page *p, unsigned offset,
				    struct rv64_code_page *second, const uint32_t *bits)
{
	struct rv64_block *b = (struct rv64_block *)(void *)(c->arena + c->used);
	struct rv64_block **head = &c->hash[hash_of(p->pa + offset)].first;
	unsigned n;

	*b = (struct rv64_block){
		.pa = p->pa + offset,
		.next = *head,
		.page = {number_of(c, p), number_of(c, second)},
		.serial = {p->serial, second ? second->serial : 0},
		.bits = bits ? *bits : 0,
		.points = points_serial(c->points),
		.native = c->not_native,
		.kernel = in_kernel(c),
	};
	n = rv64_block_build(b, c->handlers, p->host, offset, bits, c->hot, c->points);
	b->n_ops = (uint16_t)n;
	*head = b;
	c->used += block_size(b);
	return b;
}

/* Moves a compiled block to the end of what is used, which is not behind it. */
static void block_move(struct rv64_code *c, struct rv64_block *from)
{
	struct rv64_block *to = (struct rv64_block *)(void *)(c->arena + c->used);
	struct rv64_block **head = &c->hash[hash_of(from->pa)].first;

	if (!from->whole)
		from->n_ops = 1;
	for (unsigned i = 1; i < from->n_ops; i++)
		if (from->op[i].rd == RV64_SLOT_MARK)
			from->op[i].chain = NULL;
	memmove(to, from, block_size(from));
	to->next = *head;
	*head = to;
	c->used += block_size(to);
}

/* Makes room as described above. No block may be in use afterwards. */
static void compact(struct rv64_code *c)
{
	size_t end = c->used;

	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	memset(c->hash, 0, HASH_SIZE * sizeof(*c->hash));
	c->used = 0;
	for (size_t at = 0; at < end;) {
		struct rv64_block *b = (struct rv64_block *)(void *)(c->arena + at);

		at += block_size(b);
		if (b->native != c->not_native && block_valid(c, b))
			block_move(c, b);
	}
	c->moves++;
	rv64_code_forget_jumps(c);
	if (c->used > c->room / 2 || c->used + BLOCK_MAX > c->room)
		rv64_code_reset(c); /* or this would soon be done for each new block */
}

bool rv64_code_is_current(const struct rv64_code *c, const struct rv64_block *b)
{
	return !page_changed(&c->page[b->page[0]]);
}

struct rv64_block *rv64_code_of_native(const struct rv64_code *c, uint64_t pa, const void *native)
{
	struct rv64_block *b = c->hash[hash_of(pa)].first;

	while (b && b->native != native)
		b = b->next;
	return b;
}

void rv64_code_not_native(struct rv64_code *c, struct rv64_block *b)
{
	b->native = c->not_native;
	if (b->n_ops > 1) {
		b->op[0].handler = c->handlers[RV64_OP_count];
		b->op[0].imm = c->hot;
	} else {
		b->op[0].handler = c->handlers[RV64_OP_gone];
		b->points = RV64_POINTS_NEVER;
	}
}

/* Where PMP cuts a page, each fetch has to be checked: one instruction at a time, in a block that
 * nothing finds again. */
static int find_single(struct rv64_code *c, struct rv64_code_page *p, uint64_t pc,
		       struct rv64_block **out, uint64_t *tval)
{
	unsigned offset = pc & PAGE_MASK;
	uint32_t bits = rv64_code_read(p->host + offset);
	struct rv64_block *b = c->single;

	if (rv64_insn_len((uint16_t)bits) == 4) {
		struct rv64_code_page *second;
		bool whole;
		int cause;

		*tval = pc + 2;
		cause = page_of(c, pc + 2, &second, &whole);
		if (cause)
			return cause;
		bits |= (uint32_t)rv64_code_read(second->host + ((pc + 2) & PAGE_MASK)) << 16;
	}
	/* A second page keeps it out of slots, see op.h. */
	*b = (struct rv64_block){
		.pa = p->pa + offset,
		.page = {number_of(c, p), number_of(c, p)},
		.bits = bits,
		.native = c->not_native,
	};
	rv64_block_build(b, c->handlers, p->host, offset, &bits, c->hot ? INT32_MAX : 0,
			 c->stepping ? NULL : c->points);
	*out = b;
	return 0;
}

/* The last halfword of a page: the instruction may go on in the next page. It is read once to know
 * which block to look for, and again, when the pages are known to be current, to make one. */
static int find_last(struct rv64_code *c, struct rv64_code_page *p, uint64_t pc,
		     struct rv64_block **out, uint64_t *tval)
{
	uint64_t flushes = c->flushes;
	unsigned offset = pc & PAGE_MASK;
	struct rv64_code_page *second = NULL;
	unsigned len = rv64_insn_len(rv64_code_read(p->host + offset));
	uint32_t bits;

	if (len == 4) {
		bool whole;
		int cause;

		*tval = pc + 2;
		cause = page_of(c, pc + 2, &second, &whole);
		if (cause)
			return cause;
		if (!whole)
			return find_single(c, p, pc, out, tval);
	}
	*out = block_lookup(c, p->pa + offset, number_of(c, second));
	if (*out)
		return 0;
	page_renew(c, p);
	if (second)
		page_renew(c, second);
	bits = rv64_code_read(p->host + offset);
	if (second)
		bits |= (uint32_t)rv64_code_read(second->host) << 16;
	if (rv64_insn_len((uint16_t)bits) != len)
		c->flushes++; /* it has just been overwritten: again */
	if (c->flushes == flushes)
		*out = block_new(c, p, offset, second, &bits);
	return 0;
}

static int find(struct rv64_code *c, uint64_t pc, struct rv64_block **out, uint64_t *tval)
{
	unsigned offset = pc & PAGE_MASK;
	struct rv64_code_page *p;
	bool whole;
	int cause;

	*tval = pc;
	c->points = c->hart->points;
	if (unlikely(c->points) && !rv64_points_in_page(c->points, pc))
		c->points = NULL;
	if (unlikely(c->n_pages + 2 > RV64_CODE_PAGES))
		rv64_code_reset(c);
	else if (unlikely(c->used + BLOCK_MAX > c->room))
		compact(c);
	cause = page_of(c, pc, &p, &whole);
	if (cause)
		return cause;
	if (unlikely(!whole || c->stepping))
		return find_single(c, p, pc, out, tval);
	if (unlikely(offset == GMEM_PAGE_SIZE - 2))
		return find_last(c, p, pc, out, tval);
	*out = block_lookup(c, p->pa + offset, RV64_PAGE_NONE);
	if (!*out) {
		page_renew(c, p);
		*out = block_new(c, p, offset, NULL, NULL);
	}
	return 0;
}

int rv64_code_find(struct rv64_code *c, uint64_t pc, struct rv64_block **out, uint64_t *tval)
{
	const struct rv64_mmu *mmu = &c->hart->mmu;
	uint64_t flushes, moves, ctx;
	int cause;

	do {
		flushes = c->flushes;
		moves = c->moves;
		ctx = mmu->fetch_ctx;
		cause = find(c, pc, out, tval);
	} while (c->moves != moves || c->flushes != flushes || mmu->fetch_ctx != ctx);
	if (!cause && *out != c->single)
		c->jump[rv64_jump_index(c->hart, pc)] =
			(struct rv64_jump){.tag = rv64_code_tag(c->hart, pc), .block = *out};
	return cause;
}

/* ---- what makes things void ---- */

void rv64_code_fence_i(struct rv64_code *c)
{
	const struct cpu_vm_config *cfg = &c->hart->cpu.vm->cfg;
	bool any = false;

	if (unlikely(cfg->coherence))
		coherence_drop_code(cfg->coherence, cfg->core);
	for (unsigned i = 0; i < c->n_pages; i++) {
		struct rv64_code_page *p = &c->page[i];

		if (likely(!page_changed(p)))
			continue;
		p->serial++;
		p->seen = atomic_load_explicit(p->word, memory_order_relaxed) & ~GMEM_HAS_CODE;
		any = true;
	}
	if (any) {
		rv64_code_forget_jumps(c);
		c->flushes++;
	}
}

/* Whether a tag is one of the virtual page, in any context. */
static bool tag_of_page(uint64_t tag, uint64_t page)
{
	return !((tag ^ page << 12) & ((BIT(RV64_CODE_TAG_SHIFT) - 1) & ~PAGE_MASK));
}

/* Removes from the jump cache what begins in the page. */
static void flush_jumps(struct rv64_code *c, uint64_t page)
{
	unsigned group = rv64_jump_index(c->hart, page << 12) / RV64_JUMP_SLOTS;
	struct rv64_jump *j = &c->jump[(size_t)group * RV64_JUMP_SLOTS];

	rv64_mmu_void_half(&c->hart->mmu, page >> 51 & 1);
	for (unsigned i = 0; i < RV64_JUMP_SLOTS; i++)
		if (unlikely(tag_of_page(j[i].tag, page)))
			j[i].tag = RV64_CODE_NONE;
}

/* Removes from the jump cache what begins in the page's last halfword, and may end in the next
 * page: it has a place for each share of a context. */
static void flush_last_jump(struct rv64_code *c, uint64_t page)
{
	unsigned place = rv64_jump_index(c->hart, (page << 12) + GMEM_PAGE_SIZE - 2);

	rv64_mmu_void_half(&c->hart->mmu, page >> 51 & 1);
	for (unsigned i = 0; i < RV64_FETCH_SPREAD; i++) {
		unsigned spread = (i << RV64_FETCH_SPREAD_SHIFT) / sizeof(struct rv64_jump);
		struct rv64_jump *j = &c->jump[place ^ spread];

		if (tag_of_page(j->tag, page))
			j->tag = RV64_CODE_NONE;
	}
}

void rv64_code_flush(struct rv64_code *c, uint64_t va, uint64_t size)
{
	uint64_t page = va >> 12;
	uint64_t last = (va + size - 1) >> 12;

	if (last - page >= FLUSH_PAGES || size > FLUSH_PAGES << 12) {
		forget_virtual(c);
		return;
	}
	c->flushes++;
	if (is_noted(c, (page - 1) & UINT64_MAX >> 12))
		flush_last_jump(c, page - 1);
	for (; page != last + 1; page++) {
		struct rv64_fetch *f = &c->fetch[page % RV64_FETCH_SIZE];

		if (!is_noted(c, page))
			continue;
		if (tag_of_page(f->tag, page))
			f->tag = RV64_CODE_NONE;
		flush_jumps(c, page);
	}
}
