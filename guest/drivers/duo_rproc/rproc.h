/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this driver share. All but the trace is under duo_rproc.lock. */
#ifndef DUO_RPROC_H
#define DUO_RPROC_H

#include <linux/device.h>
#include <linux/firmware.h>
#include <linux/mutex.h>
#include <linux/remoteproc.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>

#include <duo_mailbox/duo_mailbox.h>

#define DUO_N_VRINGS 2

enum duo_state {
	DUO_OFFLINE,
	DUO_RUNNING,
	DUO_DETACHED, /* it runs what somebody started before us */
};

/* Memory that the device tree reserves, mapped. */
struct duo_memory {
	phys_addr_t base;
	u64 size;
	void *va;
};

struct duo_vring {
	u32 da, num, align;
};

/* What the resource table of a firmware says, checked. */
struct duo_resources {
	u32 table_da, table_size; /* size 0: there is none */
	u32 trace_da, trace_len;  /* len 0: there is none */
	u32 vdev_at; /* where the vdev is in the table: the struct fw_rsc_vdev; 0: there is none */
	u32 features, config_at, config_len;
	struct duo_vring vring[DUO_N_VRINGS];
};

struct duo_vdev;

struct duo_rproc {
	struct device *dev;   /* the platform's */
	struct device *class; /* remoteproc0 */
	void __iomem *boot, *reset;
	struct duo_memory rtos, vrings;
	struct duo_mailbox *mailbox;
	struct mutex lock;
	enum duo_state state;
	char firmware[NAME_MAX];
	struct duo_resources res; /* of what runs */
	struct duo_vdev *vdev;    /* or NULL */
	/* Kicks for which there was no room. */
	struct delayed_work kick;
	unsigned long kicks;
};

/* Logs one line about the firmware and returns the error. */
int __printf(3, 4) duo_refuse(struct duo_rproc *r, int error, const char *format, ...);

/* The bytes from da on in that memory; NULL: not all of them lie there. */
void *duo_memory_at(const struct duo_memory *m, u64 da, u64 len);

/* ---- elf.c ---- */

/* ENOEXEC: it is no program for this core; ENODATA: it ends too early; EFBIG: it does not fit into
 * the core's memory; EADDRINUSE: it would lie in Linux' memory; ENXIO: where no memory is.
 */
int duo_elf_check(struct duo_rproc *r, const struct firmware *fw);
/* Of one that was checked. The core does not run. Returns where it begins. */
u64 duo_elf_load(struct duo_rproc *r, const struct firmware *fw);
/* Where a section is in the file, and in memory (*da). 0, -ENOENT, or as duo_elf_check. */
int duo_elf_section(struct duo_rproc *r, const struct firmware *fw, const char *name,
		    const u8 **data, u32 *size, u64 *da);

/* ---- resource.c ---- */

/* Of one that duo_elf_check() likes. A firmware without a table has no resources. EBADMSG: the
 * table is broken.
 */
int duo_resources_parse(struct duo_rproc *r, const struct firmware *fw, struct duo_resources *res);
/* Tells the firmware, which is loaded, what was chosen. */
void duo_resources_publish(struct duo_rproc *r);

/* ---- vdev.c ---- */

/* Registers the device that r->res has, if it has one; the core runs. */
int duo_vdev_add(struct duo_rproc *r);
/* The core may run or not. */
void duo_vdev_remove(struct duo_rproc *r);
void duo_vdev_kick_work(struct work_struct *work);

#endif
