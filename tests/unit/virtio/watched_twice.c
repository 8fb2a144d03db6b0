/* SPDX-License-Identifier: MIT */
/* Compiled as the ring is: what the detector must find. */
#include "watched.h"

unsigned watched_twice(const volatile uint8_t *p)
{
	return *p + 256u * *p;
}
