// SPDX-License-Identifier: GPL-2.0
/*
 * irqlab: where a device is found, as a platform device in the device tree or on PCI.
 *
 * On PCI it interrupts by a message for each cause where the board takes messages, and else by
 * INTA#, which it may share; there are no edges then.
 */
#include <linux/dma-mapping.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "irqlab.h"

static struct irqlab *irqlab_new(struct device *dev)
{
	struct irqlab *lab = devm_kzalloc(dev, sizeof(*lab), GFP_KERNEL);

	if (!lab)
		return ERR_PTR(-ENOMEM);
	lab->dev = dev;
	dev_set_drvdata(dev, lab);
	return lab;
}

static int irqlab_platform_probe(struct platform_device *pdev)
{
	struct irqlab *lab = irqlab_new(&pdev->dev);
	int irq[2];
	int ret;

	if (IS_ERR(lab))
		return PTR_ERR(lab);
	lab->regs = devm_platform_ioremap_resource(pdev, 0);
	if (IS_ERR(lab->regs))
		return PTR_ERR(lab->regs);
	irq[0] = platform_get_irq_byname(pdev, "level");
	if (irq[0] < 0)
		return irq[0];
	irq[1] = platform_get_irq_byname_optional(pdev, "edge");
	if (irq[1] < 0 && irq[1] != -ENXIO)
		return irq[1];
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (!ret)
		ret = irqlab_start(lab, irq, false);
	if (ret)
		return ret;
	irqlab_debugfs_add(lab);
	return 0;
}

static void irqlab_platform_remove(struct platform_device *pdev)
{
	struct irqlab *lab = platform_get_drvdata(pdev);

	irqlab_debugfs_remove(lab);
	irqlab_stop(lab);
}

static const struct of_device_id irqlab_of_match[] = {{.compatible = "linnet,irqlab"}, {}};
MODULE_DEVICE_TABLE(of, irqlab_of_match);

static struct platform_driver irqlab_platform_driver = {
	.probe = irqlab_platform_probe,
	.remove_new = irqlab_platform_remove,
	.driver.name = KBUILD_MODNAME,
	.driver.of_match_table = irqlab_of_match,
	.driver.dev_groups = irqlab_groups,
};

/* ---- PCI ---- */

static int irqlab_pci_start(struct pci_dev *pdev, struct irqlab *lab)
{
	int irq[IRQLAB_N_VECTORS] = {-1, -1};
	bool messages;
	int i, ret;

	ret = pci_alloc_irq_vectors(pdev, IRQLAB_N_VECTORS, IRQLAB_N_VECTORS, PCI_IRQ_MSIX);
	messages = ret == IRQLAB_N_VECTORS;
	if (!messages)
		ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_INTX);
	if (ret < 0)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");
	for (i = 0; i < ret; i++)
		irq[i] = pci_irq_vector(pdev, i);
	ret = irqlab_start(lab, irq, messages);
	if (ret)
		pci_free_irq_vectors(pdev);
	return ret;
}

static int irqlab_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct irqlab *lab = irqlab_new(&pdev->dev);
	int ret;

	if (IS_ERR(lab))
		return PTR_ERR(lab);
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	lab->regs = pcim_iomap_region(pdev, 0, KBUILD_MODNAME);
	if (IS_ERR(lab->regs))
		return PTR_ERR(lab->regs);
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = irqlab_pci_start(pdev, lab);
	if (ret) {
		pci_clear_master(pdev);
		return ret;
	}
	irqlab_debugfs_add(lab);
	return 0;
}

static void irqlab_pci_remove(struct pci_dev *pdev)
{
	struct irqlab *lab = pci_get_drvdata(pdev);

	irqlab_debugfs_remove(lab);
	irqlab_stop(lab);
	pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
}

static const struct pci_device_id irqlab_pci_ids[] = {
	{PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x10f0)}, {}};
MODULE_DEVICE_TABLE(pci, irqlab_pci_ids);

static struct pci_driver irqlab_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = irqlab_pci_ids,
	.probe = irqlab_pci_probe,
	.remove = irqlab_pci_remove,
	.dev_groups = irqlab_groups,
};

/* ---- the module ---- */

static int __init irqlab_init(void)
{
	int ret;

	irqlab_debugfs_init();
	ret = platform_driver_register(&irqlab_platform_driver);
	if (ret)
		goto no_debugfs;
	ret = pci_register_driver(&irqlab_pci_driver);
	if (ret)
		goto no_platform;
	return 0;

no_platform:
	platform_driver_unregister(&irqlab_platform_driver);
no_debugfs:
	irqlab_debugfs_exit();
	return ret;
}
module_init(irqlab_init);

static void __exit irqlab_exit(void)
{
	pci_unregister_driver(&irqlab_pci_driver);
	platform_driver_unregister(&irqlab_platform_driver);
	irqlab_debugfs_exit();
}
module_exit(irqlab_exit);

MODULE_DESCRIPTION("Linnet's device for looking at interrupts");
MODULE_LICENSE("GPL");
