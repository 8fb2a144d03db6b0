// SPDX-License-Identifier: GPL-2.0
/*
 * The resource table, by which a firmware says what it wants to share with Linux
 * (include/linux/remoteproc.h has the layouts): a buffer for its trace, and a virtio device with
 * two rings. It is read from the file, which stays as it is; what Linux chooses is written into the
 * table in memory, where the firmware finds it.
 */
#include <linux/align.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "rproc.h"

#define SECTION  ".resource_table"
#define ANYWHERE ((u32)FW_RSC_ADDR_ANY)

/* The table as it lies in the file. */
struct table {
	struct duo_rproc *r;
	const u8 *data;
	u32 size;
};

static int complain(const struct table *t, const char *what, u32 at)
{
	return duo_refuse(t->r, -EBADMSG, "has a broken resource table: %s at %u of %u", what, at,
			  t->size);
}

/* Copies an entry's fixed part, which lies behind its type. */
static bool get(const struct table *t, u32 at, void *to, u32 len)
{
	if (at > t->size || len > t->size - at)
		return false;
	memcpy(to, t->data + at, len);
	return true;
}

/* The name of one may have no end. */
static int parse_carveout(const struct table *t, u32 at)
{
	struct fw_rsc_carveout c;

	if (!get(t, at, &c, sizeof(c)))
		return complain(t, "a carveout without an end", at);
	if (c.da == ANYWHERE && !strncmp((char *)c.name, "vdev0", 5))
		return 0; /* a ring, which has an entry of its own, or the buffers */
	if (!duo_memory_at(&t->r->rtos, c.da, c.len) && !duo_memory_at(&t->r->vrings, c.da, c.len))
		return complain(t, "a carveout that is not in reserved memory", at);
	return 0;
}

static int parse_trace(const struct table *t, u32 at, struct duo_resources *res)
{
	struct fw_rsc_trace trace;

	if (!get(t, at, &trace, sizeof(trace)))
		return complain(t, "a trace without an end", at);
	if (!trace.len || !duo_memory_at(&t->r->rtos, trace.da, trace.len))
		return complain(t, "a trace that is not in the core's memory", at);
	if (!res->trace_len) {
		res->trace_da = trace.da;
		res->trace_len = trace.len;
	}
	return 0;
}

/* Each ring has half of the memory for rings, if the firmware does not say where it wants it. */
static int parse_vring(const struct table *t, u32 at, unsigned int i, struct duo_vring *v)
{
	const struct duo_memory *m = &t->r->vrings;
	struct fw_rsc_vdev_vring ring;

	if (!get(t, at, &ring, sizeof(ring)))
		return complain(t, "a ring without an end", at);
	if (!is_power_of_2(ring.num) || ring.num > 0x8000 || !is_power_of_2(ring.align) ||
	    ring.align < 4 || ring.align > 0x10000)
		return complain(t, "a ring of a size or alignment that none has", at);
	*v = (struct duo_vring){.da = ring.da, .num = ring.num, .align = ring.align};
	if (ring.da == ANYWHERE)
		v->da = m->base + i * (m->size / DUO_N_VRINGS);
	if (!IS_ALIGNED(v->da, ring.align) ||
	    !duo_memory_at(m, v->da, vring_size(ring.num, ring.align)))
		return complain(t, "a ring that is not in the memory for rings", at);
	return 0;
}

static bool overlap(const struct duo_vring *a, const struct duo_vring *b)
{
	return a->da < b->da + vring_size(b->num, b->align) &&
	       b->da < a->da + vring_size(a->num, a->align);
}

static int parse_vdev(const struct table *t, u32 at, struct duo_resources *res)
{
	u32 next = at + sizeof(struct fw_rsc_vdev);
	struct fw_rsc_vdev vdev;
	int ret = 0;

	if (!get(t, at, &vdev, sizeof(vdev)))
		return complain(t, "a device without an end", at);
	if (vdev.id != VIRTIO_ID_RPMSG || res->vdev_at) {
		dev_warn(t->r->dev, "a virtio device %u is not for us\n", vdev.id);
		return 0;
	}
	if (vdev.num_of_vrings != DUO_N_VRINGS)
		return complain(t, "a device that has not two rings", at);
	for (unsigned int i = 0; !ret && i < DUO_N_VRINGS; i++) {
		ret = parse_vring(t, next, i, &res->vring[i]);
		next += sizeof(struct fw_rsc_vdev_vring);
	}
	if (ret)
		return ret;
	if (overlap(&res->vring[0], &res->vring[1]))
		return complain(t, "rings that overlap", at);
	if (vdev.config_len > t->size - next)
		return complain(t, "a device's configuration without an end", at);
	res->vdev_at = at;
	res->features = vdev.dfeatures;
	res->config_at = next;
	res->config_len = vdev.config_len;
	return 0;
}

static int parse_entry(const struct table *t, u32 at, struct duo_resources *res)
{
	struct fw_rsc_hdr hdr;

	if (!get(t, at, &hdr, sizeof(hdr)))
		return complain(t, "an entry behind its end", at);
	at += sizeof(hdr);
	switch (hdr.type) {
	case RSC_CARVEOUT:
		return parse_carveout(t, at);
	case RSC_DEVMEM:
		return 0; /* the core sees all addresses as they are */
	case RSC_TRACE:
		return parse_trace(t, at, res);
	case RSC_VDEV:
		return parse_vdev(t, at, res);
	default:
		dev_warn(t->r->dev, "a resource of type %u is not for us\n", hdr.type);
		return 0;
	}
}

int duo_resources_parse(struct duo_rproc *r, const struct firmware *fw, struct duo_resources *res)
{
	struct table t = {.r = r};
	struct resource_table head;
	u64 da;
	int ret = duo_elf_section(r, fw, SECTION, &t.data, &t.size, &da);

	*res = (struct duo_resources){};
	if (ret || !t.size)
		return ret == -ENOENT ? 0 : ret;
	if (!get(&t, 0, &head, sizeof(head)) || head.num > (t.size - sizeof(head)) / sizeof(u32))
		return complain(&t, "a list without an end", 0);
	if (head.ver != 1 || head.reserved[0] || head.reserved[1])
		return complain(&t, "a version that is not 1", 0);
	if (!duo_memory_at(&r->rtos, da, t.size))
		return complain(&t, "it is not in the core's memory, or something else", 0);
	res->table_da = da;
	res->table_size = t.size;
	for (u32 i = 0; !ret && i < head.num; i++) {
		u32 at;

		get(&t, sizeof(head) + i * sizeof(at), &at, sizeof(at));
		ret = parse_entry(&t, at, res);
	}
	return ret;
}

void duo_resources_publish(struct duo_rproc *r)
{
	const struct duo_resources *res = &r->res;
	struct fw_rsc_vdev *vdev;

	if (!res->vdev_at)
		return;
	vdev = duo_memory_at(&r->rtos, res->table_da, res->table_size) + res->vdev_at;
	WRITE_ONCE(vdev->status, 0);
	for (unsigned int i = 0; i < DUO_N_VRINGS; i++) {
		vdev->vring[i].da = res->vring[i].da;
		vdev->vring[i].pa = res->vring[i].da;
		vdev->vring[i].notifyid = i;
	}
}
