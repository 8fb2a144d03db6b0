/* SPDX-License-Identifier: MIT */
/*
 * The model. For each word of 2 bytes: who wrote it last, at which pc, and whether that is still in
 * the writer's cache (`dirty`) or has reached memory, and when. For each line: since when each core
 * has a copy of it. Time is a number that each event moves.
 *
 * A core reads something else than what was written last
 *   - when the word is dirty in the other core's cache,
 *   - or has reached memory after this core had fetched its copy of the line.
 * That alone is no mistake: whoever polls may well read an old value, and look again. It is one
 * when the reader had reason to rely on the write, that is, when the write came before something by
 * which the cores had synchronized: a bell that was rung (registers), or a word that the reader has
 * read as the other core wrote it. `known` is, for each core, the time up to which it knows what
 * the other has done.
 *
 * An instruction cache has lines of its own, which no operation on data reaches, and which a core
 * drops as a whole: of a line is known when it was fetched, of a core when it dropped all. It is
 * filled from memory, and so does not find what is dirty in the other core's cache. What a core has
 * written itself is seen by its own fence.i, and is not looked at.
 *
 * A line that is written back takes all of its 64 bytes along: what the other core has put into
 * memory beneath it is lost, and whoever reads that, the other core too, finds something else.
 *
 * Pages that core 1 has never touched are not followed by words, only whether core 0 has read or
 * written them through its cache; core 0 needs to tell of such a page once (COHERENCE_FAST). When
 * core 1 comes, all that core 0 has ever written there counts as dirty. But in a page in which core
 * 0 has written lines back before that, it is supposed to have done so with all it meant to.
 */
#include "cpu/coherence.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "mem/gmem.h"

#define WORD       2u
#define PAGE_WORDS (GMEM_PAGE_SIZE / WORD)
#define PAGE_LINES (GMEM_PAGE_SIZE / COHERENCE_LINE)
#define LINE_WORDS (COHERENCE_LINE / WORD)
#define MAX_PLACES 1024u
#define NOBODY     0u

struct word {
	uint64_t pc;
	uint64_t time;  /* of the write when dirty, else when it reached memory */
	uint8_t writer; /* core + 1, or NOBODY */
	bool dirty, by_page;
	bool lost; /* a line was written back over it, by `writer` at `pc` */
};

struct lines {
	struct word word[PAGE_WORDS];
	uint64_t held[COHERENCE_CORES][PAGE_LINES];    /* since when; 0: no copy */
	uint64_t fetched[COHERENCE_CORES][PAGE_LINES]; /* the same as code; void when dropped */
};

struct page {
	struct lines *lines; /* NULL: not followed */
	uint64_t pc, time;   /* core 0's last store that was told of, when `written` */
	bool shared;         /* followed as soon as it is touched */
	bool read, written;  /* by core 0, through its cache */
};

struct place {
	uint64_t reader_pc, writer_pc;
};

struct coherence {
	struct coherence_config cfg;
	pthread_mutex_t lock;
	struct page *page[GMEM_MAX_REGIONS];
	uint64_t time;
	uint64_t known[COHERENCE_CORES];
	uint64_t rung[COHERENCE_CORES];
	uint64_t dropped[COHERENCE_CORES]; /* when the instruction cache was emptied */
	uint64_t n_wrong;
	unsigned n_places;
	struct place place[MAX_PLACES];
};

int coherence_new(const struct coherence_config *cfg, struct coherence **out)
{
	struct coherence *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	c->time = 1;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

int coherence_begin(struct coherence *c)
{
	for (unsigned i = 0; i < c->cfg.mem->n; i++) {
		c->page[i] = calloc(c->cfg.mem->region[i].size >> GMEM_PAGE_SHIFT,
				    sizeof(*c->page[i]));
		if (!c->page[i])
			return -ENOMEM;
	}
	return 0;
}

void coherence_free(struct coherence *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < GMEM_MAX_REGIONS && c->page[i]; i++) {
		uint64_t n = c->cfg.mem->region[i].size >> GMEM_PAGE_SHIFT;

		for (uint64_t k = 0; k < n; k++)
			free(c->page[i][k].lines);
		free(c->page[i]);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* NULL: no RAM. */
static struct page *page_at(struct coherence *c, uint64_t pa)
{
	const struct gmem_region *r = gmem_find(c->cfg.mem, pa);

	return r ? &c->page[r - c->cfg.mem->region][(pa - r->gpa) >> GMEM_PAGE_SHIFT] : NULL;
}

static struct word *word_at(struct page *p, uint64_t pa)
{
	return &p->lines->word[pa % GMEM_PAGE_SIZE / WORD];
}

static uint64_t *held_at(struct page *p, unsigned core, uint64_t pa)
{
	return &p->lines->held[core][pa % GMEM_PAGE_SIZE / COHERENCE_LINE];
}

void coherence_share(struct coherence *c, uint64_t base, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += GMEM_PAGE_SIZE) {
		struct page *p = page_at(c, base + at);

		if (p)
			p->shared = true;
	}
}

/* From here on the page is followed. What core 0 did there before is known by page only. False: no
 * memory, and then it is not. */
static bool follow(struct page *p, bool suspect)
{
	p->lines = calloc(1, sizeof(*p->lines));
	if (!p->lines)
		return false;
	for (unsigned i = 0; i < PAGE_WORDS && p->written && suspect; i++)
		p->lines->word[i] = (struct word){
			.pc = p->pc, .time = p->time, .writer = 1, .dirty = true, .by_page = true};
	for (unsigned i = 0; i < PAGE_LINES && (p->read || p->written); i++)
		p->lines->held[0][i] = 1;
	return true;
}

/* ---- what is wrong ---- */

/* Whether the pair is a new one. When there is no room for more, no further ones are told of. */
static bool note_place(struct coherence *c, uint64_t reader_pc, uint64_t writer_pc)
{
	for (unsigned i = 0; i < c->n_places; i++)
		if (c->place[i].reader_pc == reader_pc && c->place[i].writer_pc == writer_pc)
			return false;
	if (c->n_places == MAX_PLACES)
		return false;
	c->place[c->n_places++] = (struct place){reader_pc, writer_pc};
	return true;
}

static void wrong(struct coherence *c, enum coherence_fault fault, unsigned core, uint64_t pa,
		  uint64_t pc, const struct word *w, bool fetch)
{
	const struct coherence_report r = {.fault = fault,
					   .fetch = fetch,
					   .reader = core,
					   .writer = w->writer - 1u,
					   .pa = pa,
					   .reader_pc = pc,
					   .writer_pc = w->pc,
					   .by_page = w->by_page};

	c->n_wrong++;
	/* Of code a page at a time: an odd number, as no pc is. */
	if (note_place(c, fetch ? align_down(pc, GMEM_PAGE_SIZE) | 1 : pc, w->pc))
		c->cfg.report(c->cfg.arg, &r);
}

/* ---- accesses; under the lock ---- */

/* Whether the core has found what was written last in this word; held: since when it has a copy of
 * the line in the cache that it asks, or 0. */
static bool read_word(struct coherence *c, unsigned core, const struct coherence_access *a,
		      const struct word *w, uint64_t pa, uint64_t held, bool fetch)
{
	bool stale = a->cached && held && held < w->time;

	if (w->lost) {
		wrong(c, COHERENCE_OVERWRITTEN, core, pa, a->pc, w, fetch);
		return false;
	}
	if (w->writer == NOBODY || w->writer == core + 1)
		return true;
	if (!w->dirty && !stale) {
		c->known[core] = max_u64(c->known[core], w->time);
		return true;
	}
	if (w->time > c->known[core])
		return true; /* not relied on */
	wrong(c, w->dirty ? COHERENCE_NOT_CLEANED : COHERENCE_NOT_INVALIDATED, core, pa, a->pc, w,
	      fetch);
	return false;
}

static void write_word(struct coherence *c, unsigned core, const struct coherence_access *a,
		       struct page *p, uint64_t pa)
{
	*word_at(p, pa) = (struct word){
		.pc = a->pc, .time = ++c->time, .writer = (uint8_t)(core + 1), .dirty = a->cached};
}

static void access_words(struct coherence *c, unsigned core, const struct coherence_access *a,
			 struct page *p)
{
	uint64_t end = a->pa + a->len;
	bool good = true;

	for (uint64_t pa = a->pa; pa < end; pa = align_down(pa, WORD) + WORD) {
		uint64_t *held = held_at(p, core, pa);

		if (a->write)
			write_word(c, core, a, p, pa);
		else if (good) /* one report an access */
			good = read_word(c, core, a, word_at(p, pa), pa, *held, false);
		if (a->cached && !*held)
			*held = ++c->time;
	}
}

static void fetch_words(struct coherence *c, unsigned core, const struct coherence_access *a,
			struct page *p)
{
	uint64_t end = a->pa + a->len;
	bool good = true;

	for (uint64_t pa = a->pa; pa < end && good; pa += WORD) {
		uint64_t *at = &p->lines->fetched[core][pa % GMEM_PAGE_SIZE / COHERENCE_LINE];
		uint64_t held = *at > c->dropped[core] ? *at : 0;

		good = read_word(c, core, a, word_at(p, pa), pa, held, true);
		if (a->cached && !held)
			*at = ++c->time;
	}
}

/* Core 0 alone uses the page, as far as is known. */
static void note_page(struct coherence *c, const struct coherence_access *a, struct page *p)
{
	if (!a->cached)
		return;
	if (a->write) {
		p->written = true;
		p->pc = a->pc;
		p->time = ++c->time;
	} else {
		p->read = true;
	}
}

/* The core comes to the page, which is followed from here on if it has to be. */
static enum coherence_next come(struct page *p, unsigned core)
{
	bool had = p->lines;

	if (!had && (core || p->shared))
		(void)follow(p, true);
	if (!p->lines)
		return core ? COHERENCE_ALWAYS : COHERENCE_FAST;
	return core && !had && !p->shared ? COHERENCE_FORGET : COHERENCE_ALWAYS;
}

static enum coherence_next look(struct coherence *c, unsigned core,
				const struct coherence_access *a, bool fetch)
{
	struct page *p = page_at(c, a->pa);
	enum coherence_next next;

	pthread_mutex_lock(&c->lock);
	next = come(p, core);
	if (p->lines && fetch)
		fetch_words(c, core, a, p);
	else if (p->lines)
		access_words(c, core, a, p);
	else if (!fetch)
		note_page(c, a, p);
	pthread_mutex_unlock(&c->lock);
	return next;
}

enum coherence_next coherence_access(struct coherence *c, unsigned core,
				     const struct coherence_access *a)
{
	return look(c, core, a, false);
}

enum coherence_next coherence_fetch(struct coherence *c, unsigned core,
				    const struct coherence_access *a)
{
	return look(c, core, a, true);
}

void coherence_drop_code(struct coherence *c, unsigned core)
{
	pthread_mutex_lock(&c->lock);
	c->dropped[core] = ++c->time;
	pthread_mutex_unlock(&c->lock);
}

/* ---- caches; under the lock ---- */

/* Whether the line's copy, which the core has had since `held`, has something older in this word
 * than memory. */
static bool beneath(const struct word *w, unsigned core, uint64_t held)
{
	return w->writer != NOBODY && w->writer != core + 1 && !w->dirty && held && held < w->time;
}

/* What the line holds reaches memory, with all of its bytes, if any was written. */
static void clean_line(struct coherence *c, unsigned core, struct page *p, uint64_t line,
		       uint64_t pc)
{
	uint64_t held = *held_at(p, core, line);
	struct word *w = word_at(p, line);
	bool dirty = false;

	c->time++;
	for (unsigned i = 0; i < LINE_WORDS; i++) {
		if (w[i].writer != core + 1 || !w[i].dirty)
			continue;
		dirty = true;
		w[i].dirty = false;
		w[i].time = c->time;
	}
	for (unsigned i = 0; i < LINE_WORDS && dirty; i++)
		if (beneath(&w[i], core, held))
			w[i] = (struct word){.pc = pc,
					     .time = c->time,
					     .writer = (uint8_t)(core + 1),
					     .lost = true};
}

static void do_line(struct coherence *c, unsigned core, struct page *p, uint64_t line, uint64_t pc,
		    unsigned what)
{
	if (what & COHERENCE_CLEAN)
		clean_line(c, core, p, line, pc);
	if (what & COHERENCE_INVALIDATE)
		*held_at(p, core, line) = 0;
}

bool coherence_line(struct coherence *c, unsigned core, uint64_t pa, uint64_t pc, unsigned what)
{
	struct page *p = page_at(c, pa);
	bool fresh = false;

	if (!p)
		return false;
	pthread_mutex_lock(&c->lock);
	if (!p->lines)
		fresh = follow(p, false);
	if (p->lines)
		do_line(c, core, p, align_down(pa, COHERENCE_LINE), pc, what);
	pthread_mutex_unlock(&c->lock);
	return fresh && !core;
}

static void do_page(struct coherence *c, unsigned core, struct page *p, uint64_t gpa, uint64_t pc,
		    unsigned what)
{
	for (unsigned i = 0; p->lines && i < PAGE_LINES; i++)
		do_line(c, core, p, gpa + (uint64_t)i * COHERENCE_LINE, pc, what);
	if (!core && (what & COHERENCE_CLEAN))
		p->written = false;
	if (!core && (what & COHERENCE_INVALIDATE))
		p->read = p->written = false;
}

bool coherence_all(struct coherence *c, unsigned core, uint64_t pc, unsigned what)
{
	const struct gmem *mem = c->cfg.mem;

	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < mem->n; i++) {
		const struct gmem_region *r = &mem->region[i];

		for (uint64_t at = 0; c->page[i] && at < r->size; at += GMEM_PAGE_SIZE)
			do_page(c, core, &c->page[i][at >> GMEM_PAGE_SHIFT], r->gpa + at, pc, what);
	}
	pthread_mutex_unlock(&c->lock);
	return !core;
}

/* ---- synchronization ---- */

void coherence_device(struct coherence *c, unsigned core, uint64_t pa, bool write)
{
	if (pa - c->cfg.bell >= c->cfg.bell_size)
		return;
	pthread_mutex_lock(&c->lock);
	if (write)
		c->rung[core] = c->time;
	else
		c->known[core] = max_u64(c->known[core], c->rung[!core]);
	pthread_mutex_unlock(&c->lock);
}

void coherence_reset(struct coherence *c, unsigned core)
{
	(void)coherence_all(c, core, 0, COHERENCE_INVALIDATE);
	pthread_mutex_lock(&c->lock);
	c->known[0] = c->known[1] = c->dropped[core] = ++c->time;
	pthread_mutex_unlock(&c->lock);
}

void coherence_forget(const struct coherence *c)
{
	c->cfg.forget(c->cfg.arg);
}

uint64_t coherence_counts(struct coherence *c, unsigned *places)
{
	uint64_t n;

	pthread_mutex_lock(&c->lock);
	n = c->n_wrong;
	*places = c->n_places;
	pthread_mutex_unlock(&c->lock);
	return n;
}
