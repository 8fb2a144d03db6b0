/* SPDX-License-Identifier: MIT */
/* The handle is not kept: the library stays loaded, since glib does not bear being unloaded, and
 * loading it again only counts it. */
#include "backend/slirp_lib.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"

int slirp_lib_load(struct slirp_lib *lib, struct err *e)
{
	static const struct {
		const char *name;
		size_t offset;
	} functions[] = {
		{"slirp_new", offsetof(struct slirp_lib, new_)},
		{"slirp_cleanup", offsetof(struct slirp_lib, cleanup)},
		{"slirp_pollfds_fill", offsetof(struct slirp_lib, pollfds_fill)},
		{"slirp_pollfds_poll", offsetof(struct slirp_lib, pollfds_poll)},
		{"slirp_input", offsetof(struct slirp_lib, input)},
		{"slirp_add_hostfwd", offsetof(struct slirp_lib, add_hostfwd)},
	};
	void *handle = dlopen("libslirp.so.0", RTLD_NOW | RTLD_LOCAL);
	void *fn;

	if (!handle)
		return err_set(e, -ENOENT,
			       "--net user: libslirp cannot be loaded (%s); install the package "
			       "libslirp0, or run with --net none",
			       dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		fn = dlsym(handle, functions[i].name);
		if (!fn)
			return err_set(e, -ENOENT,
				       "--net user: libslirp has no %s; install a newer libslirp0, "
				       "or run with --net none",
				       functions[i].name);
		memcpy((char *)lib + functions[i].offset, &fn, sizeof(fn));
	}
	return 0;
}
