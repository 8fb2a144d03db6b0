/* SPDX-License-Identifier: MIT */
/*
 * Which address was last seen behind which port, as a switch learns it. Entries that were not
 * renewed for some time are forgotten; of one port at most MAC_TABLE_PORT_MAX are kept, so that no
 * port can push out what is known of the others. One thread.
 */
#ifndef BACKEND_MAC_TABLE_H
#define BACKEND_MAC_TABLE_H

#include <stdint.h>

#define MAC_TABLE_SIZE     4096u
#define MAC_TABLE_PORT_MAX 256u
#define MAC_TABLE_PORTS    65u
#define MAC_TABLE_AGE_NS   (300ull * 1000000000ull)

struct mac_entry {
	uint8_t mac[6];
	uint16_t port;
	uint16_t next; /* in its bucket, or of the free ones; 0: the last */
	uint64_t seen_ns;
};

struct mac_table {
	uint16_t bucket[MAC_TABLE_SIZE]; /* entry, 0: empty */
	uint16_t free;
	uint16_t of_port[MAC_TABLE_PORTS];
	struct mac_entry entry[MAC_TABLE_SIZE + 1]; /* the first is not used */
};

void mac_table_init(struct mac_table *t);

/* A frame from `mac` (not a group's) came in by `port`, below MAC_TABLE_PORTS. When the table or
 * the port's share is full, it is not learned. */
void mac_table_learn(struct mac_table *t, const uint8_t mac[6], unsigned port, uint64_t now_ns);

/* The port, or -1: not known, or not seen for MAC_TABLE_AGE_NS. */
int mac_table_find(const struct mac_table *t, const uint8_t mac[6], uint64_t now_ns);

/* Forgets what is too old. */
void mac_table_age(struct mac_table *t, uint64_t now_ns);

/* Forgets all of a port. */
void mac_table_forget(struct mac_table *t, unsigned port);

/* How many are known. */
unsigned mac_table_count(const struct mac_table *t);

#endif
