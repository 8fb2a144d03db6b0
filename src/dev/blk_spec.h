/* SPDX-License-Identifier: MIT */
/* The disk as specification 5.2 lays it out. */
#ifndef DEV_BLK_SPEC_H
#define DEV_BLK_SPEC_H

#include "base/bits.h"

/* 5.2.3 feature bits */
#define BLK_F_SIZE_MAX     BIT(1)
#define BLK_F_SEG_MAX      BIT(2)
#define BLK_F_RO           BIT(5)
#define BLK_F_BLK_SIZE     BIT(6)
#define BLK_F_FLUSH        BIT(9)
#define BLK_F_TOPOLOGY     BIT(10)
#define BLK_F_CONFIG_WCE   BIT(11)
#define BLK_F_MQ           BIT(12)
#define BLK_F_DISCARD      BIT(13)
#define BLK_F_WRITE_ZEROES BIT(14)

/* 5.2.4 configuration: byte offsets */
#define BLK_CONFIG_CAPACITY      0u  /* le64, sectors */
#define BLK_CONFIG_SIZE_MAX      8u  /* le32 */
#define BLK_CONFIG_SEG_MAX       12u /* le32 */
#define BLK_CONFIG_BLK_SIZE      20u /* le32 */
#define BLK_CONFIG_PHYSICAL_EXP  24u /* u8: log2 of logical blocks in a physical one */
#define BLK_CONFIG_MIN_IO        26u /* le16, logical blocks */
#define BLK_CONFIG_WRITEBACK     32u /* u8, writable */
#define BLK_CONFIG_NUM_QUEUES    34u /* le16 */
#define BLK_CONFIG_DISCARD_MAX   36u /* le32, sectors of one range */
#define BLK_CONFIG_DISCARD_SEGS  40u /* le32, ranges of one request */
#define BLK_CONFIG_DISCARD_ALIGN 44u /* le32, sectors */
#define BLK_CONFIG_ZERO_MAX      48u /* le32, sectors of one range */
#define BLK_CONFIG_ZERO_SEGS     52u /* le32, ranges of one request */
#define BLK_CONFIG_ZERO_UNMAP    56u /* u8: zeroing may free space */
#define BLK_CONFIG_LEN           60u

/* 5.2.6 requests: le32 type, le32 reserved, le64 sector; data; u8 status */
#define BLK_HEADER_SIZE 16u

#define BLK_T_IN           0u
#define BLK_T_OUT          1u
#define BLK_T_FLUSH        4u
#define BLK_T_GET_ID       8u
#define BLK_T_DISCARD      11u
#define BLK_T_WRITE_ZEROES 13u

#define BLK_S_OK     0u
#define BLK_S_IOERR  1u
#define BLK_S_UNSUPP 2u

/* A range of DISCARD and WRITE_ZEROES: le64 sector, le32 sectors, le32 flags */
#define BLK_RANGE_SIZE    16u
#define BLK_RANGE_F_UNMAP 1u

#endif
