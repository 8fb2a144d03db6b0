/* SPDX-License-Identifier: MIT */
/* The shared object that build.sh makes. */
#ifndef KERNEL_RING_LOAD_H
#define KERNEL_RING_LOAD_H

#include <dlfcn.h>
#include <stdio.h>

#include "kring.h"

/* NULL: it cannot be loaded, and standard error says why. It is never unloaded. */
static inline const struct kring_ops *kring_load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);
	const struct kring_ops *ops = library ? dlsym(library, "kring") : NULL;

	if (!ops)
		(void)fprintf(stderr, "%s\n", dlerror());
	return ops;
}

#endif
