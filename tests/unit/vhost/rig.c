/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

static void on_end(void *arg, const char *why)
{
	struct world *w = arg;

	assert_false(w->ended);
	w->ended = true;
	snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
	vhost_free(w->v);
	w->v = NULL;
}

static int on_mtu(void *arg, uint16_t mtu)
{
	((struct world *)arg)->mtu = mtu;
	return mtu < 68 ? -EINVAL : 0;
}

static const struct vhost_ops ops = {.ended = on_end, .set_mtu = on_mtu};

int rig_setup(void **state)
{
	static struct world w;
	struct vhost_config cfg = {
		.n_queues = TOY_QUEUES, .has_config = true, .ops = &ops, .arg = &w};

	memset(&w, 0, sizeof(w));
	w.n_fds = open_fds();
	assert_int_equal(loop_new(&w.loop), 0);
	front_init(&w.f, w.loop, &cfg.fd);
	w.toy = toy_new(w.loop, &w.freed);
	vdev_offer_ring(&w.toy->vdev, VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
	cfg.loop = w.loop;
	cfg.dev = &w.toy->vdev;
	assert_int_equal(vhost_new(&cfg, &w.v), 0);
	*state = &w;
	return 0;
}

int rig_teardown(void **state)
{
	struct world *w = *state;

	if (w->v)
		vhost_close(w->v);
	front_turn(&w->f);
	assert_true(w->ended && w->freed && !w->v);
	front_fini(&w->f);
	loop_free(w->loop);
	assert_int_equal(open_fds(), w->n_fds);
	return 0;
}
