/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Load averages in fixed point, as the kernel has them: what was measured long ago counts less and
 * less. A value has LOAD_SHIFT binary places; LOAD_ONE is a CPU that is always busy.
 *
 * Samples come at equal times. The kernel takes one in 5 s, so that its averages are over 1, 5 and
 * 15 minutes; xo-user takes one in 250 ms, for 3, 15 and 45 seconds.
 */
#ifndef XO_LOAD_H
#define XO_LOAD_H

#include <stdint.h>

#define LOAD_SHIFT 11
#define LOAD_ONE   (1u << LOAD_SHIFT)
#define LOAD_MAX   (16u << LOAD_SHIFT)

struct load {
	uint32_t average[3]; /* over 12, 60 and 180 samples; 0 at first */
};

/* active: LOAD_ONE * busy time / time, since the sample before; at most LOAD_MAX. */
void load_sample(struct load *l, uint32_t active);

/* For "%u.%02u": an average as whole and hundredths, rounded to the next. */
unsigned int load_whole(uint32_t average);
unsigned int load_hundredths(uint32_t average);

#endif
