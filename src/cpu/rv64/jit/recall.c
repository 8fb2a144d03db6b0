/* SPDX-License-Identifier: MIT */
/*
 * What native code remembers of translations. It is filled by glue (x86_glue.c) and asked without a
 * look at whether it still holds: all that makes translations void is counted (mmu.h), only C does
 * such things, and native code goes on after C only when the counts have been looked at. When one
 * has moved, everything that depends on it forgets.
 *
 * Sites. Single accesses and groups in blocks that are not the kernel's each have a site with the
 * page that they found last. It may have left the TLB since. While S mode runs nothing need be
 * done, since its blocks have no sites: a program finds its own again after a system call. How many
 * bytes are accessed, and whether they are written, is part of what a site knows, so no two places
 * share one.
 *
 * Targets. Jumps to a known place in another page each have a target, jumps through registers share
 * a table for each space (interp.h); what S mode jumps to is apart from the rest for the reason
 * above.
 *
 * Each segment of code has its share of sites and of targets, and loses them with its code.
 */
#include "cpu/rv64/jit/native.h"

#define SITES_EACH (INTERP_NATIVE_SITES / JIT_SEGMENTS)
#define FAR_EACH   (INTERP_NATIVE_FAR / JIT_SEGMENTS)

static void drop_sites(struct interp *c)
{
	for (unsigned i = 0; i < c->native_n_known; i++)
		c->native_site[c->native_known[i] / sizeof(c->native_site[0])].limit = 0;
	c->native_n_known = 0;
}

/* Nobody jumps to odd addresses but through a register, who looks at the element that bits 10 to 1
 * of the address say: 1 is for the first one of native_near, and 3 for the second one. */
static void forget_target(struct interp *c, struct interp_target *t, unsigned space)
{
	t->pc = t == &c->native_near[space][0] ? 3 : 1;
	t->known = 0;
}

static void drop_targets(struct interp *c, unsigned space)
{
	for (unsigned i = 0; i < c->native_n_targets[space]; i++)
		forget_target(c, c->native_target_known[space][i], space);
	c->native_n_targets[space] = 0;
	forget_target(c, &c->native_near[space][0], space); /* it has been so only once dropped */
}

static void check_targets(struct interp *c, unsigned space, uint64_t key)
{
	if (likely(c->native_target_key[space] == key))
		return;
	drop_targets(c, space);
	c->native_target_key[space] = key;
}

void jit_recall_check(struct interp *c)
{
	const struct rv64_hart *h = &c->run.hart;
	const uint64_t *key = h->mmu.fetch_key;

	if (h->priv == RV64_S) {
		check_targets(c, INTERP_KERNEL, key[1]);
		check_targets(c, INTERP_KERNEL_LOW, key[0]);
		return;
	}
	check_targets(c, INTERP_PROGRAM, key[0]);
	if (likely(c->native_data_key == h->mmu.data_key))
		return;
	drop_sites(c);
	c->native_data_key = h->mmu.data_key;
}

void jit_recall_drop(struct interp *c)
{
	drop_sites(c);
	for (unsigned i = 0; i < INTERP_N_SPACES; i++)
		drop_targets(c, i);
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

bool jit_far_new(struct rv64_jit *j, unsigned *n)
{
	struct jit_segment *s = &j->segment[j->current];

	if (s->n_far == FAR_EACH)
		return false;
	*n = j->current * FAR_EACH + s->n_far++;
	j->far[*n] = (struct interp_target){.pc = 1};
	return true;
}
