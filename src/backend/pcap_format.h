/* SPDX-License-Identifier: MIT */
/*
 * Files of recorded packets, with nanoseconds (draft-ietf-opsawg-pcap): a header, then records with
 * their packet behind each. In the byte order of who writes, which the magic number tells.
 */
#ifndef BACKEND_PCAP_FORMAT_H
#define BACKEND_PCAP_FORMAT_H

#include <stdint.h>

#define PCAP_MAGIC_NS 0xa1b23c4du
#define PCAP_MAJOR    2u
#define PCAP_MINOR    4u
#define PCAP_ETHERNET 1u   /* LINKTYPE_ETHERNET */
#define PCAP_USER0    147u /* LINKTYPE_USER0: for private use */

struct pcap_file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy;
	uint32_t packet_max;
	uint32_t link_type;
};

struct pcap_record {
	uint32_t s, ns;
	uint32_t len;  /* what follows */
	uint32_t full; /* what there was */
};

#endif
