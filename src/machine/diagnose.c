/* SPDX-License-Identifier: MIT */
/*
 * A driver comes up in steps (virtio 3.1.1), each of which leaves its trace in the status byte; the
 * first trace that is missing says where it stopped. Behind DRIVER_OK the counters of the queues go
 * on telling: no kick, no completion, no interrupt.
 */
#include "machine/diagnose.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "virtio/spec.h"

/* The module that Linux has for a device. */
static const char *module_of(uint32_t device_id)
{
	switch (device_id) {
	case VIRTIO_ID_NET: return "virtio_net";
	case VIRTIO_ID_BLOCK: return "virtio_blk";
	case VIRTIO_ID_CONSOLE: return "virtio_console";
	case VIRTIO_ID_RNG: return "virtio-rng";
	case VIRTIO_ID_BALLOON: return "virtio_balloon";
	case VIRTIO_ID_RPMSG: return "virtio_rpmsg_bus";
	case VIRTIO_ID_INPUT: return "virtio_input";
	case VIRTIO_ID_VSOCK: return "vmw_vsock_virtio_transport";
	case VIRTIO_ID_FS: return "virtiofs";
	default: return "of this type";
	}
}

void diagnose_status(const struct diagnose_device *d, char out[DIAGNOSE_TEXT])
{
	static const struct {
		uint8_t bit;
		const char *name;
	} bits[] = {
		{VIRTIO_STATUS_ACKNOWLEDGE, "ACKNOWLEDGE"}, {VIRTIO_STATUS_DRIVER, "DRIVER"},
		{VIRTIO_STATUS_FEATURES_OK, "FEATURES_OK"}, {VIRTIO_STATUS_DRIVER_OK, "DRIVER_OK"},
		{VIRTIO_STATUS_NEEDS_RESET, "NEEDS_RESET"}, {VIRTIO_STATUS_FAILED, "FAILED"}};
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		if (d->status & bits[i].bit)
			len += (size_t)snprintf(out + len, DIAGNOSE_TEXT - len, "%s%s",
						len ? " " : "", bits[i].name);
	if (!len)
		(void)snprintf(out, DIAGNOSE_TEXT, "none");
}

void diagnose_queue(const struct diagnose_queue *q, char out[DIAGNOSE_TEXT])
{
	char posted[32] = "";

	if (!q->ready) {
		(void)snprintf(out, DIAGNOSE_TEXT, "not set up, or stopped");
		return;
	}
	if (q->posted >= 0)
		(void)snprintf(posted, sizeof(posted), " %" PRId32 " posted,", q->posted);
	(void)snprintf(out, DIAGNOSE_TEXT,
		       "%" PRIu32 " entries,%s %" PRIu64 " kicks, %" PRIu64
		       " requests completed, %" PRIu32 " in flight, %" PRIu64 " interrupts",
		       q->size, posted, q->kicks, q->chains, q->in_flight, q->interrupts);
}

/* Before DRIVER_OK. False: it has come further. */
static bool stopped_on_the_way(const struct diagnose_device *d, char out[DIAGNOSE_TEXT])
{
	const char *module = module_of(d->device_id);
	int n = 0;

	if (!d->status)
		n = snprintf(
			out, DIAGNOSE_TEXT,
			"the guest has not looked at it: its kernel does not run yet, or lacks "
			"virtio_mmio (with --transport pci: virtio_pci)");
	else if (d->status & VIRTIO_STATUS_FAILED)
		n = snprintf(out, DIAGNOSE_TEXT,
			     "the driver gave it up; the guest's dmesg says why");
	else if (!(d->status & VIRTIO_STATUS_DRIVER))
		n = snprintf(out, DIAGNOSE_TEXT,
			     "the guest has found it, and no driver has taken it: load %s", module);
	else if (!(d->status & VIRTIO_STATUS_FEATURES_OK))
		n = snprintf(out, DIAGNOSE_TEXT,
			     "a driver has taken it, and they did not agree on features: it is in "
			     "the middle of its probe, or asks for what is not offered");
	else if (!(d->status & VIRTIO_STATUS_DRIVER_OK))
		n = snprintf(
			out, DIAGNOSE_TEXT,
			"a driver is setting it up and has not said that it is ready: it is in "
			"the middle of its probe, or stuck there");
	return n > 0;
}

/* The sums over all queues. */
static struct diagnose_queue sum_of(const struct diagnose_device *d)
{
	struct diagnose_queue s = {0};

	for (unsigned i = 0; i < d->n_queues && i < DIAGNOSE_QUEUES; i++) {
		s.ready |= d->queue[i].ready;
		s.kicks += d->queue[i].kicks;
		s.chains += d->queue[i].chains;
		s.interrupts += d->queue[i].interrupts;
		/* A balloon keeps the guest's figures until somebody asks for newer ones. */
		if (d->device_id != VIRTIO_ID_BALLOON)
			s.in_flight += d->queue[i].in_flight;
	}
	return s;
}

bool diagnose_verdict(const struct diagnose_device *d, char out[DIAGNOSE_TEXT])
{
	const struct diagnose_queue s = sum_of(d);
	const char *text = "it works";

	if (d->gone) {
		(void)snprintf(out, DIAGNOSE_TEXT, "it was taken away, by a fault on purpose");
		return true;
	}
	if (d->status & VIRTIO_STATUS_NEEDS_RESET) {
		(void)snprintf(
			out, DIAGNOSE_TEXT,
			"it is broken: %s; only a reset by its driver (unbind and bind, or a "
			"reboot) mends that",
			d->why ? d->why : "for a reason of its own");
		return true;
	}
	if (stopped_on_the_way(d, out))
		return true;
	if (!s.ready)
		text = "its driver says that it is ready, and has set up no queue";
	else if (s.in_flight && !s.chains)
		text = "requests wait for its back end, which has not answered any yet";
	else if (s.in_flight)
		text = "requests wait for its back end: busy, slow, or stuck if this stays";
	else if (!s.kicks)
		text = "its driver is ready and has never kicked a queue: nobody uses it, or kicks "
		       "get "
		       "lost";
	else if (s.chains && !s.interrupts)
		text = "requests complete and no interrupt was ever wanted: its driver polls, or "
		       "keeps "
		       "them off";
	(void)snprintf(out, DIAGNOSE_TEXT, "%s", text);
	return !s.ready || s.in_flight || !s.kicks;
}
