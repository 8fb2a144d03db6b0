/* SPDX-License-Identifier: MIT */
/* Numbers of the network device (specification 5.1), as far as more than one file needs them. */
#ifndef DEV_NET_SPEC_H
#define DEV_NET_SPEC_H

#include "base/bits.h"

/* 5.1.3 Feature bits */
#define NET_F_CSUM                BIT(0)
#define NET_F_GUEST_CSUM          BIT(1)
#define NET_F_CTRL_GUEST_OFFLOADS BIT(2)
#define NET_F_MTU                 BIT(3)
#define NET_F_MAC                 BIT(5)
#define NET_F_GUEST_TSO4          BIT(7)
#define NET_F_GUEST_TSO6          BIT(8)
#define NET_F_HOST_TSO4           BIT(11)
#define NET_F_HOST_TSO6           BIT(12)
#define NET_F_MRG_RXBUF           BIT(15)
#define NET_F_STATUS              BIT(16)
#define NET_F_CTRL_VQ             BIT(17)
#define NET_F_CTRL_RX             BIT(18)
#define NET_F_CTRL_VLAN           BIT(19)
#define NET_F_CTRL_RX_EXTRA       BIT(20)
#define NET_F_GUEST_ANNOUNCE      BIT(21)
#define NET_F_MQ                  BIT(22)
#define NET_F_CTRL_MAC_ADDR       BIT(23)
#define NET_F_NOTF_COAL           BIT(53)
#define NET_F_GUEST_USO4          BIT(54)
#define NET_F_GUEST_USO6          BIT(55)
#define NET_F_HOST_USO            BIT(56)
#define NET_F_SPEED_DUPLEX        BIT(63)

/* 5.1.4 Configuration */
#define NET_CONFIG_MAC       0u
#define NET_CONFIG_STATUS    6u
#define NET_CONFIG_MAX_PAIRS 8u
#define NET_CONFIG_MTU       10u
#define NET_CONFIG_SPEED     12u /* Mbit/s */
#define NET_CONFIG_DUPLEX    16u
#define NET_CONFIG_LEN       17u

#define NET_S_LINK_UP     1u
#define NET_S_ANNOUNCE    2u
#define NET_DUPLEX_FULL   1u
#define NET_PAIRS_MAX     8u /* ours; the specification allows 0x8000 */
#define NET_MTU_MIN       68u
#define NET_ETHERNET_SIZE 14u /* of a frame's header; with a VLAN's tag 4 more */
#define NET_VLAN_SIZE     4u

/* 5.1.6.5 Control queue: a class and a command */
#define NET_CTRL_RX           0u
#define NET_CTRL_RX_PROMISC   0u
#define NET_CTRL_RX_ALLMULTI  1u
#define NET_CTRL_RX_ALLUNI    2u
#define NET_CTRL_RX_NOMULTI   3u
#define NET_CTRL_RX_NOUNI     4u
#define NET_CTRL_RX_NOBCAST   5u
#define NET_CTRL_MAC          1u
#define NET_CTRL_MAC_TABLE    0u
#define NET_CTRL_MAC_ADDR     1u
#define NET_CTRL_VLAN         2u
#define NET_CTRL_VLAN_ADD     0u
#define NET_CTRL_VLAN_DEL     1u
#define NET_CTRL_ANNOUNCE     3u
#define NET_CTRL_ANNOUNCE_ACK 0u
#define NET_CTRL_MQ           4u
#define NET_CTRL_MQ_PAIRS     0u
#define NET_CTRL_OFFLOADS     5u
#define NET_CTRL_OFFLOADS_SET 0u
#define NET_CTRL_NOTF_COAL    6u
#define NET_CTRL_NOTF_COAL_TX 0u
#define NET_CTRL_NOTF_COAL_RX 1u
#define NET_CTRL_ACK_OK       0u
#define NET_CTRL_ACK_ERR      1u
#define NET_CTRL_HEADER       2u

#endif
