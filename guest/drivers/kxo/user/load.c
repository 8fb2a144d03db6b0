// SPDX-License-Identifier: GPL-2.0
/*
 * average' = average * d + active * (1 - d), with d = e^(-1/n) for an average over n samples.
 * Rounded towards active: else the average of what is always busy would never come to LOAD_ONE.
 */
#include "load.h"

static const uint32_t decay[3] = {1884, 2014, 2037}; /* LOAD_ONE * e^(-1/12), ... */

void load_sample(struct load *l, uint32_t active)
{
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t sum = l->average[i] * decay[i] + active * (LOAD_ONE - decay[i]);

		if (active > l->average[i])
			sum += LOAD_ONE - 1;
		l->average[i] = sum >> LOAD_SHIFT;
	}
}

static unsigned int rounded(uint32_t average)
{
	return (average * 100 + LOAD_ONE / 2) >> LOAD_SHIFT;
}

unsigned int load_whole(uint32_t average)
{
	return rounded(average) / 100;
}

unsigned int load_hundredths(uint32_t average)
{
	return rounded(average) % 100;
}
