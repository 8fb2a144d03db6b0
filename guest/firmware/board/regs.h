/* SPDX-License-Identifier: MIT */
/* Addresses of CV1800B and SG2002, as the small core sees them, and how to get at registers. */
#ifndef BOARD_REGS_H
#define BOARD_REGS_H

#include <stdint.h>

#define MAILBOX_BASE 0x01900000ul
#define UART0_BASE   0x04140000ul /* registers 4 bytes apart */
#define GPIO_E_BASE  0x05021000ul
#define PLIC_BASE    0x70000000ul
#define CLINT_BASE   0x74000000ul

#define PLIC_ENABLE    0x2000u
#define PLIC_THRESHOLD 0x200000u
#define PLIC_CLAIM     0x200004u

#define CLINT_MSIP          0u
#define CLINT_MTIMECMP_LOW  0x4000u
#define CLINT_MTIMECMP_HIGH 0x4004u

#define MAILBOX_IRQ 61u

#define REG8(a)  (*(volatile uint8_t *)(a))
#define REG16(a) (*(volatile uint16_t *)(a))
#define REG32(a) (*(volatile uint32_t *)(a))
#define REG64(a) (*(volatile uint64_t *)(a))

#endif
