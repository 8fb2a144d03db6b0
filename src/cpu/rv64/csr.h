/* SPDX-License-Identifier: MIT */
/* Numbers and fields of the control and status registers (privileged specification, chapters 2, 3
 * and 10; unprivileged specification for the counters and fcsr). Constants only. */
#ifndef CPU_RV64_CSR_H
#define CPU_RV64_CSR_H

#include "base/bits.h"

/* Bits 11..10 of a number are 3 when it is read-only; bits 9..8 are the lowest privilege. */
enum rv64_csr_num {
	CSR_FFLAGS = 0x001,
	CSR_FRM = 0x002,
	CSR_FCSR = 0x003,

	CSR_SSTATUS = 0x100,
	CSR_SIE = 0x104,
	CSR_STVEC = 0x105,
	CSR_SCOUNTEREN = 0x106,
	CSR_SENVCFG = 0x10a,
	CSR_SSCRATCH = 0x140,
	CSR_SEPC = 0x141,
	CSR_SCAUSE = 0x142,
	CSR_STVAL = 0x143,
	CSR_SIP = 0x144,
	CSR_STIMECMP = 0x14d,
	CSR_SISELECT = 0x150,
	CSR_SIREG = 0x151,
	CSR_STOPEI = 0x15c,
	CSR_SATP = 0x180,

	CSR_MSTATUS = 0x300,
	CSR_MISA = 0x301,
	CSR_MEDELEG = 0x302,
	CSR_MIDELEG = 0x303,
	CSR_MIE = 0x304,
	CSR_MTVEC = 0x305,
	CSR_MCOUNTEREN = 0x306,
	CSR_MENVCFG = 0x30a,
	CSR_MCOUNTINHIBIT = 0x320,
	CSR_MHPMEVENT3 = 0x323,
	CSR_MHPMEVENT31 = 0x33f,
	CSR_MSCRATCH = 0x340,
	CSR_MEPC = 0x341,
	CSR_MCAUSE = 0x342,
	CSR_MTVAL = 0x343,
	CSR_MIP = 0x344,
	CSR_PMPCFG0 = 0x3a0,
	CSR_PMPCFG2 = 0x3a2,
	CSR_PMPADDR0 = 0x3b0,
	CSR_PMPADDR15 = 0x3bf,

	CSR_MCYCLE = 0xb00,
	CSR_MINSTRET = 0xb02,
	CSR_MHPMCOUNTER3 = 0xb03,
	CSR_MHPMCOUNTER31 = 0xb1f,

	CSR_CYCLE = 0xc00,
	CSR_TIME = 0xc01,
	CSR_INSTRET = 0xc02,
	CSR_HPMCOUNTER31 = 0xc1f,

	CSR_STOPI = 0xdb0,

	CSR_MVENDORID = 0xf11,
	CSR_MARCHID = 0xf12,
	CSR_MIMPID = 0xf13,
	CSR_MHARTID = 0xf14,
	CSR_MCONFIGPTR = 0xf15,
};

#define MSTATUS_SIE       BIT(1)
#define MSTATUS_MIE       BIT(3)
#define MSTATUS_SPIE      BIT(5)
#define MSTATUS_MPIE      BIT(7)
#define MSTATUS_SPP       BIT(8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPP       (3ull << MSTATUS_MPP_SHIFT)
#define MSTATUS_FS        (3ull << 13)
#define MSTATUS_MPRV      BIT(17)
#define MSTATUS_SUM       BIT(18)
#define MSTATUS_MXR       BIT(19)
#define MSTATUS_TVM       BIT(20)
#define MSTATUS_TW        BIT(21)
#define MSTATUS_TSR       BIT(22)
#define MSTATUS_UXL_64    (2ull << 32)
#define MSTATUS_SXL_64    (2ull << 34)
#define MSTATUS_SD        BIT(63)

/* What sstatus has of it to be written. */
#define SSTATUS_WRITABLE \
	(MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)

#define MIP_SSIP BIT(1)
#define MIP_MSIP BIT(3)
#define MIP_STIP BIT(5)
#define MIP_MTIP BIT(7)
#define MIP_SEIP BIT(9)
#define MIP_MEIP BIT(11)
#define MIP_S    (MIP_SSIP | MIP_STIP | MIP_SEIP)
#define MIP_ALL  (MIP_S | MIP_MSIP | MIP_MTIP | MIP_MEIP)

/* Exceptions that can be delegated: all but ecall from M mode and the reserved numbers. */
#define MEDELEG_ALL 0xb3ffull

/* menvcfg; senvcfg has the low four. */
#define ENVCFG_FIOM       BIT(0)
#define ENVCFG_CBIE_SHIFT 4
#define ENVCFG_CBIE       (3ull << ENVCFG_CBIE_SHIFT)
#define ENVCFG_CBCFE      BIT(6)
#define ENVCFG_CBZE       BIT(7)
#define MENVCFG_ADUE      BIT(61)
#define MENVCFG_PBMTE     BIT(62)
#define MENVCFG_STCE      BIT(63)
#define SENVCFG_ALL       (ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE)
#define MENVCFG_ALL       (SENVCFG_ALL | MENVCFG_ADUE | MENVCFG_PBMTE | MENVCFG_STCE)

/* mcounteren, scounteren, mcountinhibit */
#define COUNTER_CY BIT(0)
#define COUNTER_TM BIT(1)
#define COUNTER_IR BIT(2)

#define SATP_MODE_SHIFT 60
#define SATP_MODE_BARE  0u
#define SATP_MODE_SV39  8u
#define SATP_MODE_SV48  9u
#define SATP_ASID_SHIFT 44
#define SATP_PPN        ((1ull << 44) - 1)

#define PMP_R        1u
#define PMP_W        2u
#define PMP_X        4u
#define PMP_A_SHIFT  3
#define PMP_A_OFF    0u
#define PMP_A_TOR    1u
#define PMP_A_NA4    2u
#define PMP_A_NAPOT  3u
#define PMP_L        0x80u
#define PMP_ADDR_ALL ((1ull << 54) - 1)

#endif
