/* SPDX-License-Identifier: MIT */
/*
 * Messages of RPMsg, each behind 24 bytes that say which way it went and when; docs/trace.md tells
 * of them.
 */
#include <string.h>

#include "backend/pcap_format.h"
#include "base/endian.h"
#include "cmd/trace.h"
#include "machine/duo_trace.h"
#include "rpmsg/proto.h"

#define NS_PER_S UINT64_C(1000000000)

/* In front of a message's own header. */
#define AT_TO      0u /* u8: 0: to the big core, 1: to the small one; 7 bytes of 0 */
#define AT_INSNS   8u /* two u64, little-endian: instructions of both */
#define FRONT_SIZE 24u
#define PACKET_MAX (FRONT_SIZE + RPMSG_HEADER_SIZE + TRACE_DATA_MAX)

static void print_begin(void *arg, FILE *out)
{
	const struct pcap_file_header h = {.magic = PCAP_MAGIC_NS,
					   .major = PCAP_MAJOR,
					   .minor = PCAP_MINOR,
					   .packet_max = PACKET_MAX,
					   .link_type = PCAP_USER0};

	(void)fwrite(&h, sizeof(h), 1, out);
}

static void print_event(void *arg, FILE *out, const struct trace_event *e)
{
	const struct rpmsg_header h = {.src = (uint32_t)e->a,
				       .dst = (uint32_t)e->b,
				       .len = (uint16_t)e->c,
				       .flags = (uint16_t)e->d};
	const struct pcap_record r = {.s = (uint32_t)(e->time_ns / NS_PER_S),
				      .ns = (uint32_t)(e->time_ns % NS_PER_S),
				      .len = FRONT_SIZE + RPMSG_HEADER_SIZE + e->n_data,
				      .full = FRONT_SIZE + RPMSG_HEADER_SIZE + h.len};
	uint8_t packet[PACKET_MAX] = {[AT_TO] = !strcmp(e->label, DUO_SMALL_NAME)};

	if (e->kind != TRACE_RPMSG)
		return;
	for (unsigned i = 0; i < 2; i++)
		le64_store(packet + AT_INSNS + 8 * (size_t)i, e->insns[i]);
	rpmsg_header_store(packet + FRONT_SIZE, &h);
	rpmsg_store32(packet + FRONT_SIZE + RPMSG_AT_RESERVED, e->e);
	memcpy(packet + FRONT_SIZE + RPMSG_HEADER_SIZE, e->data, e->n_data);
	(void)fwrite(&r, sizeof(r), 1, out); /* the end looks whether all was written */
	(void)fwrite(packet, r.len, 1, out);
}

const struct trace_view trace_pcap_view = {.begin = print_begin, .event = print_event};
