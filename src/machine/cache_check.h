/* SPDX-License-Identifier: MIT */
/*
 * --check-coherence: the caches of a board's two cores, by cpu/coherence.h. Each mistake is told of
 * once, with the functions' names where an ELF file has them, and their number at the end. On the
 * thread that builds the machine; all do nothing when cfg.check_coherence is false.
 */
#ifndef MACHINE_CACHE_CHECK_H
#define MACHINE_CACHE_CHECK_H

struct err;
struct machine;

/* The cores, as cpu_vm_config.core has them. */
#define CACHE_CHECK_BIG   0u
#define CACHE_CHECK_SMALL 1u

/* Before the harts are made: sets m->coherence. 0 or -errno. */
int cache_check_new(struct machine *m);
/* When memory and device tree are there, and nothing runs. What the tree reserves is shared. 0, or
 * -errno with the message in e. */
int cache_check_begin(struct machine *m, struct err *e);
/* Tells how many there were, if it had begun. */
void cache_check_free(struct machine *m);

#endif
