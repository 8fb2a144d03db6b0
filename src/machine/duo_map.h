/* SPDX-License-Identifier: MIT */
/*
 * Milk-V Duo (CV1800B) and Duo 256M (SG2002) as software sees them: addresses and interrupt numbers
 * of the big core. Sources: the device trees of Linux (arch/riscv/boot/dts/sophgo) and the boards'
 * public software.
 */
#ifndef MACHINE_DUO_MAP_H
#define MACHINE_DUO_MAP_H

#define DUO_MAILBOX_BASE   0x01900000u
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
#define DUO_NOWHERE        0x40000000u /* no memory and no device */

/* What of the memory is the small core's, of 64 and of 256 MiB; and what both cores share: the
 * rings of RPMsg, behind them buffers that messages of the mailbox tell of, and a pool, of which
 * Linux takes the buffers of RPMsg (at most 512 of 512 bytes). */
#define DUO_RTOS_BASE       0x83f40000u
#define DUO_RTOS_SIZE       0x000c0000u
#define DUO_SHARED_BASE     0x83f20000u
#define DUO_POOL_BASE       0x83ee0000u
#define DUO256M_RTOS_BASE   0x8fe00000u
#define DUO256M_RTOS_SIZE   0x00200000u
#define DUO256M_SHARED_BASE 0x8fc00000u
#define DUO256M_POOL_BASE   0x8fc20000u
#define DUO_VRINGS_SIZE     0x00010000u
#define DUO_BUFFERS_SIZE    0x00010000u
#define DUO_POOL_SIZE       0x00040000u

#define DUO_PAGE        0x1000u
#define DUO_N_UARTS     5u
#define DUO_N_SPI       4u
#define DUO_N_I2C       5u
#define DUO_N_GPIO      5u /* the last is E */
#define DUO_N_IRQS      101u
/* PLIC sources of the big core. */
#define DUO_UART_IRQ    44u /* number n has DUO_UART_IRQ + n */
#define DUO_I2C_IRQ     49u
#define DUO_SPI_IRQ     54u
#define DUO_WDT_IRQ     58u
#define DUO_GPIO_IRQ    60u /* A to D */
#define DUO_GPIO_E_IRQ  70u
#define DUO_MAILBOX_IRQ 101u
#define DUO_VIRTIO_IRQ  80u /* slot n has DUO_VIRTIO_IRQ + n */

/* PLIC sources of the small core. */
#define DUO_SMALL_N_IRQS      61u
#define DUO_SMALL_UART_IRQ    30u /* number n has DUO_SMALL_UART_IRQ + n */
#define DUO_SMALL_N_UARTS     2u
#define DUO_SMALL_MAILBOX_IRQ 61u

/* The clock of SEC_SYS: a gate of the clock controller. */
#define DUO_CLK_EN0       0x00u
#define DUO_CLK_EN0_EFUSE (1u << 11)

/* Registers by which the small core is started: a bit of SEC_SYS says that the two behind it hold
 * the address, and one of RESET lets it run. */
#define DUO_SEC_SYS_CTRL      0x04u
#define DUO_SEC_SYS_VECTOR    (1u << 13)
#define DUO_SEC_SYS_ADDR_LOW  0x20u
#define DUO_SEC_SYS_ADDR_HIGH 0x24u
#define DUO_RESET_CPU         0x24u
#define DUO_RESET_CPU_SMALL   (1u << 6)

/* The mailbox calls the cores by these numbers. */
#define DUO_MAILBOX_BIG   1u
#define DUO_MAILBOX_SMALL 2u

#define DUO_TIMEBASE_HZ 25000000u
#define DUO_OSC_HZ      25000000u
#define DUO_WIRES_HZ    100000000u /* what SPI and I2C divide, in the tree of our own */

#endif
