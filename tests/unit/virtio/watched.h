/* SPDX-License-Identifier: MIT */
/*
 * Code that tells of each read of memory: the sources of the ring, compiled a second time with a
 * compiler that calls a function before each load (meson.build). That function looks whether a byte
 * of a watched range has been read already since the count was last begun.
 */
#ifndef TESTS_WATCHED_H
#define TESTS_WATCHED_H

#include <stddef.h>
#include <stdint.h>

/* Watches [p, p + len). One range at a time, one reading thread. */
void watch_begin(const void *p, size_t len);
void watch_end(void);
/* Forgets what was read. */
void watch_again(void);
/* Bytes that were read once more since then; and whether [p, p + len) was read, all of it. */
size_t watch_n_twice(void);
int watch_saw(const void *p, size_t len);

/* For the test of the test: reads the byte twice. */
unsigned watched_twice(const volatile uint8_t *p);

#endif
