/* SPDX-License-Identifier: MIT */
/*
 * What single accesses and groups of native code remember of the TLB, in blocks that are not the
 * kernel's: each such place has a site with the page that it found there the last time. A site is
 * filled by glue (x86_glue.c), and may hold what the TLB has lost to another page since; so all
 * that makes translations void is counted (mmu.h), and when the count has moved every site that
 * knows something forgets it. Only C moves it, and native code goes on after C only when that has
 * been looked at. While S mode runs nothing need be done, since its blocks have no sites: a program
 * finds its own again after a system call.
 *
 * No two places share a site: how many bytes are accessed, and whether they are written, is part of
 * what it knows. Each segment of code has its share of sites, and loses them with its code.
 */
#include "cpu/rv64/jit/native.h"

#define SITES_EACH (INTERP_NATIVE_SITES / JIT_SEGMENTS)

void jit_sites_drop(struct interp *c)
{
	for (unsigned i = 0; i < c->native_n_known; i++)
		c->native_site[c->native_known[i] / sizeof(c->native_site[0])].limit = 0;
	c->native_n_known = 0;
}

void jit_sites_check(struct interp *c)
{
	const struct rv64_hart *h = &c->run.hart;

	if (likely(c->native_data_key == h->mmu.data_key || h->priv == RV64_S))
		return;
	jit_sites_drop(c);
	c->native_data_key = h->mmu.data_key;
}

bool jit_site_new(struct rv64_jit *j, unsigned *n)
{
	struct jit_segment *s = &j->segment[j->current];

	if (s->n_sites == SITES_EACH)
		return false;
	*n = j->current * SITES_EACH + s->n_sites++;
	j->site[*n] = (struct interp_site){0};
	return true;
}
