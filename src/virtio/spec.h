/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the virtio specification (version 1.2; section numbers are its own) that more than
 * one file needs. What belongs to one device alone stands in that device's file.
 */
#ifndef VIRTIO_SPEC_H
#define VIRTIO_SPEC_H

#include "base/bits.h"

/* 2.1 Device Status Field */
#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER      2u
#define VIRTIO_STATUS_DRIVER_OK   4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED      128u

/* 5 Device Types */
#define VIRTIO_ID_NET     1u
#define VIRTIO_ID_BLOCK   2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_RNG     4u
#define VIRTIO_ID_BALLOON 5u
#define VIRTIO_ID_RPMSG   7u
#define VIRTIO_ID_INPUT   18u
#define VIRTIO_ID_VSOCK   19u
#define VIRTIO_ID_FS      26u

/* 6 Reserved Feature Bits */
#define VIRTIO_F_INDIRECT_DESC     BIT(28)
#define VIRTIO_F_EVENT_IDX         BIT(29)
#define VIRTIO_F_VERSION_1         BIT(32)
#define VIRTIO_F_ACCESS_PLATFORM   BIT(33)
#define VIRTIO_F_RING_PACKED       BIT(34)
#define VIRTIO_F_IN_ORDER          BIT(35)
#define VIRTIO_F_NOTIFICATION_DATA BIT(38)
#define VIRTIO_F_RING_RESET        BIT(40)

/* 2.9, 4.2.2: what a driver writes to notify, with NOTIFICATION_DATA. Above the queue's number: how
 * far the driver is, as an index (split) or a slot and a wrap counter (packed). */
#define VIRTIO_NOTIFY_QUEUE 0xffffu

/* 2.7 Split Virtqueues */
#define VIRTQ_SIZE_MAX   32768u
#define SPLIT_DESC_SIZE  16u /* 2.7.5 le64 addr, le32 len, le16 flags, le16 next */
#define SPLIT_USED_SIZE  8u  /* 2.7.8 le32 id, le32 len */
#define SPLIT_AVAIL_IDX  2u  /* 2.7.6 le16 flags, le16 idx, le16 ring[], le16 used_event */
#define SPLIT_AVAIL_RING 4u
#define SPLIT_USED_IDX   2u /* 2.7.8 le16 flags, le16 idx, entries, le16 avail_event */
#define SPLIT_USED_RING  4u

/* 2.8 Packed Virtqueues */
#define PACKED_DESC_SIZE     16u       /* 2.8.13 le64 addr, le32 len, le16 id, le16 flags */
#define PACKED_EVENT_SIZE    4u        /* 2.8.14 le16 off_wrap, le16 flags */
#define PACKED_F_AVAIL       (1u << 7) /* 2.8.1 */
#define PACKED_F_USED        (1u << 15)
#define PACKED_EVENT_ENABLE  0u
#define PACKED_EVENT_DISABLE 1u
#define PACKED_EVENT_DESC    2u

/* 2.7.5, 2.8.5 flags of a descriptor */
#define VIRTQ_DESC_F_NEXT     1u
#define VIRTQ_DESC_F_WRITE    2u
#define VIRTQ_DESC_F_INDIRECT 4u

/* 2.7.7, 2.7.10 notification suppression without EVENT_IDX */
#define VIRTQ_AVAIL_F_NO_INTERRUPT 1u
#define VIRTQ_USED_F_NO_NOTIFY     1u

/* 4.2.2 MMIO Device Register Layout */
#define VIRTIO_MMIO_MAGIC               0x000u
#define VIRTIO_MMIO_VERSION             0x004u
#define VIRTIO_MMIO_DEVICE_ID           0x008u
#define VIRTIO_MMIO_VENDOR_ID           0x00cu
#define VIRTIO_MMIO_DEVICE_FEATURES     0x010u
#define VIRTIO_MMIO_DEVICE_FEATURES_SEL 0x014u
#define VIRTIO_MMIO_DRIVER_FEATURES     0x020u
#define VIRTIO_MMIO_DRIVER_FEATURES_SEL 0x024u
#define VIRTIO_MMIO_QUEUE_SEL           0x030u
#define VIRTIO_MMIO_QUEUE_NUM_MAX       0x034u
#define VIRTIO_MMIO_QUEUE_NUM           0x038u
#define VIRTIO_MMIO_QUEUE_READY         0x044u
#define VIRTIO_MMIO_QUEUE_NOTIFY        0x050u
#define VIRTIO_MMIO_INTERRUPT_STATUS    0x060u
#define VIRTIO_MMIO_INTERRUPT_ACK       0x064u
#define VIRTIO_MMIO_STATUS              0x070u
#define VIRTIO_MMIO_QUEUE_DESC_LOW      0x080u
#define VIRTIO_MMIO_QUEUE_DESC_HIGH     0x084u
#define VIRTIO_MMIO_QUEUE_DRIVER_LOW    0x090u
#define VIRTIO_MMIO_QUEUE_DRIVER_HIGH   0x094u
#define VIRTIO_MMIO_QUEUE_DEVICE_LOW    0x0a0u
#define VIRTIO_MMIO_QUEUE_DEVICE_HIGH   0x0a4u
#define VIRTIO_MMIO_SHM_SEL             0x0acu
#define VIRTIO_MMIO_SHM_LEN_LOW         0x0b0u
#define VIRTIO_MMIO_SHM_BASE_HIGH       0x0bcu
#define VIRTIO_MMIO_QUEUE_RESET         0x0c0u
#define VIRTIO_MMIO_CONFIG_GENERATION   0x0fcu
#define VIRTIO_MMIO_CONFIG              0x100u
#define VIRTIO_MMIO_SIZE                0x200u

#define VIRTIO_MMIO_MAGIC_VALUE 0x74726976u /* "virt" */

/* InterruptStatus and InterruptACK */
#define VIRTIO_MMIO_INT_RING   1u
#define VIRTIO_MMIO_INT_CONFIG 2u

/* 4.1.2 PCI Device Discovery; a device's ID is behind VIRTIO_PCI_DEVICE_0 */
#define VIRTIO_PCI_VENDOR   0x1af4u
#define VIRTIO_PCI_DEVICE_0 0x1040u

/* 4.1.4 Virtio Structure PCI Capabilities: cfg_type, and the length of a capability */
#define VIRTIO_PCI_CAP_COMMON 1u
#define VIRTIO_PCI_CAP_NOTIFY 2u
#define VIRTIO_PCI_CAP_ISR    3u
#define VIRTIO_PCI_CAP_DEVICE 4u
#define VIRTIO_PCI_CAP_PCI    5u
#define VIRTIO_PCI_CAP_LEN    16u

/* 4.1.4.3 Common configuration structure layout */
#define VIRTIO_PCI_DEVICE_FEATURE_SELECT 0u
#define VIRTIO_PCI_DEVICE_FEATURE        4u
#define VIRTIO_PCI_DRIVER_FEATURE_SELECT 8u
#define VIRTIO_PCI_DRIVER_FEATURE        12u
#define VIRTIO_PCI_CONFIG_VECTOR         16u
#define VIRTIO_PCI_NUM_QUEUES            18u
#define VIRTIO_PCI_DEVICE_STATUS         20u
#define VIRTIO_PCI_CONFIG_GENERATION     21u
#define VIRTIO_PCI_QUEUE_SELECT          22u
#define VIRTIO_PCI_QUEUE_SIZE            24u
#define VIRTIO_PCI_QUEUE_VECTOR          26u
#define VIRTIO_PCI_QUEUE_ENABLE          28u
#define VIRTIO_PCI_QUEUE_NOTIFY_OFF      30u
#define VIRTIO_PCI_QUEUE_DESC            32u
#define VIRTIO_PCI_QUEUE_DRIVER          40u
#define VIRTIO_PCI_QUEUE_DEVICE          48u
#define VIRTIO_PCI_QUEUE_NOTIFY_DATA     56u
#define VIRTIO_PCI_QUEUE_RESET           58u

/* 4.1.4.5 ISR status, and 4.1.5.1.2 no MSI-X vector */
#define VIRTIO_PCI_ISR_RING   1u
#define VIRTIO_PCI_ISR_CONFIG 2u
#define VIRTIO_PCI_NO_VECTOR  0xffffu

#endif
