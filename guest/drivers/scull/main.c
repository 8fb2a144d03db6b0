// SPDX-License-Identifier: GPL-2.0
/*
 * scull: memory as character devices, to see how such a driver is made. The devices are those of
 * the book "Linux Device Drivers", written anew for the kernel of today; docs/scull.md in
 * Linnet's tree says which concept is where.
 *
 *	scull0-3	memory (mem.c, store.c, seek.c, ioctl.c)
 *	scullpipe0-3	pipes, or FIFOs as the kernel's (pipe.c, pipe_dev.c)
 *	scullsingle, sculluid, scullwuid, scullpriv
 *			memory, and who may open it (access.c)
 *
 * Here: parameters, device numbers, nodes, and the order of coming and going.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "scull.h"

static unsigned int quantum = PAGE_SIZE;
module_param(quantum, uint, 0444);
MODULE_PARM_DESC(quantum, "bytes in a quantum, 16 to 1048576 (default: a page)");

static unsigned int qset = 1000;
module_param(qset, uint, 0444);
MODULE_PARM_DESC(qset, "quanta in a set, 1 to 65536 (default 1000)");

static unsigned long limit = 64UL << 20;
module_param(limit, ulong, 0444);
MODULE_PARM_DESC(limit, "bytes of memory that one device may take (default 64 MiB)");

static bool fifo;
module_param(fifo, bool, 0444);
MODULE_PARM_DESC(fifo, "scullpipe devices begin as FIFOs (default off)");

dev_t scull_first;
static struct scull_shape default_shape;

const struct scull_shape *scull_default_shape(void)
{
	return &default_shape;
}

u64 scull_limit(void)
{
	return limit;
}

bool scull_fifo_default(void)
{
	return fifo;
}

/* All may use the devices, as /dev/zero; the devices say themselves what is not for all. */
static char *scull_devnode(const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

static const struct class scull_class = {
	.name = "scull",
	.devnode = scull_devnode,
};

int scull_node_add(struct scull_node *node, unsigned int minor, const struct file_operations *fops,
		   void *data, const struct attribute_group **groups, const char *name)
{
	dev_t number = MKDEV(MAJOR(scull_first), MINOR(scull_first) + minor);
	int ret;

	node->cdev = cdev_alloc();
	if (!node->cdev)
		return -ENOMEM;
	node->cdev->ops = fops;
	node->cdev->owner = THIS_MODULE;
	ret = cdev_add(node->cdev, number, 1);
	if (ret) {
		kobject_put(&node->cdev->kobj);
		node->cdev = NULL;
		return ret;
	}
	node->device = device_create_with_groups(&scull_class, NULL, number, data, groups, "%s",
						 name);
	if (!IS_ERR(node->device))
		return 0;
	ret = PTR_ERR(node->device);
	cdev_del(node->cdev);
	node->cdev = NULL;
	return ret;
}

void scull_node_del(struct scull_node *node)
{
	if (!node->cdev)
		return;
	device_destroy(&scull_class, node->cdev->dev);
	cdev_del(node->cdev);
	node->cdev = NULL;
}

static int __init check_parameters(void)
{
	if (!scull_shape_allows(SCULL_QUANTUM, quantum)) {
		pr_err("quantum=%u: give %d to %d\n", quantum, SCULL_QUANTUM_MIN,
		       SCULL_QUANTUM_MAX);
		return -EINVAL;
	}
	if (!scull_shape_allows(SCULL_QSET, qset)) {
		pr_err("qset=%u: give 1 to %d\n", qset, SCULL_QSET_MAX);
		return -EINVAL;
	}
	default_shape.n[SCULL_QUANTUM] = quantum;
	default_shape.n[SCULL_QSET] = qset;
	return 0;
}

static int __init scull_init(void)
{
	int ret = check_parameters();

	if (ret)
		return ret;
	ret = alloc_chrdev_region(&scull_first, 0, SCULL_N_MINORS, KBUILD_MODNAME);
	if (ret)
		return ret;
	ret = class_register(&scull_class);
	if (ret)
		goto unregister_region;
	ret = scull_mem_init();
	if (ret)
		goto unregister_class;
	ret = scull_pipe_init();
	if (ret)
		goto exit_mem;
	ret = scull_access_init();
	if (ret)
		goto exit_pipe;
	scull_debug_init();
	return 0;

exit_pipe:
	scull_pipe_exit();
exit_mem:
	scull_mem_exit();
unregister_class:
	class_unregister(&scull_class);
unregister_region:
	unregister_chrdev_region(scull_first, SCULL_N_MINORS);
	return ret;
}
module_init(scull_init);

static void __exit scull_exit(void)
{
	scull_debug_exit();
	scull_access_exit();
	scull_pipe_exit();
	scull_mem_exit();
	class_unregister(&scull_class);
	unregister_chrdev_region(scull_first, SCULL_N_MINORS);
}
module_exit(scull_exit);

MODULE_DESCRIPTION("Memory, pipes and access control as character devices");
MODULE_LICENSE("GPL");
