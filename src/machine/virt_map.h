/* SPDX-License-Identifier: MIT */
/*
 * The `virt` board: addresses and interrupt numbers, those that QEMU documents for its RISC-V
 * `virt` board, so that one kernel and one bare-metal program run on both.
 */
#ifndef MACHINE_VIRT_MAP_H
#define MACHINE_VIRT_MAP_H

#define VIRT_TEST_BASE   0x00100000u /* sifive,test1: power off, reset, fail */
#define VIRT_TEST_SIZE   0x1000u
#define VIRT_RTC_BASE    0x00101000u
#define VIRT_RTC_SIZE    0x1000u
#define VIRT_CLINT_BASE  0x02000000u
#define VIRT_CLINT_SIZE  0x10000u
#define VIRT_PLIC_BASE   0x0c000000u
#define VIRT_PLIC_SIZE   0x00600000u
#define VIRT_APLIC_BASE  0x0d000000u /* with --interrupts aia, in the PLIC's place */
#define VIRT_UART_BASE   0x10000000u
#define VIRT_UART_SIZE   0x100u
#define VIRT_VIRTIO_BASE 0x10001000u /* a page for each slot */
#define VIRT_VIRTIO_STEP 0x1000u
#define VIRT_VIRTIO_SIZE 0x200u
#define VIRT_N_VIRTIO    8u
#define VIRT_IRQLAB_BASE 0x10010000u /* a page for each, with --irqlab */
#define VIRT_IRQLAB_STEP 0x1000u
#define VIRT_IMSIC_BASE  0x28000000u /* with it: a page for each hart */
#define VIRT_RAM_BASE    0x80000000u

/* PCI, with --transport pci: configuration space, and where BARs may lie. The second window of
 * memory is above RAM, see virt_pci_high_base(). */
#define VIRT_PCI_ECAM_BASE  0x30000000u
#define VIRT_PCI_ECAM_SIZE  0x10000000u
#define VIRT_PCI_MEM_BASE   0x40000000u
#define VIRT_PCI_MEM_SIZE   0x40000000u
#define VIRT_PCI_HIGH_ALIGN 0x400000000ull
#define VIRT_PCI_HIGH_SIZE  0x80000000u

/* PLIC sources. */
#define VIRT_N_IRQS     95u /* numbers 1 to 95 */
#define VIRT_VIRTIO_IRQ 1u  /* slot n has VIRT_VIRTIO_IRQ + n */
#define VIRT_UART_IRQ   10u
#define VIRT_RTC_IRQ    11u
#define VIRT_IRQLAB_IRQ 12u /* all of them; VIRT_IRQLAB_IRQ + 1 + n: the edges of the n-th */
#define VIRT_PCI_IRQ    32u /* slot n has VIRT_PCI_IRQ + n */

#define VIRT_UART_CLOCK  3686400u  /* Hz */
#define VIRT_TIMEBASE_HZ 10000000u /* of `time` */

#endif
