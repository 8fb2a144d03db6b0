/* SPDX-License-Identifier: MIT */
/*
 * Milk-V Duo (CV1800B) and Duo 256M (SG2002) as software sees them: addresses and interrupt numbers
 * of the big core. Sources: the device trees of Linux (arch/riscv/boot/dts/sophgo) and the boards'
 * public software.
 */
#ifndef MACHINE_DUO_MAP_H
#define MACHINE_DUO_MAP_H

#define DUO_AP_SYSTEM_BASE 0x01901000u /* of 0x1000 bytes each, where nothing else is said */
#define DUO_SEC_SYS_BASE   0x020b0000u
#define DUO_TOP_BASE       0x03000000u
#define DUO_PINMUX_BASE    0x03001000u
#define DUO_CLKGEN_BASE    0x03002000u
#define DUO_RESET_BASE     0x03003000u
#define DUO_WDT_BASE       0x03010000u
#define DUO_GPIO_BASE      0x03020000u /* A to D */
#define DUO_GPIO_STEP      0x1000u
#define DUO_I2C_BASE       0x04000000u
#define DUO_I2C_STEP       0x10000u
#define DUO_UART_BASE      0x04140000u /* 0 to 3, of 0x100 bytes each */
#define DUO_UART_STEP      0x10000u
#define DUO_UART4_BASE     0x041c0000u
#define DUO_SPI_BASE       0x04180000u
#define DUO_SPI_STEP       0x10000u
#define DUO_EMMC_BASE      0x04300000u
#define DUO_SD_BASE        0x04310000u
#define DUO_DMA_BASE       0x04330000u
#define DUO_RTC_GPIO_BASE  0x05021000u /* E */
#define DUO_RTC_BASE       0x05025000u
/* Not on the board: slots for virtio, where nothing else is. */
#define DUO_VIRTIO_BASE    0x60000000u
#define DUO_VIRTIO_STEP    0x1000u
#define DUO_N_VIRTIO       8u
#define DUO_PLIC_BASE      0x70000000u
#define DUO_PLIC_SIZE      0x04000000u
#define DUO_CLINT_BASE     0x74000000u
#define DUO_CLINT_SIZE     0x00010000u
#define DUO_RAM_BASE       0x80000000u

#define DUO_PAGE       0x1000u
#define DUO_N_UARTS    5u
#define DUO_N_IRQS     101u
/* PLIC sources of the big core. */
#define DUO_UART_IRQ   44u /* number n has DUO_UART_IRQ + n */
#define DUO_VIRTIO_IRQ 80u /* slot n has DUO_VIRTIO_IRQ + n */

#define DUO_TIMEBASE_HZ 25000000u
#define DUO_OSC_HZ      25000000u

#endif
