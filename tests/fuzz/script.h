/* SPDX-License-Identifier: MIT */
/* A fuzzer's input, read as a script: numbers one after the other, and zeros at its end. */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct script {
	const uint8_t *p;
	size_t left;
};

static inline uint8_t get8(struct script *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->p++;
}

static inline uint16_t get16(struct script *s)
{
	uint16_t low = get8(s);

	return (uint16_t)(low | get8(s) << 8);
}

static inline uint32_t get32(struct script *s)
{
	uint32_t low = get16(s);

	return low | (uint32_t)get16(s) << 16;
}

/* What has to hold, also in a build without assertions. */
static inline void require(int condition)
{
	if (!condition)
		abort();
}

#endif
