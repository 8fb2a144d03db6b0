// SPDX-License-Identifier: GPL-2.0
/*
 * The root digit by digit, two binary places of x for one of the root, as one does it by hand.
 *
 * The logarithm: x is 2^whole * m with 1 <= m < 2. Squaring m doubles its logarithm; when the
 * square reaches 2, the next binary place is 1, and half of the square goes on. m has 31 places
 * behind the point; what is cut off there moves the logarithm by less than 2^-29 in all.
 */
#include "fixed.h"

uint32_t xo_isqrt(uint64_t x)
{
	uint64_t root = 0, bit = 1ull << 62;

	while (bit > x)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (x >= root + bit) {
			x -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return (uint32_t)root;
}

uint32_t xo_log2(uint32_t x)
{
	unsigned int whole = 0;
	uint32_t places = 0;
	uint64_t m;

	if (x == 0)
		return 0;
	for (unsigned int half = 16; half; half >>= 1)
		if (x >> (whole + half))
			whole += half;
	m = (uint64_t)x << (31 - whole);
	for (unsigned int i = 0; i < 16; i++) {
		m = m * m >> 31;
		places <<= 1;
		if (m >> 32) {
			m >>= 1;
			places |= 1;
		}
	}
	return whole << 16 | places;
}

uint32_t xo_ln(uint32_t x)
{
	/* ln 2, times 2^32 and rounded down */
	return (uint32_t)((uint64_t)xo_log2(x) * 2977044471u >> 32);
}
