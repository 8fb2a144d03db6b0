/* SPDX-License-Identifier: MIT */
/*
 * What a configuration asks for in virtio devices, made in an order that stays: disks, networks,
 * console, entropy, power button, balloon, vsock, rpmsg, devices of other processes. Where each of
 * them is plugged in, its board says.
 */
#include "machine/devices.h"

#include <errno.h>
#include <string.h>

#include "backend/block.h"
#include "backend/net.h"
#include "base/err.h"
#include "base/fault.h"
#include "dev/balloon.h"
#include "dev/blk.h"
#include "dev/console.h"
#include "dev/input.h"
#include "dev/net.h"
#include "dev/net_spec.h"
#include "dev/rng.h"
#include "dev/rpmsg_echo.h"
#include "dev/vsock.h"
#include "machine/board.h"
#include "mem/gmem.h"
#include "virtio/vdev.h"

#define FIXED_SEED 0x4c696e6e6574ull /* what a repeatable machine takes for chance */

static int add_device(struct machine *m, struct vdev *dev)
{
	int ret = -ENOSPC;

	vdev_offer_ring(dev, m->cfg.ring_features);
	if (m->cfg.ring_size)
		vdev_limit_rings(dev, m->cfg.ring_size);
	if (m->n_devices < MACHINE_MAX_DEVICES)
		ret = m->cfg.type->plug(m, dev);
	if (ret)
		vdev_free(dev);
	return ret;
}

/* Guest memory whose pages never change can be registered with the kernel. */
static void lend_memory(struct machine *m, struct block *block)
{
	struct iovec region[BLOCK_MEMORY_MAX];
	unsigned n = 0;

	for (; n < m->mem->n && n < BLOCK_MEMORY_MAX; n++)
		region[n] = (struct iovec){.iov_base = m->mem->region[n].host,
					   .iov_len = m->mem->region[n].size};
	block_use_memory(block, region, n);
}

static int add_disk(struct machine *m, const struct machine_disk *d)
{
	struct loop *loops[BLK_QUEUES_MAX];
	const struct blk_config cfg = {
		.block = d->block,
		.queue_loop = loops,
		.serial = d->serial,
		.n_queues = d->n_queues,
		.ring_size = m->cfg.ring_size,
	};
	struct vdev *dev;
	int ret;

	if (m->cfg.mem_prealloc)
		lend_memory(m, d->block);
	iothreads_place(&m->io, m->loop, d->iothread, d->block->single_loop, loops,
			d->n_queues ? d->n_queues : 1);
	ret = blk_new(&cfg, &dev);
	return ret ? ret : add_device(m, dev);
}

/* A pair's two sides on a loop each only where the network can. */
static void place_net(struct machine *m, const struct machine_net *n, struct loop **loops)
{
	unsigned n_pairs = n->n_queues ? n->n_queues : 1;
	struct loop *pair[NET_PAIRS_MAX];

	if (n->net->split) {
		iothreads_place(&m->io, m->loop, n->iothread, false, loops, 2 * n_pairs);
		return;
	}
	iothreads_place(&m->io, m->loop, n->iothread, n->net->single_loop, pair, n_pairs);
	for (unsigned i = 0; i < 2 * n_pairs; i++)
		loops[i] = pair[i / 2];
}

static int add_net(struct machine *m, const struct machine_net *n)
{
	struct loop *loops[2 * NET_PAIRS_MAX];
	struct netdev_config cfg = {.net = n->net,
				    .loop = m->loop,
				    .queue_loop = loops,
				    .mtu = (uint16_t)n->mtu,
				    .speed = n->speed,
				    .n_pairs = n->n_queues};
	struct vdev *dev;
	int ret;

	place_net(m, n, loops);
	memcpy(cfg.mac, n->mac, sizeof(cfg.mac));
	ret = netdev_new(&cfg, &dev);
	return ret ? ret : add_device(m, dev);
}

static int add_console(struct machine *m)
{
	struct console_port_config port[MACHINE_MAX_PORTS];
	const struct console_config cfg = {
		.loop = m->loop, .port = port, .n_ports = m->cfg.n_ports};
	struct vdev *dev;
	int ret;

	for (unsigned i = 0; i < m->cfg.n_ports; i++)
		port[i] = (struct console_port_config){.name = m->cfg.port[i].name,
						       .chr = m->cfg.port[i].chr};
	ret = console_new(&cfg, &dev);
	return ret ? ret : add_device(m, dev);
}

static int add_rng(struct machine *m)
{
	const struct rng_config cfg = {
		.loop = m->loop,
		.repeatable = m->cfg.counted_time,
		.rate = m->cfg.rng_rate,
		.seed = FIXED_SEED,
		.fault = fault_point(faults_device(m->cfg.faults, "rng0"), FAULT_READ),
	};
	struct vdev *dev;
	int ret = rng_new(&cfg, &dev);

	return ret ? ret : add_device(m, dev);
}

static int add_balloon(struct machine *m)
{
	const struct balloon_config cfg = {.loop = m->loop, .mem = m->mem};
	int ret = balloon_new(&cfg, &m->balloon);

	return ret ? ret : add_device(m, m->balloon);
}

static int add_vsock(struct machine *m)
{
	const struct vsock_config cfg = {.loop = m->loop,
					 .cid = m->cfg.vsock.cid,
					 .path = m->cfg.vsock.path,
					 .listener = m->cfg.vsock.listener};
	struct vdev *dev;
	int ret = vsock_new(&cfg, &dev);

	return ret ? ret : add_device(m, dev);
}

static int add_rpmsg(struct machine *m)
{
	struct vdev *dev;
	int ret = rpmsg_echo_new(m->loop, &dev);

	return ret ? ret : add_device(m, dev);
}

static int add_remote(struct machine *m, const struct machine_remote *r, struct err *e)
{
	struct remote_config cfg = {.kind = r->kind,
				    .loop = m->loop,
				    .mem = m->mem,
				    .label = r->label,
				    .tag = r->tag,
				    .mtu = r->mtu,
				    .speed = r->speed,
				    .n_queues = r->n_queues,
				    .reconnect = r->comes_back ? r->connect : NULL,
				    .arg = r->arg,
				    .record = r->record,
				    .record_arg = r->record_arg};
	struct vdev *dev;
	int ret = r->connect(r->arg, &cfg.fd, e);

	memcpy(cfg.mac, r->mac, sizeof(cfg.mac));
	if (!ret)
		ret = remote_new(&cfg, &dev, e);
	if (ret)
		return ret;
	ret = add_device(m, dev);
	return ret ? err_set(e, ret, "%s: this board has no place left for it", r->label) : 0;
}

/* Said by whoever failed. */
static int add_remotes(struct machine *m, struct err *e)
{
	int ret = 0;

	for (unsigned i = 0; i < m->cfg.n_remotes && !ret; i++)
		ret = add_remote(m, &m->cfg.remote[i], e);
	return ret;
}

static int add_power_button(struct machine *m)
{
	int ret = input_power_button_new(m->loop, &m->power_button);

	return ret ? ret : add_device(m, m->power_button);
}

static int add_own(struct machine *m)
{
	int ret = 0;

	for (unsigned i = 0; i < m->cfg.n_disks && !ret; i++)
		ret = add_disk(m, &m->cfg.disk[i]);
	for (unsigned i = 0; i < m->cfg.n_nets && !ret; i++)
		ret = add_net(m, &m->cfg.net[i]);
	if (!ret && m->cfg.n_ports)
		ret = add_console(m);
	if (!ret && m->cfg.rng)
		ret = add_rng(m);
	if (!ret && m->cfg.power_button)
		ret = add_power_button(m);
	if (!ret && m->cfg.balloon)
		ret = add_balloon(m);
	if (!ret && m->cfg.vsock.cid)
		ret = add_vsock(m);
	if (!ret && m->cfg.rpmsg_echo)
		ret = add_rpmsg(m);
	return ret;
}

int devices_add(struct machine *m, struct err *e)
{
	int ret = add_own(m);

	if (ret == -ENOSPC)
		return err_set(e, ret, "the machine %s has no place left for all virtio devices",
			       m->cfg.type->name);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	return add_remotes(m, e);
}
