/* SPDX-License-Identifier: MIT */
/* The keys of --iothreads, and what has to be known of other options to judge it. */
#include "cmd/run_iothreads.h"

#include <errno.h>
#include <stddef.h>

#include "base/err.h"
#include "cmd/run_options.h"

#define POLL_US_MAX 1000u

const struct opt run_iothreads_keys[] = {
	{.name = "n",
	 .kind = OPT_UINT,
	 .min = 1,
	 .max = IOTHREADS_MAX,
	 .offset = offsetof(struct run_iothreads, n)},
	{.name = "poll",
	 .arg = "US",
	 .kind = OPT_UINT,
	 .max = POLL_US_MAX,
	 .offset = offsetof(struct run_iothreads, poll_us)},
	{0},
};

int run_iothreads_option(void *ctx, const char *label, char *value, struct err *e)
{
	struct run_options *o = ctx;

	o->iothreads = (struct run_iothreads){0};
	return opt_parse_list(run_iothreads_keys, &o->iothreads, label, value, "n", e);
}

/* Whether there is a thread of the number that a device asks for. */
static int check_number(const struct run_iothreads *t, const char *option, unsigned which,
			struct err *e)
{
	if (which == IOTHREADS_ANY || which < t->n)
		return 0;
	if (!t->n)
		return err_set(e, -EINVAL, "%s: iothread=%u: there are none; add --iothreads %u",
			       option, which, which + 1);
	return err_set(e, -EINVAL, "%s: iothread=%u: --iothreads %u makes numbers 0 to %u", option,
		       which, t->n, t->n - 1);
}

int run_iothreads_check(const struct run_options *o, struct err *e)
{
	const struct run_iothreads *t = &o->iothreads;
	int ret = check_number(t, "--net", o->net.iothread, e);

	if (!ret && o->net.kind == RUN_NET_SWITCH && o->net.iothread != IOTHREADS_ANY)
		ret = err_set(
			e, -EINVAL,
			"--net: iothread=%u: a switch's card is served by `linnet switch`; leave "
			"it out",
			o->net.iothread);
	for (unsigned i = 0; i < o->n_disks && !ret; i++)
		ret = check_number(t, "--disk", o->disk[i].iothread, e);
	if (!ret && t->n && o->clock == RUN_CLOCK_INSTRUCTIONS)
		ret = err_set(e, -EINVAL,
			      "--clock instructions makes each run the same, which takes a single "
			      "thread; leave out --iothreads %u",
			      t->n);
	return ret;
}
