/* SPDX-License-Identifier: MIT */
/* What board/string.c has. */
#ifndef BIG_STRING_H
#define BIG_STRING_H

#include <stddef.h>

void *memset(void *to, int value, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
