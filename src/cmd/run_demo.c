/* SPDX-License-Identifier: MIT */
/*
 * The demonstration is a command in the default guest, guest/image/root/lib/linnet/ping-pong, so
 * all that holds for --exec does for it: its output alone is on standard output, its status is
 * ours, and the guest powers off behind it.
 *
 * It needs drivers that Debian's kernel does not have. They are built when they are first needed:
 * who gives a board nothing to do does not know of them. For a command of the user's own nothing is
 * downloaded unasked.
 */
#include "cmd/run_demo.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/guest_set.h"
#include "cmd/run_options.h"
#include "machine/machine.h"

#define COMMAND    "/lib/linnet/ping-pong"
#define MEM_ENOUGH (128u << 20) /* for Debian's kernel and the default initial RAM disk */

/* Whether something tells what the machine, or a core of it, is to do. */
static bool has_task(const struct run_options *o)
{
	bool own_guest = o->initrd || o->firmware || o->dtb || o->small_core.path ||
			 (o->kernel && !guest_set_is_own(o->kernel));
	bool own_mode = o->append_only || (o->append && strstr(o->append, "linnet.mode="));
	bool steered = o->console.given || o->control || o->gdb.address;

	return own_guest || own_mode || steered || o->exec || o->dump_dtb;
}

int run_demo_choose(struct run_options *o, struct err *e)
{
	const struct machine_type *type = o->machine ? machine_type_find(o->machine) : NULL;

	if (!type || !type->small || has_task(o) || isatty(STDIN_FILENO))
		return 0;
	if (!o->kernel && (o->mem ? o->mem : type->default_mem) < MEM_ENOUGH)
		return err_set(
			e, -EINVAL,
			"the machine %s is too small for Debian's kernel; add --kernel small "
			"(built in some minutes, once) or --mem 256M",
			type->name);
	o->exec = COMMAND;
	o->demo = true;
	return 0;
}

int run_demo_equip(const struct run_options *o, struct guest_set *g, struct err *e)
{
	const char *own = guest_set_is_own(o->kernel) ? o->kernel : NULL;
	int ret;

	if (!o->demo || o->no_extras || (g->extras && !g->extras_lacking))
		return 0;
	ret = guest_set_build_extras(own, e);
	if (ret == -ECHILD)
		return 0;
	if (ret)
		return ret;
	guest_set_free(g);
	return guest_set_get(g, own, e);
}
