// SPDX-License-Identifier: GPL-2.0
/*
 * duo_rproc: the small core of a Milk-V Duo, loaded, started and stopped while Linux runs. It is to
 * be seen as /sys/class/remoteproc/remoteproc0, with the files that the kernel's remoteproc has
 * there, which Debian's kernel is built without:
 *
 *	name		duo-c906l
 *	firmware	a file in /lib/firmware; written while the core is offline
 *	state		offline, running, or detached (what runs was started by others); start and
 *			stop are written
 *	trace		what the firmware says, if it has a buffer for it
 *
 * The core is held in reset by one bit, and begins where two registers say. A register that does
 * not keep what is written is an error (EIO), since what it controls is not what we believe. A
 * start that fails leaves the core in reset.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "rproc.h"

#define BOOT_CTRL      0x04
#define BOOT_VECTOR    BIT(13) /* the two below are valid */
#define BOOT_ADDR_LOW  0x20
#define BOOT_ADDR_HIGH 0x24
#define RESET_CPU      0x24
#define RESET_SMALL    BIT(6) /* 1: it runs */

static const char *const state_names[] = {
	[DUO_OFFLINE] = "offline",
	[DUO_RUNNING] = "running",
	[DUO_DETACHED] = "detached",
};

int duo_refuse(struct duo_rproc *r, int error, const char *format, ...)
{
	struct va_format vaf = {.fmt = format};
	va_list args;

	va_start(args, format);
	vaf.va = &args;
	dev_err(r->dev, "%s %pV\n", r->firmware, &vaf);
	va_end(args);
	return error;
}

void *duo_memory_at(const struct duo_memory *m, u64 da, u64 len)
{
	if (da < m->base || da - m->base > m->size || len > m->size - (da - m->base))
		return NULL;
	return m->va + (da - m->base);
}

/* ---- power; under the lock, but for probe ---- */

static int set_register(struct duo_rproc *r, void __iomem *reg, const char *name, u32 value)
{
	u32 now;

	writel(value, reg);
	now = readl(reg);
	if (now == value)
		return 0;
	dev_err(r->dev, "the %s register refuses 0x%x: it is 0x%x\n", name, value, now);
	return -EIO;
}

static int power_off(struct duo_rproc *r)
{
	void __iomem *reg = r->reset + RESET_CPU;
	int ret = set_register(r, reg, "reset", readl(reg) & ~RESET_SMALL);

	if (!ret)
		duo_mailbox_remote_stopped(r->mailbox);
	return ret;
}

static int power_on(struct duo_rproc *r, u64 entry)
{
	void __iomem *reg = r->reset + RESET_CPU;
	int ret = set_register(r, r->boot + BOOT_CTRL, "boot control",
			       readl(r->boot + BOOT_CTRL) | BOOT_VECTOR);

	if (!ret)
		ret = set_register(r, r->boot + BOOT_ADDR_LOW, "boot address",
				   lower_32_bits(entry));
	if (!ret)
		ret = set_register(r, r->boot + BOOT_ADDR_HIGH, "boot address",
				   upper_32_bits(entry));
	return ret ? ret : set_register(r, reg, "reset", readl(reg) | RESET_SMALL);
}

/* ---- start and stop; under the lock ---- */

/* The memory of trace and rings is empty before the core can look at it. */
static int load_and_run(struct duo_rproc *r, const struct firmware *fw)
{
	struct duo_resources res;
	void *trace;
	u64 entry;
	int ret = duo_elf_check(r, fw);

	if (!ret)
		ret = duo_resources_parse(r, fw, &res);
	if (!ret)
		ret = power_off(r);
	if (ret)
		return ret;
	r->res = res;
	trace = duo_memory_at(&r->rtos, res.trace_da, res.trace_len);
	if (trace)
		memset(trace, 0, res.trace_len);
	entry = duo_elf_load(r, fw);
	duo_resources_publish(r);
	memset(r->vrings.va, 0, r->vrings.size);
	ret = power_on(r, entry);
	if (ret)
		return ret;
	ret = duo_vdev_add(r);
	if (ret) {
		duo_refuse(r, ret, "gets no virtio device: %d", ret);
		power_off(r);
	}
	return ret;
}

static int start(struct duo_rproc *r)
{
	const struct firmware *fw;
	int ret;

	if (r->state != DUO_OFFLINE)
		return -EBUSY;
	ret = request_firmware_direct(&fw, r->firmware, r->dev);
	if (ret)
		return duo_refuse(r, ret, "cannot be read: %d", ret);
	ret = load_and_run(r, fw);
	release_firmware(fw);
	if (ret) {
		r->res = (struct duo_resources){};
		return ret;
	}
	r->state = DUO_RUNNING;
	dev_info(r->dev, "%s runs\n", r->firmware);
	return 0;
}

/* Channels and their users go first, while the other side is still there. */
static int stop(struct duo_rproc *r)
{
	int ret;

	if (r->state == DUO_OFFLINE)
		return -EINVAL;
	duo_vdev_remove(r);
	ret = power_off(r);
	if (ret)
		return ret;
	r->state = DUO_OFFLINE;
	dev_info(r->dev, "stopped\n");
	return 0;
}

/* ---- sysfs ---- */

static ssize_t name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "duo-c906l\n");
}
static DEVICE_ATTR_RO(name);

static ssize_t firmware_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct duo_rproc *r = dev_get_drvdata(dev);
	ssize_t ret;

	mutex_lock(&r->lock);
	ret = sysfs_emit(buf, "%s\n", r->firmware);
	mutex_unlock(&r->lock);
	return ret;
}

static ssize_t firmware_store(struct device *dev, struct device_attribute *attr, const char *buf,
			      size_t count)
{
	struct duo_rproc *r = dev_get_drvdata(dev);
	size_t len = strcspn(buf, "\n");
	int ret = 0;

	if (!len || len >= sizeof(r->firmware))
		return -EINVAL;
	mutex_lock(&r->lock);
	if (r->state == DUO_OFFLINE)
		strscpy(r->firmware, buf, len + 1);
	else
		ret = -EBUSY;
	mutex_unlock(&r->lock);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(firmware);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct duo_rproc *r = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", state_names[READ_ONCE(r->state)]);
}

static ssize_t state_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	struct duo_rproc *r = dev_get_drvdata(dev);
	int ret = -EINVAL;

	mutex_lock(&r->lock);
	if (sysfs_streq(buf, "start"))
		ret = start(r);
	else if (sysfs_streq(buf, "stop"))
		ret = stop(r);
	mutex_unlock(&r->lock);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(state);

/* As far as there is text. The core may write meanwhile. */
static ssize_t trace_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			  char *buf, loff_t offset, size_t count)
{
	struct duo_rproc *r = dev_get_drvdata(kobj_to_dev(kobj));
	const char *text;
	ssize_t ret = 0;

	mutex_lock(&r->lock);
	text = duo_memory_at(&r->rtos, r->res.trace_da, r->res.trace_len);
	if (text)
		ret = memory_read_from_buffer(buf, count, &offset, text,
					      strnlen(text, r->res.trace_len));
	mutex_unlock(&r->lock);
	return ret;
}
static BIN_ATTR_RO(trace, 0);

static struct attribute *duo_attrs[] = {
	&dev_attr_name.attr,
	&dev_attr_firmware.attr,
	&dev_attr_state.attr,
	NULL,
};

static struct bin_attribute *duo_bin_attrs[] = {
	&bin_attr_trace,
	NULL,
};

static const struct attribute_group duo_group = {
	.attrs = duo_attrs,
	.bin_attrs = duo_bin_attrs,
};

static const struct attribute_group *duo_groups[] = {
	&duo_group,
	NULL,
};

static const struct class duo_class = {.name = "remoteproc"};

/* ---- the device ---- */

static int map_region(struct duo_rproc *r, int index, struct duo_memory *m)
{
	struct device_node *node = of_parse_phandle(r->dev->of_node, "memory-region", index);
	struct reserved_mem *region = node ? of_reserved_mem_lookup(node) : NULL;

	of_node_put(node);
	if (!region || region->base + region->size > U32_MAX)
		return dev_err_probe(r->dev, -EINVAL, "memory-region %d is of no use\n", index);
	m->base = region->base;
	m->size = region->size;
	m->va = devm_memremap(r->dev, m->base, m->size, MEMREMAP_WC);
	return PTR_ERR_OR_ZERO(m->va);
}

static void release_pool(void *dev)
{
	of_reserved_mem_device_release(dev);
}

/* Memory that the tree has for the buffers of RPMsg, which virtio_rpmsg_bus allocates of our
 * device. Without it they lie anywhere.
 */
static int take_pool(struct duo_rproc *r)
{
	int ret = of_reserved_mem_device_init_by_idx(r->dev, r->dev->of_node, 2);

	if (!ret)
		return devm_add_action_or_reset(r->dev, release_pool, r->dev);
	if (ret != -ENODEV) /* it names none */
		dev_info(r->dev, "memory-region 2 is no pool: %d\n", ret);
	return 0;
}

static int get_parts(struct duo_rproc *r, struct platform_device *pdev)
{
	int ret;

	r->boot = devm_platform_ioremap_resource(pdev, 0);
	if (IS_ERR(r->boot))
		return PTR_ERR(r->boot);
	r->reset = devm_platform_ioremap_resource(pdev, 1);
	if (IS_ERR(r->reset))
		return PTR_ERR(r->reset);
	ret = map_region(r, 0, &r->rtos);
	if (!ret)
		ret = map_region(r, 1, &r->vrings);
	if (!ret)
		ret = take_pool(r);
	if (ret)
		return ret;
	r->mailbox = duo_mailbox_get(r->dev);
	return PTR_ERR_OR_ZERO(r->mailbox);
}

static int duo_rproc_probe(struct platform_device *pdev)
{
	struct duo_rproc *r = devm_kzalloc(&pdev->dev, sizeof(*r), GFP_KERNEL);
	int ret;

	if (!r)
		return -ENOMEM;
	r->dev = &pdev->dev;
	mutex_init(&r->lock);
	INIT_DELAYED_WORK(&r->kick, duo_vdev_kick_work);
	strscpy(r->firmware, "duo-c906l.elf", sizeof(r->firmware));
	ret = get_parts(r, pdev);
	if (ret)
		return ret;
	if (readl(r->reset + RESET_CPU) & RESET_SMALL)
		r->state = DUO_DETACHED;
	platform_set_drvdata(pdev, r);
	r->class = device_create_with_groups(&duo_class, r->dev, 0, r, duo_groups, "remoteproc0");
	return PTR_ERR_OR_ZERO(r->class);
}

/* What others have started goes on. */
static void duo_rproc_remove(struct platform_device *pdev)
{
	struct duo_rproc *r = platform_get_drvdata(pdev);

	device_unregister(r->class);
	if (r->state == DUO_RUNNING)
		stop(r);
}

static const struct of_device_id duo_rproc_of_match[] = {
	{.compatible = "linnet,duo-rproc"},
	{},
};
MODULE_DEVICE_TABLE(of, duo_rproc_of_match);

static struct platform_driver duo_rproc_driver = {
	.probe = duo_rproc_probe,
	.remove = duo_rproc_remove,
	.driver = {.name = "duo_rproc", .of_match_table = duo_rproc_of_match},
};

static int __init duo_rproc_init(void)
{
	int ret = class_register(&duo_class);

	if (ret)
		return ret;
	ret = platform_driver_register(&duo_rproc_driver);
	if (ret)
		class_unregister(&duo_class);
	return ret;
}
module_init(duo_rproc_init);

static void __exit duo_rproc_exit(void)
{
	platform_driver_unregister(&duo_rproc_driver);
	class_unregister(&duo_class);
}
module_exit(duo_rproc_exit);

MODULE_DESCRIPTION("The small core of a Milk-V Duo, loaded while Linux runs");
MODULE_LICENSE("GPL");
