/* SPDX-License-Identifier: MIT */
/* The kinds of devices with their operations, and the wrapping of a configuration's back ends. */
#include "machine/faults.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/block.h"
#include "backend/block_fault.h"
#include "backend/chr.h"
#include "backend/chr_fault.h"
#include "backend/net.h"
#include "backend/net_fault.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fault.h"

/* What every virtio device has. */
#define VIRTIO_FAULTS                                                            \
	[FAULT_IRQ] = FAULT_LOST | FAULT_SPURIOUS, [FAULT_GONE] = FAULT_HAPPENS, \
	[FAULT_BROKEN] = FAULT_HAPPENS

static const struct fault_kind disk_kind = {
	.name = "disk",
	.has_sectors = true,
	.what = {[FAULT_READ] = FAULT_ERROR | FAULT_DELAY | FAULT_SHORT | FAULT_CORRUPT,
		 [FAULT_WRITE] = FAULT_ERROR | FAULT_DELAY | FAULT_SHORT | FAULT_DROP |
				 FAULT_CORRUPT,
		 [FAULT_FLUSH] = FAULT_ERROR | FAULT_DELAY | FAULT_DROP,
		 VIRTIO_FAULTS},
};

static const struct fault_kind net_kind = {
	.name = "net",
	.what = {[FAULT_TX] = FAULT_DELAY | FAULT_SHORT | FAULT_DROP | FAULT_CORRUPT,
		 [FAULT_RX] = FAULT_DELAY | FAULT_SHORT | FAULT_DROP | FAULT_CORRUPT,
		 VIRTIO_FAULTS},
};

static const struct fault_kind console_kind = {.name = "console", .what = {VIRTIO_FAULTS}};

static const struct fault_kind rng_kind = {
	.name = "rng",
	.what = {[FAULT_READ] = FAULT_ERROR | FAULT_SHORT, VIRTIO_FAULTS},
};

static const struct fault_kind uart_kind = {
	.name = "uart",
	.what = {[FAULT_TX] = FAULT_DROP | FAULT_CORRUPT, [FAULT_RX] = FAULT_DROP | FAULT_CORRUPT},
};

static const struct fault_kind *const kinds[] = {&disk_kind, &net_kind, &console_kind, &rng_kind,
						 &uart_kind};

static int add(struct machine_faults *mf, const struct fault_kind *kind, unsigned index,
	       struct fault_device **out)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%.8s%u", kind->name, index);
	return faults_device_new(mf->set, kind, name, out);
}

static int add_disk(struct machine_faults *mf, struct machine_disk *disk, unsigned index)
{
	struct fault_device *d;
	int ret = add(mf, &disk_kind, index, &d);

	if (!ret)
		ret = block_fault_new(disk->block, d, &mf->disk[index]);
	if (!ret)
		disk->block = mf->disk[index];
	return ret;
}

static int add_net(struct machine_faults *mf, struct machine_net *net, unsigned index)
{
	struct fault_device *d;
	int ret = add(mf, &net_kind, index, &d);

	if (!ret)
		ret = net_fault_new(net->net, d, &mf->net[index]);
	if (!ret)
		net->net = mf->net[index];
	return ret;
}

/* A UART that is connected to nothing stays so: no byte of it can get lost. */
static int add_uart(struct machine_faults *mf, struct machine_config *cfg)
{
	struct fault_device *d;
	int ret = add(mf, &uart_kind, 0, &d);

	if (ret || !cfg->console)
		return ret;
	ret = chr_fault_new(cfg->console, d, &mf->console);
	if (!ret)
		cfg->console = mf->console;
	return ret;
}

int machine_faults_open(struct machine_faults *mf, struct machine_config *cfg, struct loop *loop,
			struct err *e)
{
	struct fault_device *d;
	int ret;

	*mf = (struct machine_faults){0};
	ret = faults_new(loop, &mf->set);
	for (unsigned i = 0; i < cfg->n_disks && !ret; i++)
		ret = add_disk(mf, &cfg->disk[i], i);
	for (unsigned i = 0; i < cfg->n_nets && !ret; i++)
		ret = add_net(mf, &cfg->net[i], i);
	if (!ret && cfg->n_ports)
		ret = add(mf, &console_kind, 0, &d);
	if (!ret && cfg->rng)
		ret = add(mf, &rng_kind, 0, &d);
	if (!ret)
		ret = add_uart(mf, cfg);
	if (ret) {
		machine_faults_close(mf);
		return err_set(e, ret, "--fault: %s", strerror(-ret));
	}
	cfg->faults = mf->set;
	return 0;
}

void machine_faults_close(struct machine_faults *mf)
{
	for (unsigned i = 0; i < MACHINE_MAX_DISKS; i++)
		if (mf->disk[i])
			mf->disk[i]->ops->free(mf->disk[i]);
	for (unsigned i = 0; i < MACHINE_MAX_NETS; i++)
		if (mf->net[i])
			mf->net[i]->ops->free(mf->net[i]);
	chr_free(mf->console);
	faults_free(mf->set);
	*mf = (struct machine_faults){0};
}

void machine_faults_print_help(FILE *to)
{
	faults_print_help(to, kinds, ARRAY_SIZE(kinds));
}
