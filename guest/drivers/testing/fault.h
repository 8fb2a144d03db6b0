/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is not there, for test programs that run as root. Where the kernel can make
 * allocations fail (failslab and /proc/self/fail-nth, as the debug kernel), the first one that a
 * call makes fails, then the second one, and so on until all goes well.
 *
 * One that would not sleep fails too. What is not from the slab (whole pages) does not.
 */
#ifndef TESTING_FAULT_H
#define TESTING_FAULT_H

#include <stdbool.h>

/* False, after a line that says so, when this kernel cannot do that: then nothing else works. */
bool fault_init(void);

/* Puts the text into the file; 0 or the error. */
int fault_tell(const char *path, const char *text);

/*
 * CALL returns 0 or an error, and allocates. It ends well, or with ENOMEM because of the allocation
 * that failed; it does well again afterwards. Some allocation is one that it cannot do without.
 * UNDO, if not NULL, is called after each time with what it returned, and there nothing fails.
 */
void fault_each(const char *what, int (*call)(void), void (*undo)(int error));

/*
 * Loads and unloads the module, with each STEP-th of the allocations that this makes; some are
 * such that it cannot load without, and then GONE, a path that is there with it, is not. Leaves
 * it loaded.
 */
void fault_loading(const char *module, const char *gone, int step);

void fault_unload(const char *module);

#endif
